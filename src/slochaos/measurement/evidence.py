"""One indicator over all sources: the steps of its counters, put together as total and bad events.

There are three kinds of evidence. `OneFamily`: good and total are of one metric family, so that bad events
are exact. `Apart`: they are read at slightly different instants, and the difference is only known to within
what happens meanwhile. `Gauges`: samples of a 0/1 gauge.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from slochaos.measurement.counters import Increments, Tally
from slochaos.measurement.gauges import GaugeTally
from slochaos.measurement.reading import MetricReader, RatioReader, is_counted, share_a_family
from slochaos.measurement.samples import NoData, Sample
from slochaos.measurement.selection import Child
from slochaos.spec.objectives import Counter, Histogram, Indicator, Samples

_WORSE = 2
"""The component of (total, bad at least, bad at most) that stands for bad events."""


@dataclass(frozen=True)
class Span:
    """A number of events: the point value and the interval that holds the truth. `high` may be infinite."""

    low: float = 0.0
    point: float = 0.0
    high: float = 0.0

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.point + other.point, self.high + other.high)


@dataclass(frozen=True)
class Step:
    """Total and bad events between two good samples of one source (or at one, for gauges)."""

    before: Sample
    after: Sample
    total: Span
    bad: Span


@dataclass(frozen=True)
class Finding:
    """What the sources together say so far.

    `skew_per_s` is the number of events a second that can be on one side only of a cut; 0 for one family.
    """

    steps: list[Step]
    bad_by_child: Mapping[Child, float]
    children: frozenset[Child]
    sources: frozenset[str]
    notes: Mapping[str, str] = field(default_factory=dict)
    open_ended: bool = False
    skew_per_s: float = 0.0


class Evidence(Protocol):
    """Takes samples in order, source by source, and can be asked at any time.

    `close` takes a phase's last sample. `takes_start`: whether the phase's first sample is an event too.
    """

    takes_start: bool

    def take(self, sample: Sample) -> None: ...
    def close(self, end: Sample) -> None: ...
    def problem(self, concerned: frozenset[str]) -> NoData | None: ...
    def finding(self) -> Finding: ...


def gather(
    indicator: Indicator, starts: Mapping[str, Sample], periods: Mapping[str, float]
) -> Evidence | NoData:
    """The evidence for this indicator, begun at `starts`; NoData for an indicator that cannot be counted."""
    total, part = indicator.total, indicator.part
    if isinstance(total, Samples) and total == part:
        return Gauges(total, indicator.good is not None, periods)
    if not (is_counted(total) and is_counted(part)):
        if isinstance(total, Samples) or isinstance(part, Samples):
            return NoData("indicator", "samples have to be given for both good and total, with one selector")
        return NoData("no-query-source", "PromQL needs a Prometheus server, and the environment names none")
    if isinstance(total, Histogram) and total.at_most is not None:
        return NoData("indicator", "the total has to be all observations, without at_most")
    return (
        OneFamily(indicator, starts, periods)
        if share_a_family(indicator)
        else Apart(indicator, starts, periods)
    )


class OneFamily:
    """Bad events are differences within one page and one family: exact."""

    takes_start = False

    def __init__(
        self, indicator: Indicator, starts: Mapping[str, Sample], periods: Mapping[str, float]
    ) -> None:
        self._tallies = {
            name: Tally(RatioReader(indicator), start, periods[name], 3) for name, start in starts.items()
        }

    def take(self, sample: Sample) -> None:
        self._tallies[sample.source].add(sample)

    def close(self, end: Sample) -> None:
        self.take(end)

    def problem(self, concerned: frozenset[str]) -> NoData | None:
        return _first_problem(self._tallies, concerned)

    def finding(self) -> Finding:
        steps = [_ratio_step(step) for tally in self._tallies.values() if tally.seen for step in tally.steps]
        return _finding(self._tallies, steps, self._tallies, _WORSE)


class Gauges:
    """Each sample is an event, the first one of a phase too, its last one not."""

    takes_start = True

    def __init__(self, metric: Samples, part_is_good: bool, periods: Mapping[str, float]) -> None:
        self._tallies = {name: GaugeTally(metric, part_is_good, period) for name, period in periods.items()}

    def take(self, sample: Sample) -> None:
        self._tallies[sample.source].add(sample)

    def close(self, end: Sample) -> None:
        self._tallies[end.source].close(end)

    def problem(self, concerned: frozenset[str]) -> NoData | None:
        return _first_problem(self._tallies, concerned)

    def finding(self) -> Finding:
        steps = [_ratio_step(step) for tally in self._tallies.values() if tally.seen for step in tally.steps]
        return _finding(self._tallies, steps, self._tallies, _WORSE)


class Apart:
    """Total and part are of different families or pages; their steps are matched by time."""

    takes_start = False

    def __init__(
        self, indicator: Indicator, starts: Mapping[str, Sample], periods: Mapping[str, float]
    ) -> None:
        assert isinstance(indicator.total, Counter | Histogram)
        assert isinstance(indicator.part, Counter | Histogram)
        self._part_is_good = indicator.good is not None
        total, part = indicator.total, indicator.part
        self._totals = {n: Tally(MetricReader(total), s, periods[n], 2) for n, s in starts.items()}
        self._parts = {n: Tally(MetricReader(part), s, periods[n], 2) for n, s in starts.items()}

    def take(self, sample: Sample) -> None:
        self._totals[sample.source].add(sample)
        self._parts[sample.source].add(sample)

    def close(self, end: Sample) -> None:
        self.take(end)

    def problem(self, concerned: frozenset[str]) -> NoData | None:
        return _first_problem(self._totals, concerned) or _first_problem(self._parts, concerned)

    def finding(self) -> Finding:
        steps = self._steps()
        rates = (step.total.point / (step.after.started - step.before.started) for step in steps)
        bad_of = {} if self._part_is_good else self._parts
        both = [*self._totals.items(), *self._parts.items()]
        found = _finding(self._totals, steps, bad_of, 1)
        return Finding(
            steps,
            found.bad_by_child,
            found.children,
            frozenset(name for name, tally in both if tally.seen),
            _notes(tally for _, tally in both if tally.seen),
            any(tally.vanished() for _, tally in both),
            max(rates, default=0.0),
        )

    def _steps(self) -> list[Step]:
        totals = sorted((s for t in self._totals.values() for s in t.steps if t.seen), key=_end)
        parts = sorted((s for t in self._parts.values() for s in t.steps if t.seen), key=_end)
        steps, used = [], 0
        for index, total in enumerate(totals):
            last = index == len(totals) - 1
            span = Span()
            while used < len(parts) and (last or _end(parts[used]) <= _end(total)):
                span += _part_span(parts[used])
                used += 1
            steps.append(Step(total.before, total.after, _span(total, 0), self._bad(_span(total, 0), span)))
        return steps

    def _bad(self, total: Span, part: Span) -> Span:
        if not self._part_is_good:
            return part
        high = math.inf if math.isinf(total.high) else total.high - part.low
        low = -math.inf if math.isinf(part.high) else total.low - part.high
        return Span(low, total.point - part.point, high)


class _AnyTally(Protocol):
    problem: NoData | None
    notes: dict[str, str]

    @property
    def by_child(self) -> dict[Child, list[float]]: ...
    @property
    def seen(self) -> bool: ...
    @property
    def children(self) -> frozenset[Child]: ...
    @property
    def failing(self) -> str: ...
    def vanished(self) -> frozenset[Child]: ...


def _finding(
    tallies: Mapping[str, _AnyTally], steps: list[Step], bad_of: Mapping[str, _AnyTally], component: int
) -> Finding:
    seen = {name: tally for name, tally in tallies.items() if tally.seen}
    bad: dict[Child, float] = {}
    for tally in bad_of.values():
        for child, counted in tally.by_child.items():
            bad[child] = bad.get(child, 0.0) + counted[component]
    return Finding(
        steps,
        bad,
        frozenset(child for tally in seen.values() for child in tally.children),
        frozenset(seen),
        _notes(seen.values()),
        any(tally.vanished() for tally in seen.values()),
    )


def _notes(tallies: Iterable[_AnyTally]) -> dict[str, str]:
    notes: dict[str, str] = {}
    for tally in tallies:
        notes.update(tally.notes)
        if isinstance(tally, Tally) and tally.reader.coarse:
            notes["bucket-too-coarse"] = tally.reader.coarse
        if tally.failing:
            notes["source-down"] = f"the newest reading failed: {tally.failing}"
        if tally.vanished():
            notes["series-vanished"] = f"{len(tally.vanished())} series are gone from the page"
    return notes


def _first_problem(tallies: Mapping[str, _AnyTally], concerned: frozenset[str]) -> NoData | None:
    """A source that was down is no problem of an indicator that has nothing there."""
    for name, tally in tallies.items():
        if tally.problem is not None and (tally.problem.reason != "source-down" or name in concerned):
            return tally.problem
    return None


def _ratio_step(step: Increments) -> Step:
    """Of (total, bad at least, bad at most); the point is the worse one."""
    return Step(step.before, step.after, _span(step, 0), Span(step.low[1], step.point[2], step.high[2]))


def _span(step: Increments, component: int) -> Span:
    return Span(step.low[component], step.point[component], step.high[component])


def _part_span(step: Increments) -> Span:
    """Of (at least, at most): the point is what certainly was within the threshold."""
    return Span(step.low[0], step.point[0], step.high[1])


def _end(step: Increments) -> float:
    return step.after.finished
