"""Timeslices: minutes of the wall clock (or other slices), each good or bad by its share of good events.

Slices are a census: only what was observed counts. A slice of which nothing was read may have been bad.
Events between two samples on both sides of a boundary may belong to either slice: the point value puts
them where the middle of the step lies, the interval allows for both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from slochaos.measurement.findings import Span, Step
from slochaos.measurement.samples import Count, Sample


@dataclass
class Slice:
    """Events of one slice: certainly in it, possibly in it, and by the point values."""

    sure_good: float = 0.0
    sure_bad: float = 0.0
    maybe_good: float = 0.0
    maybe_bad: float = 0.0
    good: float = 0.0
    bad: float = 0.0
    observed: bool = False
    covered: bool = False

    @property
    def counted(self) -> bool:
        """Whether there is an event to judge it by."""
        return self.good + self.bad > 0

    def is_bad(self, target: Fraction) -> bool:
        """By the point values."""
        return _below(self.good, self.bad, target)

    def is_surely_bad(self, target: Fraction) -> bool:
        """Whatever the uncertain events were."""
        return _below(self.sure_good + self.maybe_good, self.sure_bad, target)

    def may_be_bad(self, target: Fraction) -> bool:
        """For some value of the uncertain events; a slice of which nothing is known may always be."""
        return _below(self.sure_good, self.sure_bad + self.maybe_bad, target) or not self.covered


def count_slices(steps: Iterable[Step], slice_s: int, target: Fraction, slip: float = 0.0) -> Count:
    """Slices between the first and the last of the steps, as a Count of slices.

    `slip`: events that may be on the other side of each boundary (see evidence.Apart).
    """
    slices = _fill(list(steps), slice_s, slip)
    judged = [s for s in slices.values() if s.counted]
    quiet = [s for s in slices.values() if not s.counted and s.observed]
    missing = len(slices) - len(judged) - len(quiet)
    bad = sum(s.is_bad(target) for s in judged)
    may_be_bad = sum(s.may_be_bad(target) for s in slices.values()) + len(quiet)
    reasons = []
    if missing:
        reasons.append(f"missing-slices: {missing} of {len(slices)} slices were not observed")
    if quiet:
        reasons.append(f"no-events: {len(quiet)} of {len(slices)} slices had no events")
    total = len(judged) + len(quiet)
    surely_bad = sum(s.is_surely_bad(target) for s in slices.values())
    return Count(
        total, bad, total, len(slices), min(surely_bad, bad), max(may_be_bad, bad), (), tuple(reasons)
    )


def _fill(steps: list[Step], slice_s: int, slip: float) -> dict[int, Slice]:
    if not steps:
        return {}
    anchor = min((step.before for step in steps), key=lambda sample: sample.started)
    placed = [(_wall(step.before, anchor), _wall(step.after, anchor), step) for step in steps]
    first = int(min(begin for begin, _, _ in placed) // slice_s)
    last = int(max(end for _, end, _ in placed) // slice_s)
    slices = {index: Slice(maybe_good=slip, maybe_bad=slip) for index in range(first, last + 1)}
    for begin, end, step in placed:
        middle = slices[int((begin + end) / 2 // slice_s)]
        middle.good += max(step.total.point - step.bad.point, 0.0)
        middle.bad += max(step.bad.point, 0.0)
        touched = range(int(begin // slice_s), int(end // slice_s) + 1)
        for index in touched:
            (_add_inside if len(touched) == 1 else _add_across)(slices[index], step)
    return slices


def _wall(sample: Sample, anchor: Sample) -> float:
    """Epoch seconds by the phase's first sample: a wall clock that is set meanwhile moves no slice."""
    return anchor.wall + sample.started - anchor.started


def _add_inside(into: Slice, step: Step) -> None:
    good = _good(step)
    into.covered = True
    into.observed = into.observed or step.total.point > 0 or step.total.high == 0
    into.sure_good += good.low
    into.sure_bad += max(step.bad.low, 0.0)
    into.maybe_good += good.high - good.low
    into.maybe_bad += step.bad.high - max(step.bad.low, 0.0)


def _add_across(into: Slice, step: Step) -> None:
    into.covered = True
    into.maybe_good += _good(step).high
    into.maybe_bad += step.bad.high


def _good(step: Step) -> Span:
    low = max(step.total.low - step.bad.high, 0.0)
    return Span(low, step.total.point - step.bad.point, max(step.total.high - max(step.bad.low, 0.0), low))


def _below(good: float, bad: float, target: Fraction) -> bool:
    """Whether the share of good events is below the target, exactly; never without a bad event."""
    if bad <= 0:
        return False
    if bad == float("inf"):
        return True
    if good == float("inf"):
        return False
    return Fraction(good) < target * (Fraction(good) + Fraction(bad))
