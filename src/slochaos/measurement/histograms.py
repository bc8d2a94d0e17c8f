"""Events within a threshold, from cumulative buckets. Bounds are compared as numbers, never as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from slochaos.measurement.selection import Bound


class BrokenHistogram(Exception):
    """Buckets that no histogram can have; the message says which."""


@dataclass(frozen=True)
class Neighbours:
    """The buckets around a threshold: equal when the threshold is a bound. None: below all bounds."""

    below: Bound | None
    above: Bound

    @property
    def exact(self) -> bool:
        """Whether events within the threshold can be counted exactly."""
        return self.below == self.above


def neighbours(bounds: Iterable[Bound], threshold: Bound) -> Neighbours:
    """The largest bound at or below the threshold and the smallest at or above it (infinity at the end)."""
    known = list(bounds)
    below = max((bound for bound in known if bound <= threshold), default=None)
    return Neighbours(below, min((bound for bound in known if bound >= threshold), default=math.inf))


def coarse(bounds: Iterable[Bound], threshold: Fraction) -> str:
    """What is missing when the threshold is no bound; empty when it is one."""
    around = neighbours(bounds, threshold)
    if around.exact:
        return ""
    below = "0" if around.below is None else f"{float(around.below):g}"
    return f"no bucket at {float(threshold):g} s, the nearest are {below} and {float(around.above):g}"


@dataclass(frozen=True)
class Layout:
    """Where on a page one histogram's buckets stand, narrowest first, and which two hold the threshold.

    Made once for a layout of the page: what is done for each page is looking up numbers.
    """

    bounds: tuple[Bound, ...]
    positions: tuple[int, ...]
    below: int | None
    above: int

    @classmethod
    def of(cls, positions: Mapping[Bound, int], threshold: Fraction | None) -> Layout:
        """`positions` by bound; without a threshold all observations are meant.

        Raises BrokenHistogram without a bucket that has no upper bound.
        """
        if math.inf not in positions:
            raise BrokenHistogram('it has no bucket le="+Inf"')
        around = neighbours(positions, math.inf if threshold is None else threshold)
        bounds = tuple(sorted(positions))
        below = None if around.below is None else positions[around.below]
        return cls(bounds, tuple(positions[bound] for bound in bounds), below, positions[around.above])

    def within(self, values: Sequence[float]) -> tuple[float, float]:
        """At least and at most how many observations were within the threshold; equal when it is a bound.

        `values` are those of the page. Raises BrokenHistogram when a wider bucket holds less, or any
        less than nothing.
        """
        narrower = 0.0
        for index, position in enumerate(self.positions):
            if values[position] < 0:
                raise BrokenHistogram(f"it stands at {values[position]:g}, and counts never fall below zero")
            if values[position] < narrower:
                raise BrokenHistogram(
                    f"its bucket le={float(self.bounds[index]):g} holds less than a narrower one"
                )
            narrower = values[position]
        return (0.0 if self.below is None else values[self.below]), values[self.above]
