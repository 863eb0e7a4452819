"""What the imports API takes.

Names of files are shown, and nothing on the disk is ever called by them.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from inkling.server.bodies import SENTENCE, RequestBody
from inkling.server.refusals import MAX_SENT_BYTES

MAX_FILES = 50_000
MAX_PATH = 1_000
MAX_ADDRESS = 2_000
MAX_NAMES = 1_000
MAX_NAME = 300
MAX_WORD = 100


def _is_path(path: str) -> str:
    parts = path.split("/")
    if "\0" in path or any(part in ("", ".", "..") for part in parts):
        raise PydanticCustomError("path", "this is no name of a file in a folder.")
    return path


class SentFile(RequestBody):
    """One of the files that will be sent."""

    path: Annotated[str, Field(min_length=1, max_length=MAX_PATH), AfterValidator(_is_path)]
    """Its name; in a folder the path that begins with the folder's name."""
    size: Annotated[int, Field(ge=0, le=MAX_SENT_BYTES)]
    """Bytes."""


class ImportRequest(RequestBody):
    """Body of `POST /api/imports`: files that will be sent, or an address to read."""

    model_config = ConfigDict(extra="forbid")

    files: list[SentFile] = Field(default_factory=list, max_length=MAX_FILES)
    address: Annotated[str | None, Field(max_length=MAX_ADDRESS)] = None

    @model_validator(mode="after")
    def _one_of_both(self) -> ImportRequest:
        if bool(self.files) == bool((self.address or "").strip()):
            raise PydanticCustomError(SENTENCE, "Choose files or a folder, or give an address.")
        paths = [file.path for file in self.files]
        if len(set(paths)) != len(paths):
            raise PydanticCustomError(SENTENCE, "Two of the files have the same name.")
        if sum(file.size for file in self.files) > MAX_SENT_BYTES:
            raise PydanticCustomError(
                SENTENCE,
                f"This is more than {MAX_SENT_BYTES // 1_000_000_000} GB. Add it in a terminal, "
                "where nothing is copied: inkling add PATH.",
            )
        return self


class ReadAgainRequest(RequestBody):
    """Body of `POST /api/imports/ID/read`: what a person knows better about what was sent."""

    model_config = ConfigDict(extra="forbid")

    source: Annotated[str | None, Field(max_length=MAX_WORD)] = None
    """What it is an export of, as `name` in the list of sources; null to find it out."""
    encoding: Annotated[str | None, Field(max_length=MAX_WORD)] = None
    """Of its text files; null to guess it."""
    me: list[Annotated[str, Field(max_length=MAX_NAME)]] = Field(
        default_factory=list, max_length=MAX_NAMES
    )
    """Names and mail addresses under which the author stands in it."""


class ConfirmRequest(RequestBody):
    """Body of `POST /api/imports/ID/confirm`."""

    model_config = ConfigDict(extra="forbid")

    me: dict[str, Annotated[list[str], Field(max_length=MAX_NAMES)]] = Field(default_factory=dict)
    """By importer, which of the people that were found the author is."""
    drafts: bool = False
    """Also what was never published."""
