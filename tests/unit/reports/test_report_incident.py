"""A priced interval in the terminal: dearest first, at any width, what is not sure said, the last line what next.

The whole pages are in `golden/`; `UPDATE_GOLDEN=1` writes them anew, for a person to review.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from slochaos.incident import Incident
from slochaos.reports.incident import next_step, refunded, render_incident
from tests.unit.reports.test_report_terminal import check_golden, console, written
from tests.unit.sample_incidents import api, database, incident, overspent, unpriced
from tests.unit.sample_results import DAY_S, at

CASES: dict[str, Callable[[], Incident]] = {
    "incident": incident,
    "incident-overspent": lambda: incident(overspent(), api(), unpriced()),
    "incident-without-data": lambda: incident(unpriced(), id=""),
}


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is Berlin's."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def shown(document: Incident, width: int = 130, encoding: str = "utf-8") -> str:
    """The page of one incident."""
    on = console(width, encoding)
    render_incident(document, on)
    return written(on)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("width", [80, 130])
def test_page_reads_as_reviewed(name: str, width: int) -> None:
    """Wide and narrow; times are local, with their date and zone."""
    check_golden(f"{name}-{width}", shown(CASES[name](), width))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_no_line_is_wider_than_the_terminal(name: str, width: int) -> None:
    """Everything folds, and no line ends in blanks."""
    for line in shown(CASES[name](), width).splitlines():
        assert len(line) <= width
        assert line == line.rstrip()


def test_a_terminal_without_utf_8_gets_ascii() -> None:
    """Nothing fails to be encoded."""
    assert shown(CASES["incident-overspent"](), encoding="ascii").isascii()


@pytest.mark.parametrize("name", CASES)
def test_the_last_line_says_what_next(name: str) -> None:
    """One line, whatever was found."""
    last = shown(CASES[name](), 300).splitlines()[-1]
    assert last.startswith("Next: ")


def test_what_was_not_kept_can_be() -> None:
    """And what was is shown again, by a command that finds it."""
    assert "--incident ID" in next_step(incident(id=""))
    assert "slochaos show INC-7 --environment local" in next_step(incident())
    assert next_step(incident(environment="")).endswith("slochaos show INC-7")


def test_an_unbounded_cost_is_called_that_with_its_reason() -> None:
    """No number stands where none is known."""
    page = shown(CASES["incident-overspent"](), 300)
    assert "at least 155.9 %; at most unbounded, because counter-reset: db-0 restarted" in page


def test_text_of_others_cannot_drive_the_terminal() -> None:
    """Names and labels are those of somebody else's metrics."""
    odd = database(name="\x1b[2J", reasons=("\x1b]0;title\x07",))
    assert "\x1b" not in shown(incident(odd, server="http://\x1b[31m"))


def test_refunds_name_the_day_once() -> None:
    """From when to when; a calendar's at once; nothing where nothing was spent."""
    assert refunded(database()) == "03-05 15:02 to 15:09"
    spent = database().refund
    assert spent is not None
    overnight = spent.model_copy(update={"completes": at(2 * DAY_S)})
    assert refunded(database(refund=overnight)) == "03-05 15:02 to 03-06 15:02"
    at_once = spent.model_copy(update={"completes": spent.starts})
    assert refunded(database(refund=at_once)) == "03-05 15:02"
    assert refunded(api()) == "-"
