"""Dates as programs write them, as ISO 8601.

Knows: seconds and milliseconds since 1970, ISO variants, mail dates, and dates written out
in words in the languages that exports come in. Does not know: any source.
Data: number or text -> ISO 8601 text (UTC with Z, or naive as written), None where unreadable.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache

from inkling.corpus.importing.month_names import AFTERNOON, MONTHS, MORNING

# No date is longer; what is longer is not looked at.
_LONGEST = 120
_LONGEST_COUNT = 32

_FIRST_DAY = date(1970, 1, 1)
# There are millions of messages, so what a time is made of is written once.
_TWO = [f"{number:02}" for number in range(60)]
_MINUTES = [f"T{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60)]
_PARTS = ["Z", *(f".{part:03}Z" for part in range(1, 1000))]

_ISO = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:(?:[T ]?,? ?| at | @ )(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)? ?"
    r"(Z|UTC|GMT|[+-]\d{2}:?\d{2})?",
    re.IGNORECASE,
)
# What JSON has most often: to the second or the millisecond, naive or in UTC.
_USUAL = re.compile(
    r"(\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{3})\d{0,3})?(Z|\+00:00)?",
    re.ASCII,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
# A date written out, and nothing beside it: January 5th, 2021 3:04 PM · Tuesday, 5. Januar 2021
_CLOCK = r"(?:,? (?:at )?\d{1,2}:\d{2}(?::\d{2})?(?: ?[AP]\.?M\.?)?)?"
_ALONE = tuple(
    re.compile(rf"(?:[^\W\d_]+,? )?{date},? \d{{4}}{_CLOCK}", re.IGNORECASE)
    for date in (
        r"(?P<month>[^\W\d_]{3,12})\.? \d{1,2}(?:st|nd|rd|th)?",
        r"\d{1,2}(?:st|nd|rd|th|\.)? (?:de )?(?P<month>[^\W\d_]{3,12})\.?(?: de)?",
    )
)
# The last clock counts: numbers before it are the date. Dots also stand in dates, so a clock
# of dots needs its seconds.
_CLOCKS = (
    re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?::(\d{2}))?(?!\d)"),
    re.compile(r"(?<!\d)(\d{1,2}) ?[時时點点시] ?(\d{1,2}) ?[分분](?: ?(\d{1,2}) ?[秒초])?"),
    re.compile(r"(?<!\d)(\d{1,2}) ?h ?(\d{2})(?: ?min)?(?: ?(\d{2}) ?s)?(?!\d)"),
    re.compile(r"(?<![\d.])(\d{1,2})\.(\d{2})\.(\d{2})(?![\d.])"),
)
_OFFSET = re.compile(r"(?:UTC|GMT) ?([+-−])(\d{1,2})(?::?(\d{2}))?")
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+")


def from_unix(value: object, *, per_second: int = 1) -> str | None:
    """A count since 1970, a number or its digits, as UTC; to the millisecond where it has one.

    `per_second`: 1,000 for milliseconds.
    """
    part = 0
    try:
        if type(value) is int:
            seconds = value
            if per_second == 1000:
                seconds, part = divmod(value, 1000)
        elif isinstance(value, str) and len(value) <= _LONGEST_COUNT:
            if "." in value:
                seconds, part = divmod(round(float(value) * (1000 / per_second)), 1000)
            else:
                seconds, rest = divmod(int(value), per_second)
                part = rest * 1000 // per_second
        elif isinstance(value, float):
            seconds, part = divmod(round(value * (1000 / per_second)), 1000)
        else:
            return None
        if seconds <= 0:
            return None
        days, second = divmod(seconds, 86_400)
        minute, second = divmod(second, 60)
        return f"{_day_of(days)}{_MINUTES[minute]}{_TWO[second]}{_PARTS[part]}"
    except (ValueError, OverflowError):
        return None


# The messages of a day have one date.
@lru_cache(maxsize=1024)
def _day_of(days: int) -> str:
    """Raises OverflowError for a day that the calendar does not have."""
    return (_FIRST_DAY + timedelta(days=days)).isoformat()


def from_iso(value: object) -> str | None:
    """ISO 8601 as JSON has it; in UTC where it has an offset, else as it stands. The fast one."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    if (match := _USUAL.fullmatch(value)) and _is_day(value[:10]):
        second, milliseconds, zone = match.groups()
        if zone is None:
            return second
        return f"{second}.{milliseconds}Z" if milliseconds not in (None, "000") else f"{second}Z"
    try:
        moment = datetime.fromisoformat(value)
        return utc(moment) if moment.tzinfo else moment.isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=1024)
