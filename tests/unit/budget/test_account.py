"""Budgets and charges, to the event."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos import record
from slochaos.budget.account import Budget, allowed_bad, charge, in_slices, observed, projected
from slochaos.budget.traffic import Seen

DAY, WEEK = 86_400, 604_800
PER_MILLE = Fraction("0.001")


def database(consumed: float = 0) -> Budget:
    """< 0.1 % a day at 300 queries a second."""
    return projected(PER_MILLE, DAY, Seen(4_500, 15.0), strict=True, consumed=consumed)


@pytest.mark.parametrize(
    ("allowed", "total", "lt", "lte"),
    [
        (1 - Fraction("0.999"), 1_000, 0, 1),
        (1 - Fraction("0.9995"), 2_000, 0, 1),
        (PER_MILLE, 1_001, 1, 1),
        (PER_MILLE, 999, 0, 0),
        (PER_MILLE, 0, 0, 0),
        (Fraction("0.05"), 60, 2, 3),
    ],
)
def test_allowed_bad_events_are_exact(allowed: Fraction, total: int, lt: int, lte: int) -> None:
    """Exactly the allowed share passes `lte` and fails `lt`, where floats decide both wrongly."""
    assert allowed_bad(allowed, total, strict=True) == lt
    assert allowed_bad(allowed, total, strict=False) == lte


@given(st.fractions(Fraction(1, 10_000), Fraction(1, 2)), st.integers(1, 100_000))
def test_the_allowed_number_is_the_largest(allowed: Fraction, total: int) -> None:
    """One more bad event breaks the objective."""
    most = allowed_bad(allowed, total, strict=False)
    assert Fraction(most, total) <= allowed < Fraction(most + 1, total)
    assert Fraction(allowed_bad(allowed, total, strict=True) + 1, total) >= allowed


def test_a_full_outage_of_20_seconds_costs_23_per_cent_of_the_day() -> None:
    """6,000 failed queries at 300 a second: 23.1 % of the database's day, 20 s of outage."""
    spent = charge(
        database(),
        bad=6_000,
        bad_interval=(6_000, 6_000),
        attributed=6_000.0,
        attributed_interval=(5_990.0, 6_000),
        refunded_epoch=0.0,
    )
    assert float(spent.gross_share) == pytest.approx(0.2315, abs=1e-4)
    assert spent.equivalent_outage_s == pytest.approx(20.0)


@pytest.mark.parametrize(("window_s", "percent"), [(WEEK, 3.31), (DAY, 23.1)])
def test_the_same_outage_in_different_windows(window_s: int, percent: float) -> None:
    """20 s of everything failing: 3.31 % of a week's success budget, 23.1 % of a day's."""
    budget = projected(PER_MILLE, window_s, Seen(4_500, 15.0))
    assert float(100 * budget.share_exactly(6_000)) == pytest.approx(percent, abs=0.05)


def test_a_minute_is_a_fifth_of_the_weekly_availability() -> None:
    """99.95 % of a week's minutes allows 5.04: one is 19.8 %, two are 39.7 %."""
    budget = in_slices(Fraction("0.0005"), WEEK, 60)
    assert budget.size == Fraction("5.04")
    assert budget.most_bad == 5
    assert [float(round(100 * budget.share_exactly(n), 1)) for n in (1, 2)] == [19.8, 39.7]


def test_the_record_takes_a_charge_as_it_is() -> None:
    """Every field of the record is there, with before and after."""
    spent = charge(
        database(consumed=2_592),
        bad=6_000,
        bad_interval=(5_990, 6_004),
        attributed=5_999.5,
        attributed_interval=(5_980.25, 6_004),
        refunded_epoch=1_700_086_400.2,
    )
    written = record.Charge(**spent.fields())
    assert written.consumed_before_percent == pytest.approx(10.0)
    assert written.consumed_after_percent == pytest.approx(10.0 + written.cost_percent)
    assert written.basis == "projected"
    assert written.window_events == 25_920_000
    assert written.refund_complete == "2023-11-15T22:13:21Z"


def test_an_unknown_end_is_null_in_the_record() -> None:
    """JSON has no infinity."""
    spent = charge(
        database(),
        bad=5,
        bad_interval=(5, math.inf),
        attributed=5.0,
        attributed_interval=(0.0, math.inf),
        refunded_epoch=0.0,
    )
    assert spent.gross_share_interval[1] == math.inf
    written = record.Charge(**spent.fields())
    assert written.bad_gross_interval[1] is None
    assert written.attributed_percent_interval[1] is None
    assert "Infinity" not in written.model_dump_json()


