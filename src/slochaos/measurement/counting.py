"""What an objective counted between two cuts: the one question that verdicts and charges ask. Pure."""

from __future__ import annotations

from typing import NamedTuple

from slochaos.measurement.phases import Cut, History
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import Objective


class Point(NamedTuple):
    """Good and total events of one step: from the sample before to the one read at `instant` (seconds)."""

    instant: float
    good: int
    total: int


def measure(objective: Objective, history: History, start: Cut, end: Cut) -> Count | NoData:
    """Events (slices, for Timeslices) from `start` up to `end`, over all sources whose series match.

    `Count.reasons` are "word: sentence", the word stable: bucket-too-coarse, series-born, series-vanished,
    reset, gap, source-down, page-skew, missing-slices, no-events. NoData reasons: no-series, source-down,
    several-processes, replica-label, indicator, no-query-source, no-window.
    """
    raise NotImplementedError


def series_over_time(objective: Objective, history: History, start: Cut, end: Cut) -> list[Point]:
    """Events of each step between consecutive samples, oldest first: for charts and for recovery.

    Always events, for Timeslices objectives too. Empty when there is no data.
    """
    raise NotImplementedError
