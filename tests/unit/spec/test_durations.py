"""Durations carry their unit and are exact."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.errors import InvalidInput
from slochaos.spec.durations import format_duration, parse_duration, parse_exact


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("300ms", 0.3),
        ("20s", 20),
        ("1m30s", 90),
        ("1.5h", 5400),
        ("7d", 604_800),
        ("1d2h3m4s5ms", 93_784.005),
    ],
)
def test_units(text: str, seconds: float) -> None:
    """Milliseconds to days, largest first."""
    assert parse_duration(text) == seconds


def test_exact() -> None:
    """A bucket's bound is the number that was written, not a float near it."""
    assert parse_exact("0.3s") == Fraction(3, 10)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "20",
        "-1s",
        "1e9s",
        "1s1m",
        "1s 2ms",
        " 1s",
        "1s\n",
        "s",
        "inf",
        "nan",
        "1.s",
        "\u0661s",
        "1S",
        "1" * 13 + "s",
    ],
)
def test_what_is_no_duration(text: str) -> None:
    """Bare numbers, signs, exponents, other orders and other digits are refused."""
    with pytest.raises(InvalidInput, match="is not a duration"):
        parse_duration(text)


@given(st.integers(0, 10**10))
def test_round_trip(ms: int) -> None:
    """The printed duration is the duration, to the millisecond."""
    assert parse_exact(format_duration(ms / 1000)) == Fraction(ms, 1000)


@given(st.text(max_size=12))
def test_any_text(text: str) -> None:
    """Nothing but InvalidInput is raised."""
    try:
        parse_duration(text)
    except InvalidInput:
        return


def test_a_number_without_its_unit_gets_one_suggested() -> None:
    """Seconds are what is meant most of the time, and the hint is what has to be written."""
    with pytest.raises(InvalidInput) as caught:
        parse_exact("4")
    assert caught.value.hint == 'with its unit: "4s"'
