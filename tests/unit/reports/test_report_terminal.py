"""A run in the terminal: readable at a glance, at any width, and safe whatever a record holds.

The whole pages are in `golden/`; `UPDATE_GOLDEN=1` writes them anew, for a person to review.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from slochaos.ledger.rows import BudgetRow, HistoryRow, IncidentRow, OverrideRow, Refund
from slochaos.record import Plan, Result
from slochaos.reports.terminal import render, render_budget, render_history, render_plan
from tests.unit import sample_results as samples

GOLDEN = Path(__file__).parent / "golden"

CASES: dict[str, Callable[[], Result]] = {
    "passed": samples.passed_result,
    "placebo": samples.placebo_result,
    "failed": samples.failed_result,
    "undo-failed": samples.undo_failed_result,
    "refused": samples.refused_result,
    "aborted": samples.aborted_result,
    "inconclusive": samples.inconclusive_result,
    "interrupted": samples.interrupted_result,
}


def console(width: int = 130, encoding: str = "utf-8") -> Console:
    """A console without colours that writes to memory."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    return Console(file=file, width=width, color_system=None, highlight=False)


def written(on: Console) -> str:
    """What was printed on it."""
    file = on.file
    assert isinstance(file, io.TextIOWrapper)
    file.flush()
    assert isinstance(file.buffer, io.BytesIO)
    return file.buffer.getvalue().decode(file.encoding)


def shown(result: Result, width: int = 130, encoding: str = "utf-8") -> str:
    """The page of one run."""
    on = console(width, encoding)
    render(result, on)
    return written(on)


def check_golden(name: str, text: str) -> None:
    """Compare with the reviewed page of that name."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


def rows() -> list[HistoryRow | IncidentRow]:
    """Three runs, one that passed, one refused, one that still runs, and two incidents."""
    start = datetime(2025, 3, 4, 14, 2, tzinfo=UTC)
    end = datetime(2025, 3, 4, 14, 3, 12, tzinfo=UTC)
    costs = (("database-error-rate", 23.1), ("api-success-rate", 0.0))
    return [
        HistoryRow("9c0d-1111", "db_outage", "local", start, None, "running", None, "", False),
        HistoryRow("7f3a-91c2", "db_outage", "local", start, end, "passed", 0, "", False, costs),
        IncidentRow("INC-7", "local", "http://prometheus:9090", start, end, end, costs),
        HistoryRow("11aa-22bb", "db_latency", "preview", start, end, "refused", 4, "lock-held", True),
        IncidentRow("INC-6", "", "http://prometheus:9090", start, end, end),
    ]


def budgets() -> list[BudgetRow]:
    """One objective that runs and an incident charged, one that was left alone."""
    seen, back = datetime(2025, 3, 4, 14, 3, tzinfo=UTC), datetime(2025, 3, 5, 14, 3, tzinfo=UTC)
    charged = BudgetRow(
        "database-error-rate",
        "< 0.1 %",
        "24h",
        2,
        11_880.0,
        46.2,
        53.8,
        seen,
        "b",
        (Refund("a", back, 23.1),),
        1,
        4.2,
    )
    spared = BudgetRow("api-success-rate", "99.9 %", "7d", 0, 0.0, 0.0, 100.0, seen, "b")
    return [charged, spared]


def overridden() -> OverrideRow:
    """A run that went on although its budget was used up."""
    used, until = datetime(2025, 3, 4, 14, 2, tzinfo=UTC), datetime(2025, 3, 4, 18, 0, tzinfo=UTC)
    objection = "database-error-rate has used 103 % of its day: no chaos until it refills"
    return OverrideRow("7f3a-91c2", "database-error-rate", "ada", "game day 12", objection, until, used)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No report.html of a real run is found beside the tests."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("width", [80, 130])
def test_page_of_each_ending_reads_as_reviewed(name: str, width: int) -> None:
    """Each way a run can end has its page, wide and narrow."""
    check_golden(f"{name}-{width}", shown(CASES[name](), width))


@pytest.mark.parametrize("width", [80, 130])
def test_other_pages_read_as_reviewed(width: int) -> None:
    """Plan, history and budget, wide and narrow."""
    on = console(width)
    render_plan(samples.sample_plan(), on, title="db_outage on local")
    render_history(rows(), on)
    render_budget(budgets(), on, overrides=[overridden()], environment="local", scope="run")
    check_golden(f"pages-{width}", written(on))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_only_commands_to_copy_are_wider_than_the_terminal(name: str, width: int) -> None:
    """Everything else folds, and no line ends in blanks."""
    result = CASES[name]()
    commands = {injection.by_hand for injection in result.injections}
    for line in shown(result, width).splitlines():
        assert len(line) <= width or line.strip() in commands
        assert line == line.rstrip()


@pytest.mark.parametrize("width", [120, 140])
def test_wide_terminals_get_one_row_per_objective(width: int) -> None:
    """From 120 columns on the objectives are a table with its head."""
    assert "OBJECTIVE" in shown(samples.passed_result(), width)


def test_worst_row_comes_first_when_failing() -> None:
    """The broken rule is the first row below the head, whatever the order of the objectives."""
    lines = shown(samples.failed_result()).splitlines()
    head = next(number for number, line in enumerate(lines) if line.startswith("OBJECTIVE"))
    assert lines[head + 1].startswith("x api-success-rate")


@pytest.mark.parametrize("name", CASES)
def test_last_line_says_what_to_do_next(name: str) -> None:
    """Whoever reads only the end knows how to go on."""
    assert "Next: " in "".join(shown(CASES[name](), 200).splitlines()[-1:])


def test_command_by_hand_stands_whole_on_its_line() -> None:
    """What removes a fault that may still be in force can be copied, however narrow the terminal is."""
    text = shown(samples.undo_failed_result(), 60)
    assert "A FAULT MAY STILL BE IN FORCE" in text
    assert samples.injection().by_hand in [line.strip() for line in text.splitlines()]
    assert "slochaos recover --run 7f3a-91c2" in text


def test_terminal_without_utf8_gets_plain_ascii() -> None:
    """Bars and signs have spellings, and nothing fails to encode."""
    text = shown(
        samples.passed_result(run=samples.passed_run(experiment="ausfall-prüfung")), encoding="ascii"
    )
    assert "##" in text
    assert "+-0.25" in text
    assert "ausfall-pr?fung" in text


def test_control_characters_of_others_never_reach_the_terminal() -> None:
    """Titles, evidence and errors cannot move the cursor, set colours, or turn the text around."""
    evil = "a\x1b[31m\x07b\r\nc\u202ed"
    stuck = samples.injection(evidence=evil, detail=evil, by_hand=evil, undo="failed")
    run = samples.passed_run(experiment=evil, reason=evil, hint=evil, host=evil)
    text = shown(samples.passed_result(run=run, injections=(stuck,), notes=(evil,)))
    assert not [c for c in text if c != "\n" and not c.isprintable()]


def test_markup_of_others_is_text() -> None:
    """Rich's own markup in a name is shown, not obeyed."""
    text = shown(
        samples.passed_result(run=samples.passed_run(experiment="[bold]x[/bold] [link=http://e]y[/link]"))
    )
    assert "[bold]x[/bold] [link=http://e]y[/link]" in text


