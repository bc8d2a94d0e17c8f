"""Several runs side by side."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from slochaos.record import Result
from slochaos.reports.repeats import render_repeats, summary
from tests.unit import sample_results as samples


def shown(*results: Result, asked: int, width: int = 120) -> list[str]:
    """The lines of the table."""
    page = io.StringIO()
    render_repeats(results, Console(file=page, width=width, color_system=None), asked=asked)
    return page.getvalue().splitlines()


def test_each_run_has_a_row_with_its_worst_objective() -> None:
    """The broken one of a failed run; of a run that passed the dearest that was asked for."""
    passed, failed = summary([samples.passed_result(), samples.failed_result()])
    assert (passed.status, passed.worst_objective, passed.verdict) == (
        "passed",
        "database-error-rate",
        "kept",
    )
    assert passed.attributed_percent == pytest.approx(23.1, abs=0.1)
    assert passed.recovery_seconds == 1.8
    assert (failed.status, failed.exit_code, failed.worst_objective) == ("failed", 1, "api-success-rate")


def test_a_run_that_measured_nothing_has_a_row_too() -> None:
    """What is not known is None, never 0."""
    (row,) = summary([samples.refused_result().model_copy(update={"objectives": (), "recovery": None})])
    assert (row.status, row.worst_objective, row.cost_percent, row.recovery_seconds) == (
        "refused",
        "",
        None,
        None,
    )


@pytest.mark.parametrize("width", [60, 120])
def test_the_table_ends_with_how_many_ended_how(width: int) -> None:
    """Wide and narrow."""
    lines = shown(
        samples.passed_result(), samples.failed_result(), samples.passed_result(), asked=3, width=width
    )
    assert lines[-1] == "3 runs: 2 passed, 1 failed"
    assert sum("7f3a-91c2" in line for line in lines) == 3
    assert all(len(line) <= width for line in lines)


def test_runs_that_were_not_begun_are_said() -> None:
    """After a run that was cut short the next would mean something else."""
    text = " ".join(shown(samples.aborted_result(), asked=5))
    assert "1 of 5 runs: 1 aborted" in text
    assert "none was begun" in text
