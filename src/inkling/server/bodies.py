"""What every body has in common: the base of what is sent and of what is answered.

Knows: which values are no JSON object, and the sentences for those. Knows neither fields nor
FastAPI: the command line reads these models too.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

NOT_JSON = object()
"""Stands for a body that is not JSON, until a model says what that means."""
SENTENCE = "sentence"
"""Type of a validation error whose text is a whole sentence, shown without the field's name."""


class RequestBody(BaseModel):
    """Base of all bodies. Unknown fields are ignored."""

    model_config = ConfigDict(allow_inf_nan=False, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _is_an_object(cls, data: Any) -> Any:
        if data is NOT_JSON:
            raise PydanticCustomError(SENTENCE, "Send a JSON object; the body is not JSON.")
        if not isinstance(data, dict):
            raise PydanticCustomError(SENTENCE, "Send a JSON object; the body is something else.")
        return data


class ResponseBody(BaseModel):
    """Base of all answers: for the OpenAPI document, a field with a default is always there."""

    model_config = ConfigDict(
        json_schema_serialization_defaults_required=True, use_attribute_docstrings=True
    )
