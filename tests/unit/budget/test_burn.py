"""Burn rates, against the familiar figures."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from slochaos.budget.burn import burn_rate, burn_threshold, largest_burn_rate, seconds_to_exhaustion

HOUR, DAY, WEEK = 3600, 86_400, 604_800


@pytest.mark.parametrize(
    ("share", "window_s", "lookback_s", "factor"),
    [
        (0.02, 30 * DAY, HOUR, 14.4),
        (0.05, 30 * DAY, 6 * HOUR, 6),
        (0.08, WEEK, HOUR, 13.44),
        (0.125, WEEK, 6 * HOUR, 3.5),
        (0.2, WEEK, DAY, 1.4),
        (0.42, WEEK, 3 * DAY, 0.98),
        (0.05, DAY, 900, 4.8),
        (0.15, DAY, HOUR, 3.6),
    ],
)
def test_thresholds(share: float, window_s: int, lookback_s: int, factor: float) -> None:
    """The factor that spends that share of the budget within the lookback."""
    assert burn_threshold(share, window_s, lookback_s) == pytest.approx(factor)


@pytest.mark.parametrize(("allowed", "largest"), [("0.001", 1000), ("0.0005", 2000), ("0.05", 20)])
def test_the_largest_burn_rate(allowed: str, largest: int) -> None:
    """Everything fails."""
    assert largest_burn_rate(Fraction(allowed)) == largest
    assert burn_rate(7, 7, Fraction(allowed)) == largest


def test_exactly_what_is_allowed_burns_at_one() -> None:
    """1 of 1,000 at 99.9 % is a rate of exactly 1."""
    assert burn_rate(1, 1_000, 1 - Fraction("0.999")) == 1


def test_without_events_there_is_no_rate() -> None:
    """None, not 0."""
    assert burn_rate(0, 0, Fraction("0.001")) is None


@pytest.mark.parametrize(
    ("burn", "left", "seconds"),
    [(1000, 1, 86.4), (1000, 0.5, 43.2), (1, 1, 86_400), (0, 1, math.inf), (5, -0.1, 0)],
)
def test_exhaustion(burn: float, left: float, seconds: float) -> None:
    """A full outage exhausts the database's day in 86.4 s; without burn never; when overspent it has."""
    assert seconds_to_exhaustion(burn, DAY, left) == pytest.approx(seconds)
