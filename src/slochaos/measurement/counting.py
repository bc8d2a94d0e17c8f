"""What an objective counted between two cuts: the one question that verdicts and charges ask. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from slochaos.measurement.contributors import contributors
from slochaos.measurement.dilution import Asked, narrow
from slochaos.measurement.evidence import Evidence, gather
from slochaos.measurement.findings import Finding, Span, Step
from slochaos.measurement.phases import Cut, History
from slochaos.measurement.replicas import replica_label
from slochaos.measurement.samples import Count, NoData, Sample
from slochaos.measurement.selection import is_wanted, selector_of
from slochaos.measurement.slices import Tally
from slochaos.spec.objectives import Objective


class Point(NamedTuple):
    """Good and total events of one step: from the sample before to the one read at `instant` (seconds)."""

    instant: float
    good: int
    total: int


def measure(
    objective: Objective, history: History, start: Cut, end: Cut, asked: Asked | None = None
) -> Count | NoData:
    """Events (slices, for Timeslices) from `start` up to `end`, over all sources whose series match.

    With `asked`, the interval also allows for what may lie between the cuts and what was asked for; the point values
    are always those from cut to cut.

    `Count.reasons` are "word: sentence", the word stable: bucket-too-coarse, series-born, series-vanished, late,
    reset, gap, diluted, source-down, page-skew, missing-slices, no-events. NoData reasons: no-series, source-down,
    several-processes, replica-label, indicator, no-query-source, no-window.
    """
    if end.instant < start.instant:
        return NoData("no-window", "the end lies before the start")
    start, end = start.over(history), end.over(history)
    counting = Counting(objective, history, start)
    counting.advance(history, end)
    return counting.count(end, asked=asked)


def series_over_time(objective: Objective, history: History, start: Cut, end: Cut) -> list[Point]:
    """Events of each step between consecutive samples, oldest first: for charts and for recovery.

    Always events, for Timeslices objectives too. Empty when there is no data.
    """
    counting = Counting(objective, history, start)
    counting.advance(history, end)
    return counting.points()


class Counting:
    """One objective counted from a cut on, as far as samples have come. Looks at each sample once."""

    def __init__(
        self, objective: Objective, history: History, start: Cut, period_s: float | None = None
    ) -> None:
        """`period_s`: the time from one sample to the next; default: each source's usual one."""
        self.objective = objective
        self._start = start
        self._periods = {name: period_s or period_of(history.get(name, ())) for name in start.samples}
        self._evidence = gather(objective.indicator, start.samples, self._periods)
        back = 1 if not isinstance(self._evidence, NoData) and self._evidence.takes_start else 0
        self._next = {n: max(_index_after(history.get(n, ()), s) - back, 0) for n, s in start.samples.items()}
        self._concerned = frozenset(
            name for name in start.samples if _concerns(objective, history.get(name, ()))
        )
        self._newest = dict(start.samples)

    def advance(self, history: History, end: Cut | None = None) -> None:
        """Take the samples that are new, up to and with those of `end`."""
        if isinstance(self._evidence, NoData):
            return
        for name, position in self._next.items():
            samples = history.get(name, ())
            stop = _index_after(samples, end.samples[name]) if end and name in end.samples else len(samples)
            for sample in samples[position:stop]:
                self._take(self._evidence, sample, end)
            self._next[name] = max(position, stop)

    def _take(self, evidence: Evidence, sample: Sample, end: Cut | None) -> None:
        last = end.samples.get(sample.source) if end else None
        if last is not None and sample.started == last.started:
            evidence.close(sample)
        else:
            evidence.take(sample)
        if sample.is_page:
            self._newest[sample.source] = sample

    def count(
        self,
        end: Cut | None = None,
        within: tuple[float, float] | None = None,
        asked: Asked | None = None,
    ) -> Count | NoData:
        """Events, or slices, so far; with `end`, of the phase that it closes.

        `within` (epoch seconds) are the first and last instant of the slices that are meant, where the cuts reach
        beyond them; for `asked` see `measure`.
        """
        if isinstance(self._evidence, NoData):
            return self._evidence
        problem = self._down_at(self._start) or self._down_at(end) or self._evidence.problem(self._concerned)
        if problem is not None:
            return problem
        finding = self._evidence.finding()
        if not finding.children:
            return self._no_series()
        if asked is not None:
            finding = _narrowed(finding, asked)
        label = replica_label(finding.children)
        if label:
            detail = f"series differ in the label {label} only, so that every event is counted more than once"
            return NoData("replica-label", f"{detail}: name one value of it in the selector")
        return self._counted(finding, within)

    def steps(self) -> list[Step]:
        """The steps so far; empty without data."""
        if isinstance(self._evidence, NoData) or self._evidence.problem(self._concerned):
            return []
        return self._evidence.finding().steps

    def points(self) -> list[Point]:
        """Events of each step, oldest first."""
        return [_point(step) for step in sorted(self.steps(), key=lambda step: step.after.finished)]

    def read_until(self) -> Mapping[str, float]:
        """By source the instant at which the newest good sample was complete."""
        return {name: sample.finished for name, sample in self._newest.items()}

    def _down_at(self, cut: Cut | None) -> NoData | None:
        for name, sample in cut.samples.items() if cut else ():
            if sample.failure and name in self._concerned:
                return NoData("source-down", f"source {name} did not answer: {sample.failure}")
        return None

    def _no_series(self) -> NoData:
        down = [s for s in self._start.samples.values() if s.failure]
        if down:
            return NoData("source-down", f"source {down[0].source} did not answer: {down[0].failure}")
        return NoData("no-series", f"no series matches {selector_of(self.objective.indicator.total)}")

    def _counted(self, finding: Finding, within: tuple[float, float] | None) -> Count:
        slips = [_slip(finding, self._start.samples), _slip(finding, self._newest)]
        reasons = [f"{word}: {text}" for word, text in sorted(finding.notes.items())]
        if any(slips):
            text = f"good and total are not of one page and family, up to {sum(slips)} events apart"
            reasons.append(f"page-skew: {text}")
        if self.objective.in_slices:
            slices = Tally.of(finding.steps, self.objective.slice_s, max(slips), within)
            ratios = self.objective.method == "RatioTimeslices"
            count = slices.bad_shares() if ratios else slices.bad_slices(self.objective.slice_target)
            return replace(count, reasons=(*reasons, *count.reasons))
        return _events(finding, sum(slips), tuple(reasons))


