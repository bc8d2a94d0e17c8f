"""Burn rates: how many times faster than allowed a budget is spent."""

from __future__ import annotations

from fractions import Fraction


def burn_rate(bad: int, total: int, allowed: Fraction) -> Fraction | None:
    """Bad share over allowed share; None without events."""
    raise NotImplementedError


def largest_burn_rate(allowed: Fraction) -> Fraction:
    """The burn rate when everything fails: 1000 for 99.9 %. No alert factor above it can ever fire."""
    raise NotImplementedError


def seconds_to_exhaustion(burn: Fraction | float, window_s: float, left_share: Fraction | float = 1) -> float:
    """Seconds until the rest of the budget is gone at this burn rate; `math.inf` when it is not burning."""
    raise NotImplementedError


def burn_threshold(share: Fraction | float, window_s: float, lookback_s: float) -> float:
    """The burn rate that spends `share` of the budget within `lookback_s`."""
    raise NotImplementedError
