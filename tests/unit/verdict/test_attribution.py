"""What the fault caused, net of the baseline."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.verdict.attribution import attribute, census
from slochaos.verdict.counts import Tally


def test_a_clean_baseline_leaves_nearly_everything_to_the_fault() -> None:
    """5,940 failures after 15 clean seconds: all attributed, and at least all but a handful for sure."""
    found = attribute(Tally.exactly(5_940, 6_600), Tally.exactly(0, 4_500), 22.0, 15.0)
    assert found.bad == 5_940
    assert found.interval[0] == pytest.approx(5_935.6, abs=0.1)
    assert found.interval[1] == 5_940


def test_a_noisy_baseline_explains_a_small_count() -> None:
    """3 bad in 20 s before and 7 in 50 s after: nothing is shown to come from the fault."""
    found = attribute(Tally.exactly(7, 15_000), Tally.exactly(3, 6_000), 50.0, 20.0)
    assert found.bad == 0
    assert found.interval[0] == 0


def test_without_a_baseline_nothing_is_certain() -> None:
    """Without a baseline the estimate is everything and the least is nothing."""
    found = attribute(Tally.exactly(9, 100), None, 20.0, 0.0)
    assert (found.bad, found.interval) == (9, (0.0, 9))


def test_uncertain_counts_widen_the_interval() -> None:
    """The least takes the fewest of the fault and the most of the baseline; the most has no end after a reset."""
    certain = attribute(Tally.exactly(100, 1_000), Tally.exactly(5, 1_000), 20.0, 20.0)
    vague = attribute(
        Tally(100, 1_000, 80, math.inf, 1_000, math.inf), Tally(5, 1_000, 0, 12, 1_000, 1_000), 20.0, 20.0
    )
    assert vague.interval[0] < certain.interval[0]
    assert vague.interval[1] == math.inf


def test_a_baseline_that_may_hold_anything_leaves_no_least() -> None:
    """After a reset in the baseline nothing is shown to come from the fault."""
    found = attribute(Tally.exactly(50, 100), Tally(1, 10, 1, math.inf, 10, math.inf), 1.0, 1.0)
    assert found.interval[0] == 0


def test_slices_are_counted_not_inferred() -> None:
    """A census attributes what it counted, within the doubt of the count."""
    assert census(Tally(1, 3, 1, 2, 3, 3)).interval == (1, 2)


@given(st.integers(0, 5_000), st.integers(0, 500), st.floats(1, 600), st.floats(1, 600))
def test_the_estimate_lies_in_its_interval(
    bad: int, before: int, charged_s: float, baseline_s: float
) -> None:
    """0 <= least <= estimate <= most <= what was counted."""
    found = attribute(Tally.exactly(bad, 10_000), Tally.exactly(before, 10_000), charged_s, baseline_s)
    assert 0 <= found.interval[0] <= found.bad <= found.interval[1] <= bad


def test_the_least_is_too_high_in_at_most_one_run_of_twenty() -> None:
    """A fault that doubles the rate: the expected caused share is below the least in at most 5 % of runs."""
    random = np.random.default_rng(3)
    before, after = random.poisson(20, 1_000), random.poisson(60, 1_000)
    missed = 0
    for b, a in zip(before.tolist(), after.tolist(), strict=True):
        least = attribute(Tally.exactly(a, 10_000), Tally.exactly(b, 10_000), 30.0, 20.0).interval[0]
        missed += least > a * 0.5
    assert missed / 1_000 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 1_000)


def test_only_certain_failures_of_the_baseline_are_usual() -> None:
    """A series of failures that appears at 4,000 in the baseline explains none of the fault's for sure."""
    born = Tally(4_000, 4_200, 0, 4_000, 200, 4_200)
    found = attribute(Tally.exactly(200, 210), born, 6.0, 4.0)
    assert (found.bad, found.interval) == (200, (0, 200))
