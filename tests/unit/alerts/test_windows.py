"""Which burn rates alert whom, for windows of every length."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.alerts.windows import DAY_S, HOUR_S, LEAST_SCRAPES, severity_of, tiers
from slochaos.spec.objectives import Objective
from tests.exported_rules import production

API = production("api-success-rate").objectives[0]


def objective(window_s: int, target: str) -> Objective:
    """The API's objective with another window and target."""
    return replace(API, window_s=window_s, target=Fraction(target))


@pytest.mark.parametrize(
    ("window_s", "expected"),
    [
        (7 * DAY_S, [("13.44", "critical"), ("3.5", "critical"), ("1.4", "warning"), ("0.98", "warning")]),
        (DAY_S, [("4.8", "critical"), ("3.6", "critical"), ("2.4", "warning")]),
        (30 * DAY_S, [("14.4", "critical"), ("6", "critical"), ("3", "warning"), ("1", "warning")]),
    ],
)
def test_factors_come_from_the_objective_s_own_window(window_s: int, expected: list[tuple[str, str]]) -> None:
    """The familiar factors are those of 30 days; a week and a day have their own."""
    kept, left_out = tiers(objective(window_s, "0.999"), unit_s=15)

    assert [(tier.factor, tier.severity) for tier in kept] == [(Fraction(f), s) for f, s in expected]
    assert not left_out


def test_short_windows_are_a_twelfth_and_three_minutes_at_least() -> None:
    """Google's workbook has a twelfth; a twelfth of a quarter of an hour would be five scrapes."""
    week, _ = tiers(objective(7 * DAY_S, "0.999"), unit_s=15)
    day, _ = tiers(objective(DAY_S, "0.999"), unit_s=15)

    assert [(tier.long_s, tier.short_s) for tier in week] == [
        (HOUR_S, 300),
        (6 * HOUR_S, 1800),
        (DAY_S, 7200),
        (3 * DAY_S, 6 * HOUR_S),
    ]
    assert [(tier.long_s, tier.short_s) for tier in day] == [(900, 180), (HOUR_S, 300), (3 * HOUR_S, 900)]


def test_a_short_window_holds_four_scrapes() -> None:
    """At one scrape a minute, three minutes would do for a rate only if none is missed."""
    kept, _ = tiers(objective(DAY_S, "0.999"), unit_s=60)

    assert kept[0].short_s == 240


def test_a_tier_whose_short_window_is_no_short_one_is_left_out() -> None:
    """Four scrapes of two minutes are eight minutes, which says little less than fifteen."""
    kept, left_out = tiers(objective(DAY_S, "0.999"), unit_s=120)

    assert [each.tier.long_s for each in left_out] == [900]
    assert "four scrapes" in left_out[0].reason
    assert len(kept) == 2


def test_an_alert_that_can_never_fire_is_left_out() -> None:
    """At 90 %, everything failing burns 10 times too fast: 13.44 cannot be reached."""
    kept, left_out = tiers(objective(7 * DAY_S, "0.9"), unit_s=15)

    assert [float(each.tier.factor) for each in left_out] == [13.44]
    assert "can never fire" in left_out[0].reason
    assert "10" in left_out[0].reason
    assert [float(tier.factor) for tier in kept] == [3.5, 1.4, 0.98]


def test_an_alert_at_the_largest_burn_rate_is_left_out_too() -> None:
    """It fires above its factor, and nothing is above the largest."""
    kept, left_out = tiers(objective(30 * DAY_S, str(1 - Fraction(10, 144))), unit_s=15)

    assert [float(each.tier.factor) for each in left_out] == [14.4]
    assert kept


def test_a_burn_below_one_never_pages() -> None:
    """The objective is on course: whoever asked for a page gets a ticket."""
    assert severity_of(Fraction("0.98"), fast=True) == "warning"
    assert severity_of(Fraction(1), fast=True) == "critical"


@given(
    window_s=st.integers(60, 400 * DAY_S),
    bad=st.integers(1, 9_999),
    unit_s=st.integers(1, 600),
)
def test_whatever_the_window_what_is_kept_can_do_its_duty(window_s: int, bad: int, unit_s: int) -> None:
    """Each kept tier can fire, has a short window of four scrapes and half its long one, and pages only above 1."""
    chosen = objective(window_s, str(1 - Fraction(bad, 10_000)))

    kept, left_out = tiers(chosen, unit_s)

    for tier in kept:
        assert tier.factor < 1 / chosen.allowed
        assert tier.factor == tier.share * window_s / tier.long_s
        assert LEAST_SCRAPES * unit_s <= tier.short_s <= tier.long_s / 2
        assert tier.severity == "warning" or tier.factor >= 1
    assert all(each.reason for each in left_out)
