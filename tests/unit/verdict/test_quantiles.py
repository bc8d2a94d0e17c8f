"""Quantiles of histograms: between two bounds, as far as buckets tell."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.verdict.quantiles import quantile

BOUNDS = (0.1, 0.25, 0.5, math.inf)
P95 = Fraction(95, 100)


def test_a_quantile_is_the_bucket_that_holds_it() -> None:
    """90 % at or below 0.1 s and the rest up to 0.5 s: the 95th percentile is anything from 0.25 to 0.5 s."""
    assert quantile(BOUNDS, (90, 90, 100, 100), P95) == (0.25, 0.5)


def test_above_the_last_bound_there_is_no_upper_end() -> None:
    """A tenth of the requests took longer than the histogram can tell: as likely 0.6 s as 30 s."""
    assert quantile(BOUNDS, (90, 90, 90, 100), P95) == (0.5, math.inf)


def test_the_lowest_bucket_begins_at_nothing() -> None:
    """All within the first bound."""
    assert quantile(BOUNDS, (100, 100, 100, 100), P95) == (0.0, 0.1)


def test_a_rank_that_is_met_exactly_is_within_the_bound() -> None:
    """95 of 100 within 0.1 s are the 95th percentile, without a float's error."""
    assert quantile(BOUNDS, (95, 100, 100, 100), P95) == (0.0, 0.1)


def test_without_observations_there_is_no_quantile() -> None:
    """Missing is not 0."""
    assert quantile(BOUNDS, (0, 0, 0, 0), P95) is None


def test_counts_have_to_be_as_many_as_bounds() -> None:
    """Otherwise a bucket would be read as another."""
    with pytest.raises(ValueError, match="3 counts for 4 bounds"):
        quantile(BOUNDS, (1, 2, 3), P95)


@given(
    st.lists(st.sampled_from([0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 30.0]), min_size=1, max_size=60),
    st.fractions(min_value=Fraction(1, 100), max_value=1),
)
def test_the_true_quantile_is_in_its_bucket(took: list[float], share: Fraction) -> None:
    """Whatever the latencies were: the nearest-rank quantile lies between the two bounds."""
    counts = [sum(each <= bound for each in took) for bound in BOUNDS]
    truth = sorted(took)[math.ceil(share * len(took)) - 1]
    found = quantile(BOUNDS, counts, share)
    assert found is not None
    assert found[0] < truth <= found[1]
