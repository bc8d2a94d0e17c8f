"""Quantiles of a histogram, as far as its buckets tell: between two bounds, never a point in between. Pure.

Interpolating, as `histogram_quantile` does, gives numbers that no request ever took: with all slow requests in
the bucket from 0.25 to 0.5 s the 95th percentile may be anything in it, and above the last bound anything at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction


def quantile(bounds: Sequence[float], counts: Sequence[float], share: Fraction) -> tuple[float, float] | None:
    """(above, at most): the bucket that holds the observation of rank `share` (0-1) x all, rounded up.

    `bounds` are ascending upper bounds, the last one infinite, `counts` the observations up to each. The lowest
    bucket begins at 0. None without observations.
    """
    if len(bounds) != len(counts) or not bounds:
        raise ValueError(f"{len(counts)} counts for {len(bounds)} bounds")
    total = Fraction(counts[-1])
    if total <= 0:
        return None
    below = 0.0
    for bound, count in zip(bounds, counts, strict=True):
        if count >= share * total:
            return below, bound
        below = bound
    raise ValueError("counts are not cumulative")