def period_of(samples: Sequence[Sample]) -> float:
    """The usual time between two readings, seconds; infinite for fewer than two samples."""
    starts = [sample.started for sample in samples]
    apart = [later - earlier for earlier, later in pairwise(starts)]
    return median(apart) if apart else math.inf


def _narrowed(finding: Finding, asked: Asked) -> Finding:
    found = narrow(finding.steps, asked)
    notes = {**finding.notes, "diluted": found.note} if found.note else finding.notes
    return replace(finding, steps=found.steps, notes=notes)


def _events(finding: Finding, slip: int, reasons: tuple[str, ...]) -> Count:
    totals = Span.over([step.total for step in finding.steps])
    bads = Span.over([step.bad for step in finding.steps])
    total = round(totals.point)
    bad = min(max(round(bads.point), 0), total)
    lost = math.inf if finding.open_ended else 0.0
    total_high = max(totals.high + lost, total)
    return Count(
        total=total,
        bad=bad,
        total_low=min(totals.low, total),
        total_high=total_high,
        bad_low=min(max(bads.low - slip, 0.0), bad),
        bad_high=min(max(bads.high + slip + lost, bad), total_high),
        contributors=contributors(finding.bad_by_child, finding.children),
        reasons=reasons,
    )


def _slip(finding: Finding, samples: Mapping[str, Sample]) -> int:
    """How many events can lie between the readings of a cut's pages."""
    involved = [samples[name] for name in finding.sources if name in samples]
    if not finding.skew_per_s or not involved:
        return 0
    apart_s = max(s.finished for s in involved) - min(s.started for s in involved)
    return math.ceil(finding.skew_per_s * apart_s)


def _index_after(samples: Sequence[Sample], sample: Sample) -> int:
    return bisect_right(samples, sample.started, key=lambda s: s.started)


def _concerns(objective: Objective, samples: Sequence[Sample]) -> bool:
    """Whether the source has shown series of this objective in its newest good sample."""
    good = next((sample for sample in reversed(samples) if sample.is_page), None)
    parts = (objective.indicator.total, objective.indicator.part)
    return good is not None and any(is_wanted(metric, series) for series in good.values for metric in parts)


def _point(step: Step) -> Point:
    total = max(round(step.total.point), 0)
    bad = min(max(round(step.bad.point), 0), total)
    return Point(step.after.finished, total - bad, total)
