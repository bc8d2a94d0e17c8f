"""What reports say where a recovery or a reason is not known."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from slochaos.record import Phase, Recovery
from slochaos.reports import html, phrases
from slochaos.reports.phrases import about
from slochaos.reports.story import next_step, recovered, status_word
from slochaos.reports.terminal import render
from tests.unit import sample_results as samples

LOST = "source app: r_total fell from 8185 to 4092 while its process start stands still"


def unrecovered(*, seen: tuple[str, ...] = (), unknown: tuple[str, ...] = ()) -> str:
    """What is said of the passed run if these were seen not to recover, and of those nothing could be seen."""
    recovery = Recovery(seconds=None, resolution_seconds=0.25, not_recovered=seen, unknown=unknown)
    return recovered(samples.passed_result(recovery=recovery))


def test_a_recovery_that_nothing_could_show_is_unknown() -> None:
    """NOT RECOVERED is said of what was watched, by name, and not of what could not be counted or saw no traffic."""
    everything = tuple(each.name for each in samples.passed_result().objectives)
    assert unrecovered(seen=everything) == "NOT RECOVERED while it was watched"
    assert unrecovered(unknown=everything) == "whether it recovered is not known"
    assert unrecovered(seen=("api", "db")) == "NOT RECOVERED while it was watched: api and db"
    assert unrecovered(unknown=("api",)) == "whether api recovered is not known"
    both = unrecovered(seen=("api",), unknown=("db", "queue", "cache"))
    assert both == "NOT RECOVERED while it was watched: api (not known of db, queue and cache)"


def test_a_record_that_names_none_says_what_it_knows() -> None:
    """Records of older versions have no names."""
    assert unrecovered() == "NOT RECOVERED while it was watched"


@pytest.mark.parametrize(
    ("interval", "left", "shown"),
    [
        (None, "75 %", ""),
        ((25.0, 25.0), "75 %", ""),
        ((0.25, 25.0), "75 %", "(75.0-99.8)"),
        ((0.25, None), "at most 99.75 %", ""),
        ((120.0, None), "overspent by at least 20 %", ""),
    ],
)
def test_what_is_left_has_the_range_of_what_was_spent(
    interval: tuple[float, float | None] | None, left: str, shown: str
) -> None:
    """A single number only where the cost is one; without an upper end of the cost, what is left has no lower end."""
    charge = samples.charge(
        25, allowed=0.01, window_events=10_000, window_s=3600, consumed_after_percent_interval=interval
    )
    assert (phrases.left(charge), phrases.left_range(charge)) == (left, shown)


def test_what_is_left_may_be_less_than_nothing() -> None:
    """The range of a budget that is overspent at one end reads so."""
    charge = samples.charge(
        110, allowed=0.01, window_events=10_000, window_s=3600, consumed_after_percent_interval=(1.1, 110.0)
    )
    assert (phrases.left(charge), phrases.left_range(charge)) == ("overspent by 10 %", "(-10.0 to 98.9)")


def test_both_pages_show_the_range() -> None:
    """The terminal's table and report.html."""
    doubtful = samples.charge(
        250, allowed=0.01, window_events=1e5, window_s=3600, consumed_after_percent_interval=(1.5, 25.0)
    )
    result = samples.passed_result(objectives=(samples.database(charge=doubtful),))
    out = io.StringIO()
    render(result, Console(file=out, width=160))
    assert "75 % (75.0-98.5)" in out.getvalue()
    assert "(75.0-98.5)" in html.render(result)


def test_every_fault_of_several_shows_how_it_was_seen() -> None:
    """What nothing showed in force comes first: that is what one has to look at."""
    seen = samples.injection(name="network slow", evidence="9 of 9 canaries took 250 ms")
    unseen = samples.injection(id="2", name="cache down", evidence="")
    out = io.StringIO()
    render(samples.passed_result(injections=(seen, unseen)), Console(file=out, width=130))
    lines = [line.strip() for line in out.getvalue().splitlines()]
    first = lines.index("never seen in force: cache down")
    assert lines[first + 1] == "in force: network slow: 9 of 9 canaries took 250 ms"


def test_a_provisional_record_is_called_so() -> None:
    """Its verdicts stand, and the next step says what it means that it was never replaced; a fault comes first."""
    run = samples.passed_run(status="error", exit_code=7, provisional=True)
    assert status_word(samples.passed_result(run=run)) == "ERROR (provisional)"
    assert next_step(samples.passed_result(run=run)).startswith("if it does not run any more")

    run = samples.passed_run(status="undo-failed", exit_code=6, provisional=True)
    assert next_step(samples.passed_result(run=run)).startswith("remove the fault now")


def test_a_reason_is_told_once() -> None:
    """The phase's own reason is that of the decision, led by a word for machines."""
    [first, *_] = samples.passed_result().objectives
    lost = Phase(from_="", to="", reason=f"several-processes: {LOST}")
    objective = first.model_copy(
        update={"verdict": "unproven", "reason": f"{first.name}: {LOST}", "phases": {"fault": lost}}
    )
    assert about(objective) == f"{first.name}: {LOST}"


def test_an_objective_without_a_budget_says_why() -> None:
    """It was counted, and of nothing that was only observed would the table say what is missing."""
    reason = "api: 99 % (1 bad of 100); nothing was charged: how many events its budget's window has is not certain"
    uncharged = samples.latency(charge=None, reason=reason)
    assert about(uncharged).endswith(reason)
    assert about(samples.latency()) == ""
