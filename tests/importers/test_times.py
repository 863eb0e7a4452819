"""Dates as programs write them, in the locales that exports come in."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.corpus.importing import times
from inkling.corpus.sessions import seconds

NOON = "2021-07-05T14:03:54Z"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Monday, July 5, 2021 at 2:03:54\u202fPM UTC", NOON),
        ("Monday, July 5, 2021 at 2:03:54 PM UTC", NOON),
        ("Monday, 5 July 2021 at 14:03:54 UTC", NOON),
        ("Montag, 5. Juli 2021 um 14:03:54 UTC", NOON),
        ("lundi 5 juillet 2021 à 14:03:54 UTC", NOON),
        ("lundi 5 juillet 2021 à 14 h 03 min 54 s UTC", NOON),
        ("lunes, 5 de julio de 2021, 2:03:54\u00a0p.\u00a0m. UTC", NOON),
        ("lunedì 5 luglio 2021 14:03:54 UTC", NOON),
        ("segunda-feira, 5 de julho de 2021 às 14:03:54 UTC", NOON),
        ("maandag 5 juli 2021 om 14:03:54 UTC", NOON),
        ("poniedziałek, 5 lipca 2021 14:03:54 UTC", NOON),
        ("понедельник, 5 июля 2021 г. в 14:03:54 UTC", NOON),
        ("måndag 5 juli 2021 kl. 14:03:54 UTC", NOON),
        ("mandag den 5. juli 2021 kl. 14.03.54 UTC", NOON),
        ("maanantai 5. heinäkuuta 2021 klo 14.03.54 UTC", NOON),
        ("5 Temmuz 2021 Pazartesi 14:03:54 UTC", NOON),
        ("2021年7月5日月曜日 14:03:54 UTC", NOON),
        ("2021年7月5日星期一 UTC 下午2:03:54", NOON),
        ("2021년 7월 5일 월요일 오후 2시 3분 54초 UTC", NOON),
        ("Monday, July 5, 2021 at 12:03:54 AM UTC", "2021-07-05T00:03:54Z"),
        ("samedi 3 juillet 2021 à 12:03:54 UTC", "2021-07-03T12:03:54Z"),
        ("2021-07-05 14:03:54 UTC", NOON),
        ("2021-07-05T16:03:54+02:00", NOON),
        ("2021-07-05T14:03:54.123456Z", NOON),
        ("2021-07-05 14:03:54", "2021-07-05T14:03:54"),
        ("٢٠٢١-٠٧-٠٥ ١٤:٠٣:٥٤", "2021-07-05T14:03:54"),
        ("7/5/21, 2:03 PM", "2021-07-05T14:03:00"),
        ("25.07.2021 14:03", "2021-07-25T14:03:00"),
        ("5/7/2564 14:03", "2021-05-07T14:03:00"),
    ],
)
def test_a_date_is_read_in_every_locale(written: str, expected: str) -> None:
    """Words, digits, spaces and half days of many languages mean the same moment."""
    assert times.from_text(written) == expected


@pytest.mark.parametrize("written", ["", "yesterday", "2021-02-31", "0000-00-00", "9" * 5000, None])
def test_what_is_no_date_is_none(written: str | None) -> None:
    """No exception, no invented date."""
    assert times.from_text(written) is None


def test_numbers_since_1970() -> None:
    """Seconds and milliseconds, as numbers and as digits."""
    assert times.from_unix(1625493834) == NOON
    assert times.from_unix("1625493834.250000") == "2021-07-05T14:03:54.250Z"
    assert times.from_unix("1625493834000", per_second=1000) == NOON
    assert times.from_unix(1e300) is None
    assert times.from_unix(float("nan")) is None
    assert times.from_unix(None) is None
    assert times.from_unix(True) is None
    assert times.from_unix(0) is None
    assert times.from_unix(1625493834.9999) == "2021-07-05T14:03:55Z"


def test_iso_of_json() -> None:
    """With an offset it becomes UTC."""
    assert times.from_iso("2021-07-05T16:03:54.120+02:00") == "2021-07-05T14:03:54.120Z"
    assert times.from_iso("2021-07-05T14:03:54") == "2021-07-05T14:03:54"
    assert times.from_iso("yesterday") is None
    assert times.from_iso(7) is None


def test_mail_dates_become_utc() -> None:
    """With the zone of the sender; -0000 means that nobody knows it."""
    assert times.from_mail("Mon, 5 Jul 2021 16:03:54 +0200 (CEST)") == NOON
    assert times.from_mail("Mon, 5 Jul 2021 14:03:54 -0000") == "2021-07-05T14:03:54"
    assert times.from_mail("soon") is None


@settings(max_examples=60)
@given(st.text(max_size=60) | st.from_regex(r"\d{1,4}[-/.]\d{1,4}[-/.]\d{1,4}.{0,20}"))
def test_any_text_gives_a_date_or_none(text: str) -> None:
    """Never an exception."""
    times.from_text(text)
    times.from_mail(text)
    times.from_unix(text)
    times.from_iso(text)
    times.from_post(text)


STAMPS = st.from_regex(
    r"\d{4}-[01]\d-[0-3]\d[T _][0-2]\d:[0-6]\d:[0-6]\d(\.\d{1,7})?(Z|\+00:00|-05:30)?",
    fullmatch=True,
)


@given(STAMPS | st.text(max_size=22) | st.dates().map(lambda day: f"{day}T10:12:59.5Z"))
def test_the_short_way_gives_what_the_long_one_does(text: str) -> None:
    """Times of messages are read without a datetime each; any others as before."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        assert seconds(text) is None
        assert times.from_iso(text) is None
        return
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    assert seconds(text) == aware.timestamp()
    if moment.tzinfo is None:
        assert times.from_iso(text) == moment.isoformat(timespec="seconds")
    elif 1 < moment.year < 9999:
        spec = "milliseconds" if moment.microsecond >= 1000 else "seconds"
        whole = aware.astimezone(UTC).replace(tzinfo=None)
        assert times.from_iso(text) == f"{whole.isoformat(timespec=spec)}Z"


@given(st.integers(0, 10**11))
def test_seconds_of_digits_are_those_of_the_number(count: int) -> None:
    """As strings of digits they have a short way of their own."""
    assert times.from_unix(str(count)) == times.from_unix(count)
