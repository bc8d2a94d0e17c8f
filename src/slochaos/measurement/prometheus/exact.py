"""Raw samples to counts: measurement's one way of counting, and what a window adds to it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from slochaos.measurement.counting import Counting, Point
from slochaos.measurement.findings import Step
from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.evidence import Picked
from slochaos.measurement.prometheus.middles import without_middle
from slochaos.measurement.prometheus.pages import LOOK_S, bracket, compose
from slochaos.measurement.prometheus.windows import Exactness, Measured, Window
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import Indicator, Objective, Samples

SHORT_OF_S = 2.0
"""Samples that end this much before the window, in the longest of their steps, leave a part of it uncovered."""


class Source(Protocol):
    """Where raw samples come from: evidence.Evidence, or thinning.ThinEvidence for long windows."""

    @property
    def now(self) -> float: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...
    def of(self, indicator: Indicator, window: Window) -> Picked: ...


def measure(evidence: Source, objective: Objective, window: Window) -> Measured:
    """One objective over one window (whole slices, for objectives in slices), from what was fetched."""
    if window.end <= window.start:
        return _nothing(evidence, NoData("no-window", "the end is not after the start"))
    picked = evidence.of(objective.indicator, window)
    if not objective.in_slices and not isinstance(objective.indicator.total, Samples):
        picked = without_middle(picked, window)
    counting, count = _count(evidence.now, picked, objective, window)
    if isinstance(count, NoData):
        return _nothing(evidence, count)
    steps = counting.steps()
    if not objective.in_slices:
        count = _without_edges(count, steps, window)
    count = _with_silent(count, picked.silent, objective, window)
    most = count.total_high if objective.in_slices else math.inf
    count = open_ended(count, (picked.lost, partial(evidence.warnings)), most)
    observed = _observed(steps)
    if not isinstance(objective.indicator.total, Samples):
        count = replace(count, reasons=(*count.reasons, *_uncovered(steps, observed, window, picked)))
    return Measured(count, observed, _exactness(count, evidence.warnings, picked), evidence.warnings)


def over_time(evidence: Source, objective: Objective, window: Window) -> list[Point]:
    """Events from scrape to scrape, oldest first; empty without data."""
    picked = evidence.of(objective.indicator, window)
    counting, count = _count(evidence.now, picked, objective, window)
    return [] if isinstance(count, NoData) else counting.points()


def slices(objective: Objective, window: Window) -> Window:
    """The whole slices that a window touches, for an objective in slices; else the window."""
    if not objective.in_slices:
        return window
    size = objective.slice_s
    return Window(math.floor(window.start / size) * size, math.ceil(window.end / size) * size)


def _count(
    now: float, picked: Picked, objective: Objective, window: Window
) -> tuple[Counting, Count | NoData]:
    """The counting over the samples that enclose the window."""
    history = compose(
        picked.series,
        window,
        now,
        gauge=isinstance(objective.indicator.total, Samples),
        slack_s=None if picked.period_s is None else LOOK_S,
    )
    start, end = bracket(history, window)
    counting = Counting(objective, history, start, picked.period_s or picked.quiet_s)
    counting.advance(history, end)
    return counting, counting.count(end, (window.start, window.end))


def _nothing(evidence: Source, why: NoData) -> Measured:
    return Measured(why, None, "bounded", evidence.warnings)


def _without_edges(count: Count, steps: Iterable[Step], window: Window) -> Count:
    """Events of steps that reach beyond the window may lie outside of it: at least, none of them counts."""
    beyond = [s for s in steps if s.before.started < window.start or s.after.finished > window.end]
    total = sum(max(step.total.low, 0.0) for step in beyond)
    bad = sum(max(step.bad.low, 0.0) for step in beyond)
    return replace(
        count, total_low=max(count.total_low - total, 0.0), bad_low=max(float(count.bad_low) - bad, 0.0)
    )


def _with_silent(count: Count, silent: Sequence[RawSeries], objective: Objective, window: Window) -> Count:
    """Targets that never answered may have counted anything; for gauges, as many events as scrapes failed."""
    failed = [sum(window.start <= at < window.end for at in up.times) for up in silent]
    if not any(failed):
        return count
    missing = float(sum(failed)) if isinstance(objective.indicator.total, Samples) else math.inf
    names = ", ".join(sorted({up.labels.get("instance", "?") for up in silent})[:3])
    return replace(
        count,
        total_high=count.total_high + (0.0 if objective.in_slices else missing),
        bad_high=count.total_high if objective.in_slices else count.bad_high + missing,
        reasons=(
            *count.reasons,
            f"source-down: {len(silent)} targets of the same job never answered ({names})",
        ),
    )


def open_ended(count: Count, whys: Iterable[str], most: float = math.inf) -> Count:
    """The count with no upper end but `most`, for these reasons; unchanged without one."""
    given = dict.fromkeys(why for why in whys if why)
    if not given:
        return count
    words = {reason.partition(":")[0] for reason in count.reasons}
    further = [why for why in given if why.partition(":")[0] not in words]
    return replace(count, total_high=most, bad_high=most, reasons=(*count.reasons, *further))


def partial(warnings: Iterable[str]) -> str:
    """A reason if an answer was not whole; what the server remarks on PromQL itself is another matter."""
    told = next((each for each in warnings if not each.startswith("PromQL")), "")
    return told and f"partial-answer: the server did not tell all ({told})"


def _observed(steps: Sequence[Step]) -> Window | None:
    seen = [sample.started for step in steps for sample in (step.before, step.after) if sample.is_page]
    return Window(min(seen), max(seen)) if seen else None


def _uncovered(
    steps: Sequence[Step], observed: Window | None, window: Window, picked: Picked
) -> Iterable[str]:
    if picked.gap:
        yield picked.gap
    if observed is None:
        return
    middle = math.nan if picked.quiet_s is None else (window.start + window.end) / 2
    longest_s = max(
        (
            step.after.started - step.before.started
            for step in steps
            if step.before.is_page and not step.before.started < middle <= step.after.started
        ),
        default=0.0,
    )
    late_s, early_s = observed.start - window.start, window.end - observed.end
    if late_s > 0:
        yield f"starts-late: the first samples are {late_s:.0f} s after the window's start"
    if early_s > SHORT_OF_S * longest_s:
        yield f"ends-early: the last samples are {early_s:.0f} s before the window's end"


def _exactness(count: Count, warnings: Sequence[str], picked: Picked) -> Exactness:
    if picked.period_s is not None:
        return "aggregated"
    known = count.total_low == count.total_high and count.bad_low == count.bad_high
    return "exact" if known and not warnings else "bounded"
