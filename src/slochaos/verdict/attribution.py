"""What the fault caused, net of what the baseline predicts.

Two Poisson counts with exposures. Given their sum, the fault's count is binomial, which gives exact bounds on
the ratio of the two rates (Przyborowski & Wilenski 1940); the caused part of the count is `1 - 1 / ratio`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from slochaos.verdict.bounds import bad_at_least, bad_at_most
from slochaos.verdict.counts import Counted


@dataclass(frozen=True)
class Attribution:
    """Bad events that the fault caused: the estimate, and (at least, at most) with 95 % on each side.

    The upper end is `math.inf` where the count itself has none.
    """

    bad: float
    interval: tuple[float | Fraction, float | Fraction]


def attribute(
    charged: Counted,
    baseline: Counted | None,
    charged_exposure: float,
    baseline_exposure: float,
) -> Attribution:
    """Split the charge's bad events into the fault's and the baseline's.

    Exposures are seconds, or events (totals): the same unit for both. Without a baseline nothing can be
    subtracted: the estimate is everything, and the least is 0. Of a baseline that is in doubt itself, the estimate
    subtracts only what is certain to have failed.
    """
    if baseline is None or baseline_exposure <= 0 or charged_exposure <= 0:
        return Attribution(float(charged.bad), (0.0, charged.bad_high))
    longer = charged_exposure / baseline_exposure
    estimate = max(float(charged.bad - Fraction(baseline.bad_low) * Fraction(longer)), 0.0)
    least = _caused_at_least(math.floor(charged.bad_low), _whole(baseline.bad_high), longer)
    most = charged.bad_high
    if math.isfinite(most):
        most = _caused_at_most(math.ceil(most), math.floor(baseline.bad_low), longer)
    return Attribution(estimate, (min(least, estimate), max(most, estimate)))


def census(charged: Counted) -> Attribution:
    """For slices, which are counted and never inferred: everything counted is attributed."""
    return Attribution(float(charged.bad), (charged.bad_low, charged.bad_high))


def _whole(events: float | Fraction) -> int | None:
    return math.ceil(events) if math.isfinite(events) else None


def _caused_at_least(bad: int, before: int | None, longer: float) -> float:
    """`bad` less the largest share of it that the baseline explains; 0 where `before` has no upper end."""
    if bad <= 0 or before is None:
        return 0.0
    share = bad_at_least(bad, bad + before)
    return bad * max(1 - (1 - share) / share * longer, 0.0)


def _caused_at_most(bad: int, before: int, longer: float) -> float:
    """`bad` less the smallest share of it that the baseline explains."""
    if bad <= 0:
        return 0.0
    share = bad_at_most(bad, bad + before)
    return bad * max(1 - (1 - share) / share * longer, 0.0)
