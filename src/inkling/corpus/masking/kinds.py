"""The kinds of things that are masked, and the placeholders that stand in their place.

Knows: names and placeholders. Does not know how anything is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

SecretKind = Literal["mail", "phone", "card", "iban", "code", "key", "password"]
"""What is masked unless a person says otherwise."""
MaskedKind = Literal["mail", "phone", "card", "iban", "code", "key", "password", "private", "name"]
"""Also what a person named, and names of others where pseudonyms are asked for."""

SECRETS: tuple[SecretKind, ...] = get_args(SecretKind)
PRIVATE: MaskedKind = "private"
NAME: MaskedKind = "name"

MEANING: dict[MaskedKind, str] = {
    "mail": "mail addresses",
    "phone": "phone numbers",
    "card": "card numbers",
    "iban": "bank accounts (IBAN)",
    "code": "one-time codes",
    "key": "keys and tokens",
    "password": "passwords",
    "private": "what you named",
    "name": "names of others",
}

BLANK = "\ue0ff"
"""Stands for each character that was found already while a text is looked through: private to us,
part of no word and no number."""

Places = Iterator[tuple[int, int]]
"""First character and the one behind the last of what was found."""


class MaskedSpan(NamedTuple):
    """Characters start … stop of a text, and what stands there instead."""

    start: int
    stop: int
    kind: MaskedKind
    replacement: str


def placeholder(kind: MaskedKind) -> str:
    """A lower-case word in brackets: two tokens in most vocabularies, and no number."""
    return f"[{kind}]"


PLACEHOLDERS = re.compile(rf"\[(?:{'|'.join(kind for kind in (*SECRETS, PRIVATE))})\]")


def lowered(text: str) -> str:
    """The text in lower case with every letter in its place: some are longer in lower case (İ),
    and then only letters of ASCII change."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return text.translate(_ASCII)


_ASCII = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
