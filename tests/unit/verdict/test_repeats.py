"""What one run, or several, let one expect of the next."""

from __future__ import annotations

import pytest

from slochaos.measurement.samples import NoData
from slochaos.verdict.counts import Tally
from slochaos.verdict.repeats import would_hold_again


def test_one_clean_run_bounds_the_next_if_failures_are_independent() -> None:
    """The bound comes with its assumption."""
    assert (
        would_hold_again(Tally.exactly(0, 6_012)) == "at most 0.05 % bad at 95 %, if failures are independent"
    )


@pytest.mark.parametrize(("runs", "least"), [(12, "77.9 %"), (7, "65.2 %")])
def test_repeats_bound_how_often_it_holds(runs: int, least: str) -> None:
    """12 of 12 is at least 77.9 %, 7 of 7 at least 65.2 %."""
    assert would_hold_again(NoData("gap"), runs, runs) == (
        f"held in {runs} of {runs} runs, so at least {least} of such runs do"
    )


def test_a_run_without_data_lets_one_expect_nothing() -> None:
    """Nothing can be said."""
    assert would_hold_again(NoData("gap")) == ""
    assert would_hold_again(Tally.exactly(0, 0)) == ""


def test_runs_that_all_failed_promise_nothing() -> None:
    """0 of 3: the count alone."""
    assert would_hold_again(NoData("gap"), 0, 3) == "held in 0 of 3 runs"
