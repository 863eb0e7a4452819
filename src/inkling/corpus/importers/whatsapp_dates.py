"""In which order a WhatsApp export writes day, month and year.

Knows: orders, calendars. Does not know: how a date is written (`whatsapp_stamps`), lines, people.
Data: Stamps of a file -> `OrderFinder` -> Order; a Stamp -> `Order.iso` -> "2022-03-18T14:56:00".

A phone writes the short date of its region and says nowhere which. The order of the numbers is
inferred from all dates of a file (`OrderFinder`, whose memory does not grow with them).
"""

from __future__ import annotations

import datetime
import functools
from dataclasses import dataclass
from typing import Literal

from inkling.corpus.importers.whatsapp_stamps import Stamp

OrderName = Literal["day/month/year", "month/day/year", "year/month/day"]


def _year(number: int, era: str) -> int:
    if era == "R":
        return number + 2018
    if era == "H":
        return number + 1988
    if era == "BE" or number > 2400:
        return number - 543 if number > 2400 else number + 2500 - 543
    # Two digits: WhatsApp is from 2009, so '65 is the Buddhist 2565 (2022).
    return number if number > 99 else number + 2000 if number < 52 else number + 2500 - 543


def _date(moment: Stamp, order: OrderName) -> datetime.date | None:
    return _date_of(moment.a, moment.b, moment.c, moment.era, order)


# A day's messages have one date, and neighbouring days come again for each order tried.
@functools.lru_cache(maxsize=1024)
def _date_of(a: int, b: int, c: int, era: str, order: OrderName) -> datetime.date | None:
    """None where these numbers are no date in this order."""
    if order == "year/month/day":
        year, month, day = a, b, c
    elif order == "day/month/year":
        day, month, year = a, b, c
    else:
        month, day, year = a, b, c
    year = _year(year, era)
    try:
        if 1300 < year < 1500:
            return _from_persian(year, month, day)
        return datetime.date(year, month, day)
    except ValueError:
        return None


def _from_persian(year: int, month: int, day: int) -> datetime.date:
    """The Gregorian date of one in the Solar Hijri calendar. Raises ValueError for none.

    The 33-year rule of leap years, which holds for the years 1301 to 1500.
    """
    if not (1 <= month <= 12 and 1 <= day <= (31 if month <= 6 else 30)):
        raise ValueError(month, day)
    cycles, rest = divmod(year - 1301, 33)
    # Of the years 1301 to 1333 these are leap years; a leap day is the last of its year.
    leaps = cycles * 8 + sum(1 for leap in (3, 8, 12, 16, 20, 24, 28, 32) if leap < rest)
    days = (year - 1301) * 365 + leaps + (month - 1) * 31 - max(0, month - 7) + day - 1
    return datetime.date(1922, 3, 22) + datetime.timedelta(days=days)


class _Candidate:
    """What one order makes of all dates so far."""

    def __init__(self, name: OrderName) -> None:
        self.name = name
        self.wrong = 0
        self.backward = 0
        self.moved = 0
        self._last: datetime.date | None = None

    def add(self, moment: Stamp) -> None:
        date = _date(moment, self.name)
        if date is None:
            self.wrong += 1
            return
        if self._last is not None and date != self._last:
            self.backward += date < self._last
            self.moved += abs((date - self._last).days)
        self._last = date


@dataclass(frozen=True)
class Order:
    """How a file's dates are read."""

    name: OrderName
    ambiguous: bool = False
    """Whether another order would fit as well."""

    def date_time(self, moment: Stamp) -> datetime.datetime | None:
        date = _date(moment, self.name)
        if date is None and self.name != "year/month/day":
            # One file, two orders (exports put together): what has only one reading has it.
            other: OrderName = (
                "month/day/year" if self.name == "day/month/year" else "day/month/year"
            )
            date = _date(moment, other)
        return (
            None if date is None else datetime.datetime.combine(date, datetime.time(*moment.clock))
        )

    def iso(self, moment: Stamp) -> str | None:
        """ISO 8601 without an offset, as the phone's clock stood; None for no date."""
        found = self.date_time(moment)
        return None if found is None else found.isoformat()


class OrderFinder:
    """Reads all dates of a file once and says in which order they are written."""

    def __init__(self) -> None:
        self._orders = [
            _Candidate("day/month/year"),
            _Candidate("month/day/year"),
            _Candidate("year/month/day"),
        ]
        self._distinct: set[tuple[int, int, int]] = set()
        self._last: tuple[int, int, int] | None = None
        self._slashes = self._american = False
        self._differ = False

    def add(self, moment: Stamp) -> None:
        numbers = (moment.a, moment.b, moment.c)
        if numbers == self._last:
            return
        self._last = numbers
        self._differ |= moment.a != moment.b
        if len(self._distinct) < 3:
            self._distinct.add(numbers)
        self._slashes |= moment.separator == "/"
        self._american |= moment.american
        for order in self._orders:
            order.add(moment)
        a_long, c_long = moment.year_digits
        # A number of four digits is the year.
        for order in self._orders:
            year_first = order.name == "year/month/day"
            if (a_long and not year_first) or ((c_long or moment.era) and year_first):
                order.wrong += 1

    def order(self) -> Order:
        """The order with the fewest dates that do not exist; then the one in which time goes
        back least; then the one in which it moves least."""
        days, months, years = self._orders
        wrong = min(days.wrong, months.wrong)
        moved = min(days.moved, months.moved)
        several = len(self._distinct) >= 3
        if years.wrong < wrong or (
            # "22. 1. 12." is a date in each order; a year in front moves least of the three.
            years.wrong == wrong
            and several
            and years.backward <= min(days.backward, months.backward)
            and 3 * years.moved < moved
        ):
            return Order(years.name)
        proof = (days.wrong, days.backward), (months.wrong, months.backward)
        if proof[0] != proof[1]:
            return Order(days.name if proof[0] < proof[1] else months.name)
        # Nothing proves it. Three days close together are evidence, fewer are not.
        if several and days.moved != months.moved and 3 * moved < max(days.moved, months.moved):
            return Order(days.name if days.moved == moved else months.name)
        name: OrderName = months.name if self._american else days.name
        # With dots and dashes the day stands first everywhere.
        return Order(name, ambiguous=self._differ and self._slashes)