def test_report_is_named_where_it_is(tmp_path: Path) -> None:
    """The last line has the report's path as one would type it here."""
    report = tmp_path / ".slochaos" / "runs" / "7f3a-91c2" / "report.html"
    report.parent.mkdir(parents=True)
    report.touch()
    assert shown(samples.passed_result()).rstrip().endswith("open .slochaos/runs/7f3a-91c2/report.html")


def test_colours_only_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets colours, NO_COLOR takes them away, and the words alone still say everything."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain = io.StringIO(), io.StringIO()
    settings = {"force_terminal": True, "color_system": "standard", "width": 130}
    render(samples.failed_result(), Console(file=coloured, no_color=False, **settings))  # type: ignore[arg-type]
    monkeypatch.setenv("NO_COLOR", "1")
    render(samples.failed_result(), Console(file=plain, **settings))  # type: ignore[arg-type]
    assert "\x1b[1;31m" in coloured.getvalue()
    assert "[1;31m" not in plain.getvalue()


def test_run_killed_before_anything_was_known_renders() -> None:
    """The guard's minimal record of a killed run, without an end or an objective, is a page too."""
    bare = Result(
        run=samples.passed_run(status="error", exit_code=7, ended="", reason="the supervisor was killed")
    )
    assert "the supervisor was killed" in shown(bare)


def test_only_a_floor_can_hold_again() -> None:
    """What a run lets one expect of the next is said of floors; a cost is a count of this run."""
    cost_only = samples.database(would_hold_again="at most 98.7 % bad at 95 %, if failures are independent")
    text = shown(samples.passed_result(objectives=(samples.api(), cost_only)))
    assert text.count("Would it hold again?") == 1


def test_plan_without_a_measured_baseline_has_no_expectation() -> None:
    """A column of which nothing is known is left out."""
    on = console()
    forecast = tuple(f.model_copy(update={"expected_percent": None}) for f in samples.sample_plan().forecast)
    render_plan(Plan(forecast=forecast), on)
    assert "WORST COST" in written(on)
    assert "EXPECTED" not in written(on)


def test_nothing_to_show_says_so() -> None:
    """Empty pages are sentences."""
    on = console()
    render_plan(Plan(), on)
    render_history([], on)
    render_budget([], on, environment="local")
    assert "No run yet" in written(on)
    assert "No run has been charged in local yet." in written(on)
