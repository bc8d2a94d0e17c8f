"""What a run may cost, before it starts and while it runs."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.budget.account import projected
from slochaos.budget.forecast import (
    Outage,
    detection_cost,
    forecast,
    forecast_slices,
    share_when_undone,
    slices_spent,
)
from slochaos.budget.traffic import Seen

DAY, WEEK = 86_400, 604_800
PER_MILLE = Fraction("0.001")
OUTAGE = Outage(fault_s=20.0, recovery_s=60.0, detection_s=0.35, undo_s=0.05)


def test_without_a_rule_physics_is_the_worst() -> None:
    """20 s of outage and 60 s until it recovers: 80 of the database's 86.4 s."""
    assert forecast(OUTAGE, allowed=PER_MILLE, window_s=DAY).worst == pytest.approx(80 / 86.4)


def test_a_rule_bounds_the_worst_with_its_overshoot() -> None:
    """40 %, and what 0.4 s of full outage add until the abort has taken hold."""
    found = forecast(OUTAGE, allowed=PER_MILLE, window_s=DAY, cost=Fraction("0.4"))
    assert found.worst == pytest.approx(0.4 + 0.4 / 86.4)
    assert found.reason == "aborts at 40 %, plus 0.4 s until it is noticed and undone"


def test_a_rule_that_physics_cannot_reach_changes_nothing() -> None:
    """80 s of a week's 604.8 are 13.2 %, whatever the rule allows."""
    found = forecast(OUTAGE, allowed=PER_MILLE, window_s=WEEK, cost=Fraction("0.5"))
    assert found.worst == pytest.approx(80 / 604.8)
    assert found.abort_at_s is None


def test_an_abort_within_the_fault_is_foreseen() -> None:
    """A full outage reaches 15 % of the day after 12.96 s; an abort must come just before."""
    found = forecast(OUTAGE, allowed=PER_MILLE, window_s=DAY, cost=Fraction("0.15"))
    assert found.abort_at_s == pytest.approx(12.96 - 0.05)


def test_no_abort_comes_before_it_can_be_noticed() -> None:
    """A rule of nothing aborts as soon as the first sample shows a failure."""
    found = forecast(OUTAGE, allowed=PER_MILLE, window_s=DAY, cost=Fraction(0))
    assert found.abort_at_s == OUTAGE.detection_s


def test_no_abort_is_foreseen_after_the_fault_is_over() -> None:
    """40 % of the day are 34.6 s, longer than the fault."""
    assert forecast(OUTAGE, allowed=PER_MILLE, window_s=DAY, cost=Fraction("0.4")).abort_at_s is None


def test_busy_hours_cost_more_of_the_window() -> None:
    """At twice the mean traffic a second costs twice as much."""
    once = forecast(OUTAGE, allowed=PER_MILLE, window_s=WEEK)
    assert forecast(OUTAGE, allowed=PER_MILLE, window_s=WEEK, rate_ratio=2.0).worst == pytest.approx(
        2 * once.worst
    )


@given(st.floats(0, 600), st.floats(0, 600), st.fractions(0, 1))
def test_the_worst_is_never_above_physics_nor_above_the_rule(
    fault_s: float, recovery_s: float, cost: Fraction
) -> None:
    """The smaller of the two, at any length."""
    outage = replace(OUTAGE, fault_s=fault_s, recovery_s=recovery_s)
    found = forecast(outage, allowed=PER_MILLE, window_s=DAY, cost=cost)
    assert found.worst <= forecast(outage, allowed=PER_MILLE, window_s=DAY).worst
    assert found.worst <= float(cost) + outage.reaction_s / 86.4 + 1e-12


def test_twenty_seconds_spoil_one_minute_or_two() -> None:
    """At 95 % of a minute: one in 78 % of start offsets, two in 22 %."""
    assert slices_spent(20, 60, Fraction("0.95")) == {1: pytest.approx(47 / 60), 2: pytest.approx(13 / 60)}


@pytest.mark.parametrize(
    ("outage_s", "target", "slices"),
    [(0, "1", {0: 1.0}), (2, "0.95", {0: 1.0}), (60, "1", {1: 1 / 60, 2: 59 / 60}), (1, "1", {1: 1.0})],
)
def test_slices_of_short_and_long_outages(outage_s: float, target: str, slices: dict[int, float]) -> None:
    """What a slice tolerates spoils none; a whole minute nearly always touches two."""
    assert slices_spent(outage_s, 60, Fraction(target)) == pytest.approx(slices)


@given(st.integers(0, 400), st.sampled_from([60, 300]), st.sampled_from(["1", "0.95", "0.9"]))
def test_slice_chances_add_up(outage_s: int, slice_s: int, target: str) -> None:
    """Chances sum to 1, and no outage spoils more slices than it touches."""
    found = slices_spent(outage_s, slice_s, Fraction(target))
    assert sum(found.values()) == pytest.approx(1)
    assert max(found) <= outage_s // slice_s + 2


def test_slices_are_forecast_whole() -> None:
    """80 s spoil up to three minutes of a weekly 5.04."""
    found = forecast_slices(OUTAGE, allowed=Fraction("0.0005"), window_s=WEEK, slice_target=Fraction("0.95"))
    assert found.worst == pytest.approx(3 / 5.04)
    assert found.reason == "20 s cost 1 slice in 78 % of starts, 2 slices in 22 % of starts"


def test_a_cost_rule_stops_at_the_next_whole_slice() -> None:
    """A rule of 25 % allows one minute; the abort comes when the second is bad."""
    outage = replace(OUTAGE, fault_s=600.0)
    found = forecast_slices(
        outage,
        allowed=Fraction("0.0005"),
        window_s=WEEK,
        slice_target=Fraction("0.95"),
        cost=Fraction("0.25"),
    )
    assert found.worst == pytest.approx(2 / 5.04)


def test_detection_has_a_price() -> None:
    """15 s until the first sample are 17.4 % of the database's day."""
    assert detection_cost(15.0, allowed=PER_MILLE, window_s=DAY) == pytest.approx(0.1736, abs=1e-4)


def test_an_abort_counts_what_its_undo_will_add() -> None:
    """3,000 failures so far at 300 a second, and 0.5 s until it is undone: 3,150 of 25,920."""
    budget = projected(PER_MILLE, DAY, Seen(4_500, 15.0))
    assert share_when_undone(budget, 3_000, 300, 1.0, 0.5) == Fraction(3_150, 25_920)


def test_an_abort_without_recent_data_counts_what_it_has() -> None:
    """No pace is known, so none is assumed."""
    budget = projected(PER_MILLE, DAY, Seen(4_500, 15.0))
    assert share_when_undone(budget, 3_000, 0, 0.0, 0.5) == Fraction(3_000, 25_920)
