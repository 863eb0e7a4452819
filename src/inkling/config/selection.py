"""Which of a workspace's texts are learned: the filters of a dataset.

Knows: names, defaults, help texts, and which moments a date or a part of one means. Does not know:
the corpus; whether a name is somebody's or some source's is found out when the texts are read.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from inkling.config.base import Settings

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")

TextKinds = Literal["all", "dialogs", "writing"]


class Selection(Settings):
    """All of the text, unless told otherwise; no group chats."""

    only_sources: Annotated[
        tuple[str, ...], Field(description="Learn these sources only; may be repeated.")
    ] = ()
    without_sources: Annotated[
        tuple[str, ...], Field(description="Leave these sources out; may be repeated.")
    ] = ()
    people: Annotated[
        tuple[str, ...],
        Field(description="Of dialogs only those in which this person speaks; may be repeated."),
    ] = ()
    since: Annotated[
        str | None, Field(description="From this year, month or day on, e.g. 2024 or 2024-03.")
    ] = None
    until: Annotated[
        str | None, Field(description="Up to this year, month or day, all of it included.")
    ] = None
    kind: Annotated[TextKinds, Field(description="Learn dialogs only, or writing only.")] = "all"
    min_length: Annotated[
        int,
        Field(
            ge=0,
            description="Leave out documents, and dialogs in which you say less, under so many "
            "characters.",
        ),
    ] = 0
    groups: Annotated[
        bool, Field(description="Also chats of more than two, with invented names for the others.")
    ] = False
    weights: Annotated[
        tuple[tuple[str, float], ...],
        Field(description="How often a source is learned, e.g. blog=2.0; 0.5 is half of it."),
    ] = ()

    @field_validator("since", "until", mode="before")
    @classmethod
    def _is_a_date(cls, value: object) -> object:
        if value is None:
            return None
        text = str(value).strip()
        found = _DATE.fullmatch(text)
        month, day = (int(part or 1) for part in found.groups()[1:]) if found else (0, 0)
        if not (1 <= month <= 12 and 1 <= day <= 31):
            raise ValueError("a date is a year, a month or a day, e.g. 2024, 2024-03, 2024-03-09")
        return text

    @field_validator("weights")
    @classmethod
    def _is_a_weight(cls, value: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
        for name, weight in value:
            if not 0 < weight <= 100:
                raise ValueError(f"the weight of {name} must be above 0 and at most 100")
        return value

    @property
    def is_everything(self) -> bool:
        """Whether nothing was chosen."""
        return self == Selection()

    @property
    def before(self) -> str | None:
        """The first moment behind `until`, as the beginning of an ISO date."""
        if self.until is None:
            return None
        *ahead, last = self.until.split("-")
        return "-".join([*ahead, f"{int(last) + 1:0{len(last)}d}"])

    def sentences(self) -> list[str]:
        """What was chosen, in a few words each."""
        found = []
        if self.kind != "all":
            found.append(f"{self.kind} only")
        if self.only_sources:
            found.append(f"only {', '.join(self.only_sources)}")
        if self.without_sources:
            found.append(f"without {', '.join(self.without_sources)}")
        if self.people:
            found.append(f"dialogs with {', '.join(self.people)}")
        if self.since is not None and self.since == self.until:
            found.append(f"in {self.since}")
        elif self.since is not None or self.until is not None:
            parts = [f"from {self.since}"] if self.since else []
            found.append(" ".join([*parts, *([f"to {self.until}"] if self.until else [])]))
        if self.min_length:
            found.append(f"at least {self.min_length:,} characters")
        if self.groups:
            found.append("group chats too")
        found += [f"{name} × {weight:g}" for name, weight in self.weights]
        return found
