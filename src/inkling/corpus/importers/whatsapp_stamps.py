"""The date and the time in the header of a WhatsApp message, as they are written.

Knows: how the phones of the world write a date beside a time, digits of other scripts, words for
morning and afternoon. Does not know: which number is the day (`whatsapp_dates`), lines.
Data: "18/3/2565 BE, 2:56 p. m." -> `stamp` -> Stamp.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_MARKS = re.compile("[\ufeff\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_TIME = r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2}))?"
_DATE = (
    r"(?P<a>\d{1,4})\s?[./\-年년]\s?(?P<b>\d{1,2})\s?[./\-月월]\s?(?P<c>[RH]?\d{1,4})"
    r"(?:\.(?=\D)|[日일])?"
)
# Every repetition is bounded: a line of a megabyte costs no more than its first characters.
_DATE_FIRST = re.compile(rf"{_DATE}(?P<before>\D{{1,16}}?){_TIME}(?P<after>\D{{0,24}})")
_TIME_FIRST = re.compile(rf"{_TIME}(?P<before>\D{{1,16}}?){_DATE}(?P<after>\D{{0,8}})")
# Most headers: 31/12/24, 21:03 · 12/31/24, 9:03:07 PM
_COMMON = re.compile(
    r"(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4}),? (\d{1,2}):(\d{2})(?::(\d{2}))?"
    "(?:[ \u202f]([AaPp])[Mm])?"
)


def _letters(word: str) -> str:
    """`p. m.`, `P.M.` and `pm` are one word."""
    return "".join(filter(str.isalpha, word.casefold()))


# fmt: off
_AFTERNOON = frozenset(map(_letters, (
    "pm", "p", "م", "بعد الظهر", "ب.ظ", "μ.μ.", "下午", "中午", "晚上", "午後", "오후", "ÖS",
    "nm", "CH", "PTG", "du", "odp", "odpol", "ip", "em", "TK", "אחה״צ", "अपराह्न", "بعد دوپہر",
    "பிற்பகல்", "หลังเที่ยง", "in the afternoon", "in the evening", "at night", "сл.об", "пп",
)))
_MORNING = frozenset(map(_letters, (
    "am", "a", "ص", "صباحًا", "ق.ظ", "π.μ.", "上午", "凌晨", "早上", "清晨", "午前", "오전", "ÖÖ",
    "vm", "SA", "PG", "de", "dop", "dopol", "ap", "fm", "TO", "לפנה״צ", "पूर्वाह्न", "صبح",
    "முற்பகல்", "ก่อนเที่ยง", "in the morning", "пр.об", "дп",
)))
# fmt: on


class Stamp(NamedTuple):
    """A moment as it was written: three numbers of unknown order and a time of day."""

    a: int
    b: int
    c: int
    year_digits: tuple[bool, bool]
    """Whether `a` and `c` are written with more than two digits."""
    clock: tuple[int, int, int]
    era: str
    """"BE", "R", "H" or ""."""
    separator: str
    american: bool
    """AM or PM in capitals and slashes, as only phones set to the United States write it."""
    shape: str
    """What is the same in every header of one export."""


def stamp(written: str) -> Stamp | None:
    """The date and the time in a header, or None where it is none."""
    text = written if written.isascii() else _MARKS.sub("", written)
    text = text.strip()
    return _common_form(text) or any_form(text)


def _common_form(text: str) -> Stamp | None:
    """What `any_form` says of a date in one of the most common forms, in less time."""
    match = _COMMON.fullmatch(text)
    if match is None:
        return None
    a, separator, b, c, hour_digits, minute, second, half = match.groups()
    hour, seconds = int(hour_digits), int(second or 0)
    if half is not None and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half in "Pp" else 0)
    clock = (hour, int(minute), min(seconds, 59))
    if hour > 23 or clock[1] > 59 or seconds > 60:
        return None
    return Stamp(
        int(a),
        int(b),
        int(c),
        (len(a) > 2, len(c) > 2),
        clock,
        "",
        separator,
        separator == "/" and ("AM" in text or "PM" in text),
        f"date {separator} {second is not None}",
    )


def any_form(text: str) -> Stamp | None:
    """The same for dates as any phone writes them, without direction marks."""
    time_first = False
    match = _DATE_FIRST.fullmatch(text)
    if match is None:
        match = _TIME_FIRST.fullmatch(text)
        time_first = True
    if match is None:
        return None
    hour, minute = int(match["hour"]), int(match["minute"])
    second = int(match["second"] or 0)
    beside = [match[side].strip(" ,") for side in ("before", "after")]
    words = [_letters(word) for word in beside if word]
    half: bool | None = None
    era = ""
    for word in words:
        if word in ("be", "พศ"):
            era = "BE"
        elif word in _AFTERNOON:
            half = True
        elif word in _MORNING:
            half = False
        elif word.startswith("be") and word[2:] in _AFTERNOON | _MORNING:
            era, half = "BE", word[2:] in _AFTERNOON
    if half is not None and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half else 0)
    if hour > 23 or minute > 59 or second > 60:
        return None
    last = match["c"]
    if last[0] in "RH":
        era, last = last[0], last[1:]
        if not last:
            return None
    separator = next(c for c in text[match.start("a") + len(match["a"]) :] if not c.isspace())
    return Stamp(
        int(match["a"]),
        int(match["b"]),
        int(last),
        (len(match["a"]) > 2, len(last) > 2),
        (hour, minute, min(second, 59)),
        era,
        separator,
        separator == "/" and ("AM" in text or "PM" in text),
        f"{'time' if time_first else 'date'} {separator} {match['second'] is not None}",
    )
