"""All that is to be masked in a text.

Knows: in which order the kinds are looked for, so that the surer one wins. Does not know: what a
person decided. Data: text + region -> `find_secrets` -> places, in order, apart.

What was found is blanked out before the next kind is looked for. Blanks are part of no word and no
number, and so are placeholders that stand in a text already: looked through again, a masked text
has nothing more to mask.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from inkling.corpus.masking.accounts import find_accounts, find_cards
from inkling.corpus.masking.codes import find_codes
from inkling.corpus.masking.keys import find_keys, find_passwords
from inkling.corpus.masking.kinds import BLANK, PLACEHOLDERS, Places, SecretKind
from inkling.corpus.masking.mails import find_mails
from inkling.corpus.masking.phones import find_phones

SecretPlace = tuple[int, int, SecretKind]

# Nothing is found in a text without any of these.
_ANYTHING = re.compile(r"[\d@:=：]")
_ROUNDS = 3
"""What is blanked can leave something beside it that stands alone now."""

_FINDERS: tuple[tuple[SecretKind, Callable[[str], Places]], ...] = (
    ("password", find_passwords),
    ("mail", find_mails),
    ("key", find_keys),
    ("iban", find_accounts),
    ("card", find_cards),
    ("code", find_codes),
)


def find_secrets(text: str, region: str | None = None) -> list[SecretPlace]:
    """Places of a text as (start, stop, kind), in order; none lies in another."""
    if not _ANYTHING.search(text):
        return []
    left = _without_placeholders(text)
    found: list[SecretPlace] = []
    for _ in range(_ROUNDS):
        before = len(found)
        for kind, finder in _FINDERS:
            left = _take(left, kind, finder(left), found)
        left = _take(left, "phone", find_phones(left, region), found)
        if len(found) == before:
            break
    return sorted(found)


def _without_placeholders(text: str) -> str:
    if "[" not in text:
        return text
    return PLACEHOLDERS.sub(lambda found: BLANK * len(found[0]), text)


def _take(
    text: str, kind: SecretKind, places: Iterable[tuple[int, int]], found: list[SecretPlace]
) -> str:
    """The text with what was found blanked out. Of places that overlap the first one counts."""
    parts: list[str] = []
    behind = 0
    for start, stop in sorted(places):
        if start < behind or BLANK in text[start:stop]:
            continue
        found.append((start, stop, kind))
        parts += (text[behind:start], BLANK * (stop - start))
        behind = stop
    return "".join((*parts, text[behind:])) if parts else text
