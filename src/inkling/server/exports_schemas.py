"""What the exports API takes and answers."""

from __future__ import annotations

from pydantic import ConfigDict

from inkling.exports.kinds import ExportKind, GgufType
from inkling.server.bodies import RequestBody, ResponseBody


class ExportRequest(RequestBody):
    """Body of `POST /api/exports`. Unknown fields are refused: a misspelt one would be ignored."""

    model_config = ConfigDict(extra="forbid")

    kind: ExportKind
    run: str | None = None
    """By default the newest."""
    gguf_type: GgufType = "f16"
    memory: bool = False
    """Whether a page takes along what was said before, word for word."""
    despite_warnings: bool = False
    """Whether the person has read the warnings and wants it all the same."""


class ExportChoice(ResponseBody):
    """A form that a run can be exported in."""

    kind: ExportKind
    gguf_type: GgufType
    """Of `gguf` alone."""
    memory: bool
    """Whether what was said before goes along, word for word."""
    opens_in: str
    """The programs that read it, in words."""
    size: int
    """Bytes, about."""
    warnings: list[str]
    """What speaks against this one, beside what speaks against all."""


class WrittenExport(ResponseBody):
    """A folder that was exported."""

    run: str
    kind: ExportKind
    memory: bool
    """Whether what was said before is in it, word for word."""
    folder: str
    size: int
    """Bytes of all its files."""


class ExportOffer(ResponseBody):
    """What a run can be exported to, what speaks against it, and what of it is there already."""

    run: str | None
    refused: str | None
    """Why it cannot be exported at all."""
    warnings: list[str]
    choices: list[ExportChoice]
    written: list[WrittenExport]
