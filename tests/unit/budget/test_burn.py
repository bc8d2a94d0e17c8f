"""Burn rates, against the familiar figures."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.budget.burn import burn_rate, burn_threshold, largest_burn_rate, seconds_to_exhaustion

HOUR, DAY, WEEK = 3600, 86_400, 604_800

ALLOWED = st.fractions(Fraction(1, 100_000), Fraction(1, 2))
COUNTS = st.integers(1, 10**9).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))
BURN = st.fractions(Fraction(1, 1000), 10_000)
SPANS_S = st.integers(60, 90 * DAY)


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


@given(COUNTS, ALLOWED)
def test_a_burn_rate_is_exact(counts: tuple[int, int], allowed: Fraction) -> None:
    """Times the budget of what was seen it gives the bad events back, and everything bad is the most."""
    bad, total = counts
    rate = burn_rate(bad, total, allowed)
    assert rate is not None
    assert rate * allowed * total == bad
    assert 0 <= rate <= largest_burn_rate(allowed)


@given(COUNTS, COUNTS, ALLOWED)
def test_two_windows_together_burn_between_the_two(
    one: tuple[int, int], other: tuple[int, int], allowed: Fraction
) -> None:
    """The rate of both is weighted by their traffic, never a mean of rates."""
    rates = [burn_rate(*one, allowed), burn_rate(*other, allowed)]
    both = burn_rate(one[0] + other[0], one[1] + other[1], allowed)
    slower, faster = sorted(rate for rate in rates if rate is not None)
    assert both is not None
    assert slower <= both <= faster
    assert both == (rates[0] * one[1] + rates[1] * other[1]) / (one[1] + other[1])  # type: ignore[operator]


@given(BURN, SPANS_S, st.fractions(0, 1))
def test_what_is_left_is_gone_at_the_exhaustion(burn: Fraction, window_s: int, left: Fraction) -> None:
    """That long at that rate spends just what is left; twice the rate needs half the time."""
    seconds = seconds_to_exhaustion(burn, window_s, left)
    assert float(burn) * seconds / window_s == pytest.approx(float(left))
    assert seconds_to_exhaustion(2 * burn, window_s, left) == pytest.approx(seconds / 2)


@given(st.fractions(Fraction(1, 1000), 1), SPANS_S, SPANS_S, ALLOWED)
def test_a_threshold_spends_its_share_within_its_lookback(
    share: Fraction, window_s: int, lookback_s: int, allowed: Fraction
) -> None:
    """Burning at the threshold the whole budget lasts lookback / share, and no outage burns beyond the largest rate."""
    threshold = burn_threshold(share, window_s, lookback_s)
    assert seconds_to_exhaustion(threshold, window_s, share) == pytest.approx(lookback_s)
    outage_spends = float(largest_burn_rate(allowed)) * lookback_s / window_s
    assert (threshold <= float(largest_burn_rate(allowed)) * (1 + 1e-12)) == (
        outage_spends * (1 + 1e-12) >= float(share)
    )
