"""How numbers read."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.wording import count, exact_percent, percent, seconds, window_name


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.612, "61.2 %"),
        (Fraction(23148, 100000), "23.1 %"),
        (0.0005, "0.05 %"),
        (0.00004, "< 0.01 %"),
        (0.99995, "> 99.99 %"),
        (0.9995, "99.95 %"),
        (0.992, "99.2 %"),
        (0.4, "40 %"),
        (12.345, "1,234.5 %"),
        (1.00001, "> 100 %"),
        (-0.005, "-0.5 %"),
        (-0.2, "-20 %"),
        (math.inf, "unknown"),
    ],
)
def test_percentages(share: float, text: str) -> None:
    """Three digits or so, more of them near 0 and 100, and nothing rounded into all or none."""
    assert percent(share) == text


@pytest.mark.parametrize(
    ("share", "unlike", "text"),
    [
        (0.40002, 0.4, "40.002 %"),
        (0.39998, 0.4, "39.998 %"),
        (0.4, 0.4, "40 %"),
        (0.4 + 1e-12, 0.4, "> 40 %"),
    ],
)
def test_percentages_that_are_compared(share: float, unlike: float, text: str) -> None:
    """A share reads differently from the limit that it is compared with, unless it is the same."""
    assert percent(share, unlike=unlike) == text


@given(st.fractions(0, 2))
def test_only_none_and_all_read_as_such(share: Fraction) -> None:
    """ "0 %" and "100 %" mean exactly that."""
    assert (percent(share) == "0 %") == (share == 0)
    assert (percent(share) == "100 %") == (share == 1)


@pytest.mark.parametrize(("share", "text"), [("0.9995", "99.95 %"), ("0.99", "99 %"), ("0.40", "40 %")])
def test_targets_read_as_written(share: str, text: str) -> None:
    """Targets and rules keep their digits."""
    assert exact_percent(Fraction(share)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.038, "38 ms"),
        (1.8, "1.8 s"),
        (6.0, "6 s"),
        (24.4, "24 s"),
        (130, "2 min 10 s"),
        (300, "5 min"),
        (9000, "2.5 h"),
        (86_400, "24 h"),
        (216_000, "2.5 days"),
        (1_296_000, "15 days"),
    ],
)
def test_spans_of_time(value: float, text: str) -> None:
    """In the unit that a person would take."""
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("window_s", "text"),
    [
        (86_400, "day"),
        (604_800, "week"),
        (3600, "hour"),
        (2_592_000, "30 days"),
        (21_600, "6 hours"),
        (90, "90 s"),
    ],
)
def test_windows(window_s: int, text: str) -> None:
    """So that "of its ..." reads on."""
    assert window_name(window_s) == text


def test_counts_are_grouped() -> None:
    """Thousands."""
    assert count(6012) == "6,012"
