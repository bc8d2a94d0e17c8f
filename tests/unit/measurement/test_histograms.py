"""Bounds around a threshold."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from slochaos.measurement.histograms import BrokenHistogram, Layout, coarse
from slochaos.measurement.selection import Bound, bound_of

BUCKETS: dict[Bound, float] = {Fraction("0.25"): 5, Fraction("0.5"): 8, math.inf: 9}


def within(buckets: dict[Bound, float], threshold: str | None) -> tuple[float, float]:
    positions = {bound: position for position, bound in enumerate(buckets)}
    layout = Layout.of(positions, None if threshold is None else Fraction(threshold))
    return layout.within(list(buckets.values()))


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [("0.25", (5, 5)), ("0.3", (5, 8)), ("0.1", (0, 5)), ("0.5", (8, 8)), ("30", (8, 9)), (None, (9, 9))],
)
def test_events_within_a_threshold_are_held_by_the_buckets_around_it(
    threshold: str | None, expected: tuple[float, float]
) -> None:
    """Never interpolated: 30 s over a top bucket of 0.5 s may be all of the rest or none of it."""
    assert within(BUCKETS, threshold) == expected
    backwards = dict(reversed(BUCKETS.items()))  # pages may list buckets in any order
    assert within(backwards, threshold) == expected


def test_the_missing_bucket_is_named() -> None:
    """The way out of a coarse histogram is one more bucket."""
    assert coarse(BUCKETS, Fraction("0.3")) == "no bucket at 0.3 s, the nearest are 0.25 and 0.5"
    assert coarse(BUCKETS, Fraction("0.1")) == "no bucket at 0.1 s, the nearest are 0 and 0.25"
    assert coarse(BUCKETS, Fraction("0.5")) == ""


@pytest.mark.parametrize("buckets", [{Fraction(1): 5.0}, {Fraction(1): 5.0, math.inf: 4.0}])
def test_what_is_no_histogram_is_refused(buckets: dict[Bound, float]) -> None:
    """Without a last bucket, or with one that holds less than a narrower one, nothing can be said."""
    with pytest.raises(BrokenHistogram):
        within(buckets, "0.5")


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("0.3", Fraction(3, 10)),
        ("3e-1", Fraction(3, 10)),
        ("+Inf", math.inf),
        ("-Inf", None),
        ("1e999999999", None),
        ("1e-999999999", Fraction(0)),
        ("1/3", None),
        ("NaN", None),
        ("", None),
        ("wide", None),
    ],
)
def test_bounds_are_read_exactly_and_at_once(text: str, bound: Bound | None) -> None:
    """`le` is a number or nothing, whatever a page writes there."""
    assert bound_of((("code", "200"), ("le", text))) == bound