def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def from_mail(text: str) -> str | None:
    """The Date header of a mail as UTC; naive where it tells no zone (-0000)."""
    try:
        moment = parsedate_to_datetime(text[:_LONGEST])
        return utc(moment) if moment.tzinfo else moment.isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def from_text(text: object) -> str | None:
    """A date in ISO form or written out, with or without a time of day and a zone.

    `2024-05-02 18:11:04 UTC`, `Saturday, July 9, 2022 at 2:03:54 PM UTC` (with U+202F or
    plain spaces), `lundi 5 juillet 2021 à 14:03:54 UTC`, `2021年7月5日月曜日 14:03:54 UTC`.
    Purely numeric dates that do not begin with the year are read as month/day/year, the one
    form in which such exports write them, unless only day.month.year is possible.
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        return None
    plain = _plain(text)
    try:
        if match := _ISO.match(plain):
            # Messages count to the second.
            return _numeric(match, match[8] or plain[match.end() :])
        return _written_out(plain)
    except (ValueError, OverflowError):
        return None


def from_post(written: str | None) -> str | None:
    """The date over a post or in its header, to the day where no time is told.

    Nothing but a date is one, and no order of day and month is guessed: `2021-01-31 10:00`,
    `20210131`, `January 5, 2021 3:04 PM`, `5. Januar 2021`, `Sun, 05 Jan 2025 10:00:00 GMT`.
    """
    if written is None or len(written) > _LONGEST:
        return None
    plain = _plain(written)
    try:
        if match := _ISO.fullmatch(plain):
            milliseconds = int((match[7] or "0").ljust(3, "0")[:3])
            return _numeric(match, match[8] or "", milliseconds)
        if match := _COMPACT.fullmatch(plain):
            return date(*map(int, match.groups())).isoformat()
        if any((m := form.fullmatch(plain)) and _month(m["month"]) for form in _ALONE):
            return _written_out(plain)
    except (ValueError, OverflowError):
        return None
    return from_mail(plain) or (from_iso(plain) if "T" in plain else None)


def _numeric(match: re.Match[str], zone: str, milliseconds: int = 0) -> str:
    """Raises ValueError for a day that does not exist."""
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    if match[4] is None:
        return date(year, month, day).isoformat()
    return _zoned(datetime(year, month, day, hour, minute, second, milliseconds * 1000), zone)


def _plain(text: str) -> str:
    """Plain spaces and digits, nothing invisible."""
    # Most dates are ASCII but for the spaces.
    text = text.replace("\u202f", " ").replace("\u00a0", " ")
    if text.isascii():
        return " ".join(text.split())
    characters = []
    for character in text:
        if character.isspace():
            characters.append(" ")
        elif character.isdecimal():
            characters.append(str(unicodedata.decimal(character)))
        elif unicodedata.category(character) != "Cf":
            characters.append(character)
    return " ".join("".join(characters).split())


def utc(moment: datetime) -> str:
    """A moment with a zone, in UTC; milliseconds only where there are some."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    spec = "milliseconds" if moment.microsecond >= 1000 else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=spec) + "Z"


def _zoned(moment: datetime, zone: str) -> str:
    zone = zone.strip().upper()
    if match := _OFFSET.search(zone):
        sign = 1 if match[1] == "+" else -1
        offset = sign * timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
        return utc(moment.replace(tzinfo=timezone(offset)))
    if re.fullmatch(r"[+-]\d{2}:?\d{2}", zone):
        sign = 1 if zone[0] == "+" else -1
        offset = sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
        return utc(moment.replace(tzinfo=timezone(offset)))
    if zone == "Z" or "UTC" in zone or "GMT" in zone:
        return utc(moment.replace(tzinfo=UTC))
    return moment.isoformat(timespec="seconds")


def _written_out(text: str) -> str | None:
    hour = minute = second = 0
    words = text
    told = False
    for pattern in _CLOCKS:
        clocks = list(pattern.finditer(text))
        if clocks:
            clock = clocks[-1]
            hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
            before, after = text[: clock.start()], text[clock.end() :]
            hour = _of_24(hour, before, after)
            words, told = f"{before} {after}", True
            break
    day = _day(_OFFSET.sub(" ", words))
    if day is None:
        return None
    if not told:
        return date(*day).isoformat()
    return _zoned(datetime(*day, hour, minute, second), text)


def _of_24(hour: int, before: str, after: str) -> int:
    """The hour of 24, where `p. m.` follows the clock or 午後 stands before it."""
    follows = after.casefold().replace(".", "").replace(" ", "")
    precedes = before.casefold().rstrip()
    if (follows.startswith(AFTERNOON) or precedes.endswith(AFTERNOON)) and hour < 12:
        return hour + 12
    if (follows.startswith(MORNING) or precedes.endswith(MORNING)) and hour == 12:
        return 0
    return hour


@lru_cache(maxsize=1024)  # many messages are of one day
def _day(text: str) -> tuple[int, int, int] | None:
    numbers = [int(number) for number in _NUMBER.findall(text) if len(number) <= 4]
    years = [n for n in numbers if n >= 1900]
    month = next((m for word in _WORD.findall(text) if (m := _month(word)) is not None), None)
    if month is not None:
        rest = [n for n in numbers if 1 <= n <= 31]
        if years and rest:
            return _gregorian(years[0]), month, rest[0]
        return None
    if len(numbers) < 3:
        return None
    first, middle, last = numbers[:3]
    if first >= 1900:
        return _gregorian(first), middle, last
    year = _gregorian(last) if last >= 1900 else 2000 + last
    swapped = first > 12 or "." in text
    return (year, middle, first) if swapped else (year, first, middle)


def _gregorian(year: int) -> int:
    """The Buddhist calendar, which Thai exports use, counts 543 years more."""
    return year - 543 if year > 2400 else year


def _month(word: str) -> int | None:
    return MONTHS.get(unicodedata.normalize("NFC", word.casefold()))
