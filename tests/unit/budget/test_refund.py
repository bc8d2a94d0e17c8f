"""When a rolling budget comes back."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from slochaos.budget.refund import back_at

SIZE, WINDOW = Fraction(100), 1000.0
HALF = Fraction(1, 2)


def test_it_is_back_now_when_enough_is_left() -> None:
    """50 of 100 used are exactly half left."""
    assert back_at([(50, 900.0)], SIZE, WINDOW, 1000.0, HALF) == 1000.0


def test_it_comes_back_when_enough_old_errors_have_left_the_window() -> None:
    """The oldest leave first; the last one that has to go gives the time."""
    spent = [(60, 100.0), (30, 400.0), (30, 700.0)]
    assert back_at(spent, SIZE, WINDOW, 1000.0, HALF) == 1400.0
    assert back_at(spent, SIZE, WINDOW, 1000.0, Fraction(1, 10)) == 1100.0
    assert back_at(spent, SIZE, WINDOW, 1000.0, Fraction(1)) == 1700.0


def test_what_has_left_the_window_no_longer_counts() -> None:
    """Nor does a part of it in which nothing failed."""
    assert back_at([(500, -50.0), (0, 990.0)], SIZE, WINDOW, 1000.0, HALF) == 1000.0


def test_more_than_all_of_it_never_comes_back() -> None:
    """None instead of a time that is made up."""
    assert back_at([(1, 900.0)], SIZE, WINDOW, 1000.0, Fraction(2)) is None


@given(
    spent=st.lists(st.tuples(st.integers(0, 50), st.floats(0, 1000)), max_size=20),
    left=st.fractions(0, 1),
)
def test_at_that_time_and_not_before_it_is_left(spent: list[tuple[float, float]], left: Fraction) -> None:
    """By counting what the window holds then, and what it held an instant before."""
    at = back_at(spent, SIZE, WINDOW, 1000.0, left)
    assert at is not None
    may_use = (1 - left) * SIZE
    assert sum(bad for bad, when in spent if when + WINDOW > at) <= may_use
    if at > 1000.0:
        assert sum(bad for bad, when in spent if when + WINDOW >= at) > may_use
