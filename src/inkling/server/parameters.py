"""Parameters of an address: numbers in its path, its query and in headers.

Knows: what may stand there, and what an address means that cannot be. Does not know routes.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any

from fastapi import Path
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from inkling.errors import ChatNotFoundError

MAX_ID = 2**63


def _id(text: str, what: str) -> int:
    """What cannot be a number of ours names nothing that is there: 404, not 400."""
    if not re.fullmatch("[0-9]{1,19}", text) or int(text) >= MAX_ID:
        raise ChatNotFoundError(f"There is no {what} {text[:40]!r}.")
    return int(text)


ChatId = Annotated[int, BeforeValidator(partial(_id, what="chat")), Path()]
MessagePosition = Annotated[int, BeforeValidator(partial(_id, what="message")), Path()]


def _whole_number(text: Any) -> int | None:
    if text is None or not text.strip():
        return None
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 16):
        given = {"given": repr(digits[:40])}
        raise PydanticCustomError("whole_number", "{given} is not a whole number.", given)
    return int(digits)


WholeNumber = Annotated[int | None, BeforeValidator(_whole_number)]
"""Of a query or a header; None where there is none, or an empty one."""
