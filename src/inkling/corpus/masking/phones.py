"""Phone numbers, as Google's libphonenumber knows them (the package `phonenumbers`).

Knows: which runs of digits are worth asking it about, so that a text full of numbers costs little.
A number that begins with + or 00 is one everywhere; others only in a region ("DE", "US"), and
where they are written as there: with the leading zero, or in the usual groups, or behind a word
that says what they are.
"""

from __future__ import annotations

import functools
import re
from itertools import pairwise

from inkling.corpus.masking.kinds import BLANK, Places

_RUN = re.compile(r"[+(]{0,2}\d[\d \u00a0\u2011–./()+-]*+")
_BEGINNING = re.compile(r"(?=\+)|(?<=\d)(?: {2,}| [–-] )(?=[+\d(])")
LONGEST = 40
"""Characters of a number with its separators: of longer runs of digits none is a phone number."""
_BEFORE = 24
_CALLED = re.compile(
    r"phone|\btel|mobil|cell|\bcall|\btext\b|whats ?app|handy|nummer|numéro|número|numero|fax"
    r"|telefon|тел|номер|电话|電話|☎|📞|📱",
    re.IGNORECASE,
)
_NOT_CALLED = re.compile(r"(?:isbn|issn|doi|ean)(?:-1[03])?[: ]{0,3}$", re.IGNORECASE)
_DATE = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}\b")


def find_phones(text: str, region: str | None) -> Places:
    """Numbers that can be called; `region` is an ISO country code or None."""
    for run in _RUN.finditer(text):
        if len(run[0]) < 7 or not _promises(run[0], region):
            continue
        start = run.start()
        for piece in _pieces(run[0]):
            if len(piece) <= LONGEST and _free(text, start, start + len(piece.rstrip(" ./(-–+"))):
                before = text[max(0, start - _BEFORE) : start]
                called = _CALLED.search(before) is not None
                if not _NOT_CALLED.search(before):
                    for begin, end in _numbers(piece, region, called):
                        yield start + begin, start + end
            start += len(piece)


def _promises(run: str, region: str | None) -> bool:
    """Whether a run of digits can hold a number at all: a quick look, for texts full of others."""
    return region is not None or "+" in run or run.startswith(("00", "(00"))


def _pieces(run: str) -> list[str]:
    """A run of digits, cut where another number may begin; joined, they are the run."""
    cuts = [0, *(cut.end() for cut in _BEGINNING.finditer(run) if cut.end()), len(run)]
    return [run[begin:end] for begin, end in pairwise(cuts) if end > begin]


def _free(text: str, start: int, stop: int) -> bool:
    """Whether a number stands by itself, no part of a word, an amount or a link."""
    before = text[start - 1] if start else " "
    after = text[stop] if stop < len(text) else " "
    return not (
        before.isalnum()
        or after.isalnum()
        or before in f"_=&?%#$€£¥@/-.,:{BLANK}"
        or after in f"_%€£¥@°{BLANK}"
    )


@functools.lru_cache(maxsize=4096)
def _numbers(piece: str, region: str | None, called: bool) -> tuple[tuple[int, int], ...]:
    digits = sum(map(str.isdecimal, piece))
    begins = piece.lstrip("(")
    ahead = len(piece) - len(begins)
    abroad = begins.startswith(("+", "00"))
    if digits < 7 or (digits > 15 and not abroad) or _DATE.match(begins) or _is_book(piece):
        return ()
    if not abroad and (region is None or not _possible(digits, region)):
        return ()
    from phonenumbers import Leniency, PhoneNumberMatcher

    domestic = begins.startswith("0")
    if not (abroad or domestic or called) and begins.strip(" ").isdecimal():
        return ()  # an order, an amount, a moment in seconds: nothing says that it is a number
    longer = 0
    if begins.startswith("00"):  # which libphonenumber reads only where a region is known
        piece, longer = f"{piece[:ahead]}+{begins[2:]}", 1
    leniency = (
        Leniency.POSSIBLE if begins.startswith("+")
        else Leniency.VALID if abroad or domestic or called
        else Leniency.STRICT_GROUPING
    )  # fmt: skip
    found = PhoneNumberMatcher(piece, region, leniency, max_tries=4)
    return tuple(
        (match.start + longer * (match.start > ahead), match.end + longer) for match in found
    )


def _is_book(piece: str) -> bool:
    """Whether a number is an ISBN: its groups, and the remainder of 11 or of 10."""
    if piece.count("-") not in (3, 4) or piece.startswith(("+", "(")):
        return False
    digits = [int(digit) for digit in piece if digit.isdecimal()]
    if len(digits) == 10:
        return sum((10 - place) * digit for place, digit in enumerate(digits)) % 11 == 0
    weights = (1, 3)
    return (
        len(digits) == 13
        and sum(weights[place % 2] * digit for place, digit in enumerate(digits)) % 10 == 0
    )


@functools.cache
def _lengths(region: str) -> frozenset[int]:
    """How many digits a number has in a region, with and without what stands before it at home."""
    from phonenumbers import PhoneMetadata

    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None or metadata.general_desc is None:
        return frozenset()
    lengths = set(metadata.general_desc.possible_length)
    prefix = len(metadata.national_prefix or "")
    return frozenset(lengths | {length + prefix for length in lengths})


def _possible(digits: int, region: str) -> bool:
    return digits in _lengths(region)


def is_region(region: str) -> bool:
    """Whether phone numbers are known of a country, by its two letters."""
    return bool(_lengths(region))
