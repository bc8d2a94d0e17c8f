"""When did the indicator hold again?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from slochaos.verdict.bounds import is_above


class Point(Protocol):
    """Events between the previous instant and this one; `measurement.counting.Point` is one."""

    @property
    def instant(self) -> float: ...
    @property
    def good(self) -> int: ...
    @property
    def total(self) -> int: ...


@dataclass(frozen=True)
class Recovered:
    """The indicator held from `at` (an instant) on, `seconds` after the undo.

    Counts come per interval: the true instant lies within the `resolution_s` before `at`. `shown_at` is the
    instant at which it had held for long enough.
    """

    at: float
    seconds: float
    resolution_s: float
    shown_at: float


@dataclass(frozen=True)
class _Span:
    start: float
    end: float
    bad: int
    total: int

    def degraded(self, allowed: Fraction | float) -> bool:
        return is_above(self.bad, self.total, allowed)


def recovered_at(
    points: Iterable[Point],
    undone_at: float,
    allowed: Fraction | float,
    hold_for_s: float,
    counted_from: float | None = None,
) -> Recovered | None:
    """The first instant from which the bad share stayed within `allowed` for `hold_for_s`; None if never (yet).

    `points` come in order, the first one counted from `counted_from` (the first sample after the undo; default
    `undone_at`: between the two nothing is known); those at or before it are ignored. May be asked again and
    again as points arrive. Pass as `allowed` the larger of the objective's allowed share (for
    Timeslices: of bad events in a slice) and the baseline's own bad share. A span is degraded when
    its bad share is *shown* to be above `allowed`: one stray error of a healthy service must not make its
    recovery look slow. Recovery starts at a span with events; silence alone is none.
    """
    spans = _spans(points, undone_at if counted_from is None else max(counted_from, undone_at))
    degraded = [span.degraded(allowed) for span in spans]
    for first, span in enumerate(spans):
        if degraded[first] or not span.total:
            continue
        last = _end_of_hold(spans, first, hold_for_s)
        if last is None:
            return None
        held = spans[first : last + 1]
        if not any(degraded[first : last + 1]) and not _together(held).degraded(allowed):
            return Recovered(
                at=span.start,
                seconds=span.start - undone_at,
                resolution_s=span.start - _last_events_before(spans, first, undone_at),
                shown_at=held[-1].end,
            )
    return None


def _spans(points: Iterable[Point], start: float) -> list[_Span]:
    spans: list[_Span] = []
    for point in points:
        if point.instant > start:
            spans.append(_Span(start, point.instant, point.total - point.good, point.total))
            start = point.instant
    return spans


def _end_of_hold(spans: list[_Span], first: int, hold_for_s: float) -> int | None:
    """The span at which `hold_for_s` is full; None while it is not. A microsecond is rounding, not time."""
    needed = spans[first].start + hold_for_s - 1e-6
    return next((i for i in range(first, len(spans)) if spans[i].end >= needed), None)


def _together(spans: list[_Span]) -> _Span:
    return _Span(spans[0].start, spans[-1].end, sum(s.bad for s in spans), sum(s.total for s in spans))


def _last_events_before(spans: list[_Span], first: int, undone_at: float) -> float:
    """When the last span with events before this one began: until then it is known to have been degraded."""
    return next((span.start for span in reversed(spans[:first]) if span.total), undone_at)
