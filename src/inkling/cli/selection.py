"""Options that say which of the text is learned, in one place for the commands that take them.

Knows: how they are typed. Their meaning and their bounds are those of `config.Selection`.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from inkling.config import Selection


def _choice(name: str, field: str) -> Any:
    described = Selection.model_fields[field].description
    return typer.Option(name, help=described, show_default=False)


OnlySourceOption = Annotated[list[str] | None, _choice("--only-source", "only_sources")]
WithoutSourceOption = Annotated[list[str] | None, _choice("--without-source", "without_sources")]
PersonOption = Annotated[list[str] | None, _choice("--person", "people")]
FromOption = Annotated[str | None, _choice("--from", "since")]
ToOption = Annotated[str | None, _choice("--to", "until")]
InOption = Annotated[
    str | None,
    typer.Option("--in", help="Only what is of this year, month or day.", show_default=False),
]
KindOption = Annotated[str | None, _choice("--kind", "kind")]
MinLengthOption = Annotated[int | None, _choice("--min-length", "min_length")]
GroupsOption = Annotated[bool, _choice("--groups", "groups")]
WeightOption = Annotated[list[str] | None, _choice("--weight", "weights")]
