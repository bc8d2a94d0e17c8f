"""The objectives of an environment, as the rest of slochaos sees them.

Pure values. `openslo.py` builds them from files; targets are exact fractions of the text, because
`1 - 0.999` in floats decides a strict `<` wrongly.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from slochaos.spec.alerts import AlertPolicy
from slochaos.spec.calendars import Calendar
from slochaos.spec.selectors import Selector

Method = Literal["Occurrences", "Timeslices", "RatioTimeslices"]
"""How the budget is counted: in events, in bad slices, or in the slices' shares of bad events."""


@dataclass(frozen=True)
class Counter:
    """A counter: the sum over the series that match is a number of events."""

    selector: Selector


_UNITS_S = {"_milliseconds": Fraction(1, 1000), "_microseconds": Fraction(1, 1_000_000)}


@dataclass(frozen=True)
class Histogram:
    """A histogram's observations: all of them, or those of at most `at_most` (seconds, exact)."""

    selector: Selector
    at_most: Fraction | None = None

    @property
    def unit_s(self) -> Fraction:
        """Seconds of one unit of its buckets' bounds: 1, unless its name ends in another unit, as Istio's does."""
        return next(
            (size for suffix, size in _UNITS_S.items() if self.selector.name.endswith(suffix)), Fraction(1)
        )


@dataclass(frozen=True)
class Samples:
    """A 0/1 gauge: every sample is an event, good where it is 1."""

    selector: Selector


WINDOW = "{{.window}}"
"""Stands in a query for the length of the window asked, as Sloth writes it."""


@dataclass(frozen=True)
class Query:
    """PromQL for those who have nothing else: the number of events in a window; for a Prometheus server only."""

    text: str

    def over(self, duration: str) -> str:
        """The query for a window of this length, a Prometheus duration."""
        return self.text.replace(WINDOW, duration)


Metric = Counter | Histogram | Samples | Query


@dataclass(frozen=True)
class Indicator:
    """How good and total events are counted. Exactly one of `good` and `bad` is set."""

    total: Metric
    good: Metric | None = None
    bad: Metric | None = None

    @property
    def part(self) -> Metric:
        """The metric beside `total`, whichever of good and bad it is."""
        part = self.good or self.bad
        assert part is not None
        return part


@dataclass(frozen=True)
class Objective:
    """One objective: target, operator, window, indicator.

    `target` is the share of good events (or slices) that has to be reached, 0-1, exact.
    `operator` compares the *bad* share with `1 - target`: `lte` allows exactly that share, `lt` does not.
    `slice_s` is set for both slice methods, `slice_target` for `Timeslices` only. `drain_s`, where set,
    replaces the environment's: how long after an undo this objective's clients may still fail.
    With a `calendar` the budget starts anew with each of its windows, and `window_s` is their usual length.
    """

    name: str
    display_name: str
    service: str
    target: Fraction
    operator: Literal["lte", "lt"]
    window_s: int
    window: str
    method: Method
    indicator: Indicator
    slice_s: int = 60
    slice_target: Fraction = Fraction(1)
    where: str = ""
    drain_s: float | None = None
    calendar: Calendar | None = None
    alerts: tuple[AlertPolicy, ...] = ()
    description: str = ""

    @property
    def allowed(self) -> Fraction:
        """The share of bad events, 0-1, that the target allows."""
        return 1 - self.target

    @property
    def in_slices(self) -> bool:
        """Whether the budget is one of slices, which are a census: counted, never inferred."""
        return self.method != "Occurrences"

    def window_at(self, instant: float) -> tuple[float, float]:
        """Start and end, epoch seconds, of the budget's window at `instant`: the calendar's, or the last `window_s`."""
        return self.calendar.window_at(instant) if self.calendar else (instant - self.window_s, instant)

    def window_seconds(self, instant: float) -> int:
        """The length of the budget's window at `instant`: a month's own, where the calendar has months."""
        start, end = self.window_at(instant)
        return round(end - start) if self.calendar else self.window_s

    def refunded_at(self, happened: float) -> float:
        """When what happened then leaves the window, epoch seconds: at the calendar's end, or `window_s` later."""
        return self.calendar.window_at(happened)[1] if self.calendar else happened + self.window_s

    @property
    def threshold_s(self) -> Fraction | None:
        """The latency bound in seconds, for objectives about latency."""
        part = self.indicator.part
        return part.at_most if isinstance(part, Histogram) else None
