"""Slices of the wall clock (minutes, or longer), each judged by its events.

Timeslices: a slice is good or bad by its share of good events. RatioTimeslices: a slice counts with its share
of bad events, so that a quiet minute weighs as much as a busy one.

Slices are a census: only what was observed counts, a slice at the edge of a phase by the part that the phase
holds. A slice of which nothing was read may have been bad.
Events between two samples on both sides of a boundary may belong to either slice: the point value puts
them where the middle of the step lies, the interval allows for both.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from slochaos.measurement.findings import Span, Step
from slochaos.measurement.samples import Count, Sample

_EXACT_DENOMINATORS = 1000
"""So many different numbers of events are summed as fractions; beyond, 16 digits have to do."""


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

    @property
    def bad_share(self) -> tuple[float, float]:
        """Bad and all events, by the point values."""
        return self.bad, self.good + self.bad

    @property
    def least_bad_share(self) -> tuple[float, float]:
        """Bad and all events if the uncertain ones were good."""
        return self.sure_bad, self.sure_bad + self.sure_good + self.maybe_good

    @property
    def most_bad_share(self) -> tuple[float, float]:
        """Bad and all events if the uncertain ones were bad; a slice of which nothing is known is all bad."""
        bad = self.sure_bad + self.maybe_bad
        if not self.covered or bad == float("inf"):
            return 1.0, 1.0
        return bad, bad + self.sure_good

    def is_bad(self, target: Fraction) -> bool:
        """By the point values."""
        return _below(self.good, self.bad, target)

    def is_surely_bad(self, target: Fraction) -> bool:
        """Whatever the uncertain events were."""
        return _below(self.sure_good + self.maybe_good, self.sure_bad, target)

    def may_be_bad(self, target: Fraction) -> bool:
        """For some value of the uncertain events; a slice of which nothing is known may always be."""
        return _below(self.sure_good, self.sure_bad + self.maybe_bad, target) or not self.covered


@dataclass(frozen=True)
class Tally:
    """The slices between the first and the last of some steps."""

    slices: tuple[Slice, ...]

    @classmethod
    def of(
        cls,
        steps: Iterable[Step],
        slice_s: int,
        slip: float = 0.0,
        within: tuple[float, float] | None = None,
    ) -> Tally:
        """`slip`: events that may be on the other side of each boundary (see evidence.Apart).

        `within` (epoch seconds): the slices between these instants, observed or not, and no others.
        """
        slices = _fill(list(steps), slice_s, slip)
        if within is None:
            return cls(tuple(slices.values()))
        asked = range(math.floor(within[0] / slice_s), math.ceil(within[1] / slice_s))
        return cls(tuple(slices.get(index) or Slice() for index in asked))

    @property
    def judged(self) -> list[Slice]:
        """Slices with events."""
        return [s for s in self.slices if s.counted]

    @property
    def quiet(self) -> list[Slice]:
        """Slices that were observed and had no events: taken as good, though they may have been bad."""
        return [s for s in self.slices if not s.counted and s.observed]

    def bad_slices(self, target: Fraction) -> Count:
        """Timeslices: how many slices have a share of good events below `target`."""
        return self._count(
            sum(s.is_bad(target) for s in self.judged),
            sum(s.is_surely_bad(target) for s in self.slices),
            sum(s.may_be_bad(target) for s in self.slices),
        )

    def bad_shares(self) -> Count:
        """RatioTimeslices: the sum of the slices' shares of bad events."""
        return self._count(
            _sum(s.bad_share for s in self.judged),
            _sum(s.least_bad_share for s in self.slices),
            _sum(s.most_bad_share for s in self.slices),
        )

    def _count(self, bad: int | Fraction, surely_bad: int | Fraction, may_be_bad: int | Fraction) -> Count:
        known, quiet = len(self.judged), len(self.quiet)
        reasons = []
        if known + quiet < len(self.slices):
            missing = len(self.slices) - known - quiet
            reasons.append(f"missing-slices: {missing} of {len(self.slices)} slices were not observed")
        if quiet:
            reasons.append(f"no-events: {quiet} of {len(self.slices)} slices had no events")
        return Count(
            total=known + quiet,
            bad=bad,
            total_low=known + quiet,
            total_high=len(self.slices),
            bad_low=min(surely_bad, bad),
            bad_high=max(may_be_bad + quiet, bad),
            reasons=tuple(reasons),
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


def _sum(shares: Iterable[tuple[float, float]]) -> Fraction:
    """The sum of bad / all, exact as long as the numbers of events are few different ones."""
    bad_of: dict[float, float] = {}
    for bad, everything in shares:
        if bad > 0:
            bad_of[everything] = bad_of.get(everything, 0.0) + bad
    if len(bad_of) > _EXACT_DENOMINATORS:
        return Fraction(math.fsum(bad / everything for everything, bad in bad_of.items()))
    return sum((Fraction(bad) / Fraction(n) for n, bad in bad_of.items() if math.isfinite(n)), Fraction(0))
