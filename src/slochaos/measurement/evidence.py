"""One indicator over all sources: their counters put together as total and bad events.

There are three kinds of evidence. `OneFamily`: good and total are of one metric family, so that bad events
are exact. `Apart`: they are read at slightly different instants, and the difference is only known to within
what happens meanwhile. `Gauges`: samples of a 0/1 gauge.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from slochaos.measurement.counters import Increments, Tally
from slochaos.measurement.findings import (
    Finding,
    SourceTally,
    Span,
    Step,
    finding_of,
    first_problem,
    notes_of,
)
from slochaos.measurement.gauges import GaugeTally
from slochaos.measurement.reading import MetricReader, RatioReader, is_counted, share_a_family
from slochaos.measurement.samples import NoData, Sample
from slochaos.spec.objectives import Counter, Histogram, Indicator, Samples

Starts = Mapping[str, Sample]
Periods = Mapping[str, float]


class Evidence(Protocol):
    """Takes samples in order, source by source, and can be asked at any time.

    `close` takes a phase's last sample. `takes_start`: whether the phase's first sample is an event too.
    """

    takes_start: bool

    def take(self, sample: Sample) -> None: ...
    def close(self, end: Sample) -> None: ...
    def problem(self, concerned: frozenset[str]) -> NoData | None: ...
    def finding(self) -> Finding: ...


def gather(indicator: Indicator, starts: Starts, periods: Periods) -> Evidence | NoData:
    """The evidence for this indicator, begun at `starts`; NoData for an indicator that cannot be counted."""
    total, part = indicator.total, indicator.part
    if isinstance(total, Samples) and total == part:
        return Gauges(total, indicator.good is not None, periods)
    if not (is_counted(total) and is_counted(part)):
        if isinstance(total, Samples) or isinstance(part, Samples):
            return NoData("indicator", "samples have to be given for both good and total, with one selector")
        return NoData("no-query-source", "PromQL has no samples: only a Prometheus server can estimate it")
    if isinstance(total, Histogram) and total.at_most is not None:
        return NoData("indicator", "the total has to be all observations, without at_most")
    return (
        OneFamily(indicator, starts, periods)
        if share_a_family(indicator)
        else Apart(indicator, starts, periods)
    )


class _Ratios:
    """Tallies of (total, bad at least, bad at most), whose steps need no matching."""

    def __init__(self, tallies: Mapping[str, SourceTally]) -> None:
        self._tallies = tallies
        self._steps: dict[str, list[Step]] = {name: [] for name in tallies}

    def take(self, sample: Sample) -> None:
        self._tallies[sample.source].add(sample)

    def problem(self, concerned: frozenset[str]) -> NoData | None:
        return first_problem(self._tallies, concerned)

    def finding(self) -> Finding:
        for name, steps in self._steps.items():
            steps.extend(map(_ratio_step, self._tallies[name].steps[len(steps) :]))
        sources = [name for name, tally in self._tallies.items() if tally.seen]
        steps = [step for name in sources for step in self._steps[name]]
        return finding_of(self._tallies.values(), sources, steps)


class OneFamily(_Ratios):
    """Bad events are differences within one page and one family: exact."""

    takes_start = False

    def __init__(self, indicator: Indicator, starts: Starts, periods: Periods) -> None:
        super().__init__(
            {n: Tally(RatioReader(indicator), start, periods[n], 3) for n, start in starts.items()}
        )

    def close(self, end: Sample) -> None:
        """Counters reach up to their last sample."""
        self.take(end)


class Gauges(_Ratios):
    """Each sample is an event, the first one of a phase too, its last one not."""

    takes_start = True

    def __init__(self, metric: Samples, part_is_good: bool, periods: Periods) -> None:
        self._gauges = {name: GaugeTally(metric, part_is_good, period) for name, period in periods.items()}
        super().__init__(self._gauges)

    def close(self, end: Sample) -> None:
        """The last sample belongs to the next phase."""
        self._gauges[end.source].close(end)


class Apart:
    """Total and part are of different families or pages; their steps are matched by time."""

    takes_start = False

    def __init__(self, indicator: Indicator, starts: Starts, periods: Periods) -> None:
        total, part = indicator.total, indicator.part
        assert isinstance(total, Counter | Histogram)
        assert isinstance(part, Counter | Histogram)
        self._part_is_good = indicator.good is not None
        self._totals = {n: Tally(MetricReader(total), s, periods[n], 2) for n, s in starts.items()}
        self._parts = {n: Tally(MetricReader(part), s, periods[n], 2) for n, s in starts.items()}

    def take(self, sample: Sample) -> None:
        self._totals[sample.source].add(sample)
        self._parts[sample.source].add(sample)

    def close(self, end: Sample) -> None:
        """Counters reach up to their last sample."""
        self.take(end)

    def problem(self, concerned: frozenset[str]) -> NoData | None:
        return first_problem(self._totals, concerned) or first_problem(self._parts, concerned)

    def finding(self) -> Finding:
        both = [*self._totals.items(), *self._parts.items()]
        sources = {name for name, tally in both if tally.seen}
        steps = self._matched()
        rates = [s.total.point / (s.after.started - s.before.started) for s in steps]
        found = finding_of(self._parts.values(), sources, steps)
        return replace(
            found,
            bad_by_child={} if self._part_is_good else found.bad_by_child,
            children=frozenset(child for tally in self._totals.values() for child in tally.children),
            notes=notes_of(tally for _, tally in both if tally.seen),
            open_ended=any(tally.vanished() for _, tally in both),
            skew_per_s=max(rates, default=0.0),
        )

    def _matched(self) -> list[Step]:
        """Each step of a total with the steps of parts that ended in it (the last one with all the rest)."""
        totals = sorted((s for t in self._totals.values() if t.seen for s in t.steps), key=_end)
        parts = sorted((s for t in self._parts.values() if t.seen for s in t.steps), key=_end)
        steps, used = [], 0
        for index, increments in enumerate(totals):
            last = index == len(totals) - 1
            begin = used
            while used < len(parts) and (last or _end(parts[used]) <= _end(increments)):
                used += 1
            total, part = _span(increments, 0), Span.over([_part_span(i) for i in parts[begin:used]])
            steps.append(Step(increments.before, increments.after, total, self._bad(total, part)))
        return steps

    def _bad(self, total: Span, part: Span) -> Span:
        if not self._part_is_good:
            return part
        high = math.inf if math.isinf(total.high) else total.high - part.low
        low = -math.inf if math.isinf(part.high) else total.low - part.high
        return Span(low, total.point - part.point, high)


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
