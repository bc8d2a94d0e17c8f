"""Burn rates: how many times faster than allowed a budget is spent."""

from __future__ import annotations

import math
from fractions import Fraction

Share = Fraction | float


def burn_rate(bad: int | Fraction, total: int, allowed: Fraction) -> Fraction | None:
    """Bad share over allowed share; None without events."""
    return Fraction(bad) / total / allowed if total else None


def largest_burn_rate(allowed: Fraction) -> Fraction:
    """The burn rate when everything fails: 1000 for 99.9 %. No alert factor above it can ever fire."""
    return 1 / allowed


def seconds_to_exhaustion(burn: Share, window_s: float, left_share: Share = 1) -> float:
    """Seconds until the rest of the budget is gone at this burn rate; `math.inf` when it is not burning."""
    if left_share <= 0:
        return 0.0
    return float(left_share) * window_s / float(burn) if burn > 0 else math.inf


def burn_threshold(share: Share, window_s: float, lookback_s: float) -> float:
    """The burn rate that spends `share` of the budget within `lookback_s`: 14.4 for 2 % of 30 days in an hour."""
    return float(share) * window_s / lookback_s