def test_a_silent_baseline_still_gives_a_budget() -> None:
    """The window holds at least the events of the run itself."""
    budget = projected(PER_MILLE, DAY, Seen(0, 15.0), at_least=500)
    assert budget.window_events == 500
    assert budget.share_exactly(1) == 2


def test_no_traffic_at_all_costs_nothing() -> None:
    """No event, no cost; and spending what does not exist is a programming error."""
    budget = projected(PER_MILLE, DAY, Seen(0, 0.0))
    assert budget.share_exactly(0) == 0
    with pytest.raises(ValueError, match="no events"):
        budget.share_exactly(1)


def test_what_is_left_can_be_overspent() -> None:
    """Consumed 150 % leaves -50 %."""
    budget = observed(PER_MILLE, DAY, Seen(1_000_000, DAY), consumed=1_500)
    assert (budget.basis, budget.left_share) == ("observed", Fraction(-1, 2))


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.floats(1, 3600))
def test_the_cost_of_an_outage_is_its_share_of_the_allowed_seconds(
    bad: int, events: int, seconds: float
) -> None:
    """Per cent of the budget and seconds of equivalent outage are one figure, at any traffic."""
    budget = projected(PER_MILLE, DAY, Seen(events, seconds))
    spent = charge(
        budget, bad=bad, bad_interval=(bad, bad), attributed=0, attributed_interval=(0, 0), refunded_epoch=0
    )
    assert spent.equivalent_outage_s == pytest.approx(bad / (events / seconds))
    assert float(spent.gross_share) == pytest.approx(spent.equivalent_outage_s / 86.4)


def test_a_baseline_of_doubtful_length_widens_the_shares() -> None:
    """A second more or less of six may be a sixth more or less of the cost; the point stays where it was."""
    sure = projected(PER_MILLE, WEEK, Seen(300, 6.0))
    doubtful = projected(PER_MILLE, WEEK, Seen(300, 6.0, doubt_s=1.0))
    share = sure.share_exactly(201)

    assert sure.share_interval((201, 201)) == (share, share)
    assert doubtful.share_exactly(201) == share
    assert doubtful.share_interval((201, 201)) == (share * Fraction(5, 6), share * Fraction(7, 6))
    assert doubtful.share_interval((0, math.inf)) == (Fraction(0), math.inf)


def test_a_count_in_doubt_fills_the_window_with_what_is_certain() -> None:
    """300 events are certain and 4,300 possible: the cost is the largest, and its range reaches down to the least."""
    budget = projected(PER_MILLE, WEEK, Seen(300, 6.0, 4_300, reasons=("series-born: ...",)))
    spent = charge(
        budget,
        bad=200,
        bad_interval=(200, 200),
        attributed=200.0,
        attributed_interval=(190.0, 200),
        refunded_epoch=0.0,
    )
    written = record.Charge(**spent.fields())

    assert written.window_events == 300 / 6 * WEEK
    assert written.window_events_interval == pytest.approx((300 / 6 * WEEK, 4_300 / 6 * WEEK))
    assert written.cost_percent == pytest.approx(0.661, abs=1e-3)
    least = written.cost_percent * 300 / 4_300
    assert written.cost_percent_interval == pytest.approx((least, written.cost_percent))
    assert written.consumed_after_percent_interval == written.cost_percent_interval
    assert spent.window_doubts == ("series-born: ...",)


def test_a_window_without_upper_end_leaves_the_cost_without_lower_end() -> None:
    """The cost is at most what it would be of the certain events, and may be next to nothing."""
    budget = projected(PER_MILLE, DAY, Seen(4_500, 15.0, math.inf), consumed=1_000)
    assert budget.share_interval((6_000, 6_000)) == (Fraction(0), budget.share_exactly(6_000))


def test_a_window_of_which_nothing_is_certain_leaves_the_cost_without_upper_end() -> None:
    """No failure costs nothing all the same."""
    budget = projected(PER_MILLE, DAY, Seen(0, 15.0, 4_500))
    low, high = budget.share_interval((6_000, 6_000))
    assert float(low) == pytest.approx(0.2315, abs=1e-4)
    assert high == math.inf
    assert not any(budget.share_interval((0, 0)))


def test_what_failed_before_is_a_share_of_the_same_uncertain_window() -> None:
    """Before and after are shares of one window: half used before and as much again is all of it, or less."""
    budget = projected(PER_MILLE, DAY, Seen(1_000, 10.0, 2_000), consumed=4_320)
    spent = charge(
        budget,
        bad=4_320,
        bad_interval=(4_320, 4_320),
        attributed=0,
        attributed_interval=(0, 0),
        refunded_epoch=0,
    )
    assert list(spent.consumed_share_interval) == [Fraction(1, 2), Fraction(1)]
