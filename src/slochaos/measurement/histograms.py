"""Events within a threshold, from cumulative buckets. Bounds are compared as numbers, never as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
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


def neighbours(bounds: Iterable[Bound], threshold: Fraction) -> Neighbours:
    """The largest bound at or below the threshold and the smallest at or above it (infinity at the end)."""
    known = list(bounds)
    below = max((bound for bound in known if bound <= threshold), default=None)
    return Neighbours(below, min((bound for bound in known if bound >= threshold), default=math.inf))


def within(buckets: Mapping[Bound, float], threshold: Fraction) -> tuple[float, float]:
    """At least and at most how many observations were within `threshold`.

    Equal when the threshold is a bound. Raises BrokenHistogram when a wider bucket holds less.
    """
    check(buckets)
    around = neighbours(buckets, threshold)
    at_least = 0.0 if around.below is None else buckets[around.below]
    return at_least, buckets.get(around.above, observations(buckets))


def observations(buckets: Mapping[Bound, float]) -> float:
    """All observations: the bucket without an upper bound. Raises BrokenHistogram if there is none."""
    if math.inf not in buckets:
        raise BrokenHistogram('it has no bucket le="+Inf"')
    return buckets[math.inf]


def check(buckets: Mapping[Bound, float]) -> None:
    """Raises BrokenHistogram when buckets are not cumulative."""
    widest = 0.0
    for bound in sorted(buckets):
        if buckets[bound] < widest:
            raise BrokenHistogram(f"its bucket le={float(bound):g} holds less than a narrower one")
        widest = buckets[bound]


def coarse(bounds: Iterable[Bound], threshold: Fraction) -> str:
    """What is missing when the threshold is no bound; empty when it is one."""
    around = neighbours(bounds, threshold)
    if around.exact:
        return ""
    below = "0" if around.below is None else f"{float(around.below):g}"
    return f"no bucket at {float(threshold):g} s, the nearest are {below} and {float(around.above):g}"
