"""The power check, and the ways out that it offers."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.verdict.bounds import bad_at_most
from slochaos.verdict.power import check, needed_events


@pytest.mark.parametrize(
    ("hold", "needed"), [("0.99", 299), ("0.999", 2_995), ("0.9995", 5_990), ("0.95", 59), ("0.5", 5)]
)
def test_clean_events_that_a_floor_needs(hold: str, needed: int) -> None:
    """A floor needs the published number of clean events, and exactly that many are enough."""
    assert check(Fraction(hold), needed, 1.0).decidable
    power = check(Fraction(hold), needed - 1, 1.0)
    assert (power.needed_clean, power.decidable) == (needed, False)


@pytest.mark.parametrize(("bad", "events"), [(0, 2_995), (1, 4_742), (2, 6_294), (5, 10_511), (10, 16_959)])
def test_each_failure_makes_more_events_necessary(bad: int, events: int) -> None:
    """With failures among them, more events are needed to show 99.9 %."""
    assert needed_events(bad, Fraction(1, 1000)) == events


@given(st.integers(0, 50), st.fractions(Fraction(1, 10_000), Fraction(1, 2)))
def test_needed_events_are_the_fewest(bad: int, allowed: Fraction) -> None:
    """The number is enough, and one less is not."""
    needed = needed_events(bad, allowed)
    assert bad_at_most(bad, needed) <= allowed
    assert needed == bad or bad_at_most(bad, needed - 1) > allowed


def test_the_ways_out_read_like_settings() -> None:
    """20 s at 20 requests/s cannot show 99.9 %: go on longer, load more, or ask for less."""
    power = check(Fraction("0.999"), 20.0, 20.0)
    assert not power.decidable
    assert power.ways_out == ("130 s longer", "load at 150 requests/s", "hold 99 %")


def test_without_traffic_only_load_helps() -> None:
    """Nothing can be waited for when there is no traffic."""
    assert check(Fraction("0.99"), 0.0, 20.0).ways_out == ("load at 15 requests/s",)


def test_a_floor_of_all_cannot_be_shown() -> None:
    """100 % is never shown by any number of events; a lower floor is."""
    power = check(Fraction(1), 300.0, 20.0)
    assert not power.decidable
    assert power.ways_out == ("hold 99.95 %",)


def test_expected_failures_of_the_baseline_count() -> None:
    """3,000 events can show 99.9 % only if none of them is expected to fail."""
    assert check(Fraction("0.999"), 300.0, 10.0).decidable
    assert not check(Fraction("0.999"), 300.0, 10.0, Fraction(1, 3000)).decidable


def test_more_traffic_brings_more_failures() -> None:
    """The way out counts them in, and a floor that the baseline does not keep has none by traffic."""
    share = Fraction(1, 3000)
    power = check(Fraction("0.999"), 300.0, 10.0, share)
    longer = next(float(way.split()[0]) for way in power.ways_out if way.endswith("longer"))
    assert check(Fraction("0.999"), 300.0, 10.0 + longer, share).decidable
    assert check(Fraction("0.999"), 300.0, 10.0, Fraction(1, 1000)).ways_out == ("hold 99.5 %",)


@given(st.floats(0.1, 5_000), st.floats(1, 600), st.sampled_from(["0.9", "0.99", "0.999", "0.9995"]))
def test_a_way_out_leads_out(rate: float, fault_s: float, hold: str) -> None:
    """Following any way out makes the floor decidable."""
    power = check(Fraction(hold), rate, fault_s)
    for way in power.ways_out:
        number = float("".join(c for c in way if c.isdigit() or c == "."))
        if way.endswith("longer"):
            assert check(Fraction(hold), rate, fault_s + number).decidable
        elif way.startswith("load"):
            assert check(Fraction(hold), number, fault_s).decidable
        else:
            assert check(Fraction(str(number)) / 100, rate, fault_s).decidable


def test_a_share_of_nothing_has_no_number_of_events() -> None:
    """Showing that nothing at all fails is impossible, and asking for it is a programming error."""
    with pytest.raises(ValueError, match="no number"):
        needed_events(0, Fraction(0))
