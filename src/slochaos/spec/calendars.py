"""Budget windows that follow the calendar: the month, the week, the quarter that holds an instant.

OpenSLO gives a start (local date and time), a time zone and a length. Windows follow one another from the
start in both directions. What the specification leaves open is decided here: days and weeks are those of
the local calendar, 23 or 25 hours long where the clocks change; months are counted from the start, and a day
that a month lacks is its last one; hours and minutes are elapsed time. A start that the clocks skip is read
with the offset before the change, one that they show twice is the first.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

Unit = Literal["m", "h", "d", "w", "M", "Q", "Y"]

_ELAPSED_S = {"m": 60, "h": 3600}
_DAYS = {"d": 1, "w": 7}
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
_MEAN_MONTH_S = 2_629_746
"""A twelfth of the mean Gregorian year, seconds: a first guess only."""


@dataclass(frozen=True)
class Calendar:
    """Windows of `count` units from `start` (local, without offset) in the IANA time zone `time_zone`."""

    start: datetime
    time_zone: str
    count: int
    unit: Unit

    def window_at(self, instant: float) -> tuple[float, float]:
        """Start and end, epoch seconds, of the window that holds `instant` (its end is the next one's start)."""
        number = self._guess(instant)
        while self._begin(number) > instant:
            number -= 1
        while self._begin(number + 1) <= instant:
            number += 1
        return self._begin(number), self._begin(number + 1)

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def _guess(self, instant: float) -> int:
        """The number of the window, or one close to it; clocks and months make up the difference."""
        if self.unit in _ELAPSED_S:
            length_s = _ELAPSED_S[self.unit]
        elif self.unit in _DAYS:
            length_s = 86_400 * _DAYS[self.unit]
        else:
            length_s = _MEAN_MONTH_S * _MONTHS[self.unit]
        return int((instant - self._begin(0)) // (length_s * self.count))

    def _begin(self, number: int) -> float:
        """The epoch second at which window `number` (0 is the one at `start`) begins."""
        amount = number * self.count
        if self.unit in _ELAPSED_S:
            return self._epoch(self.start) + amount * _ELAPSED_S[self.unit]
        if self.unit in _DAYS:
            return self._epoch(self.start + timedelta(days=amount * _DAYS[self.unit]))
        return self._epoch(_months_later(self.start, amount * _MONTHS[self.unit]))

    def _epoch(self, local: datetime) -> float:
        return local.replace(tzinfo=self._zone).astimezone(UTC).timestamp()


def _months_later(start: datetime, months: int) -> datetime:
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return start.replace(year=year, month=month + 1, day=min(start.day, last))
