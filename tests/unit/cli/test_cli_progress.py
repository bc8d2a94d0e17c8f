"""What the progress of a run shows."""

from __future__ import annotations

import io
import threading

import pytest
from rich.console import Console

from slochaos.cli.live_screen import LiveScreen
from slochaos.cli.progress import PlainLines, Progress, lines_about
from slochaos.runner import events

STARTED = events.RunStarted(run="7f3a-91c2", title="db_outage", environment="local", folder="f")
MEASURED = events.Measured(
    phase="fault",
    elapsed_s=12.0,
    left_s=8.0,
    readings=(
        events.Reading("api-success-rate", good=2310, total=2310, cost_percent=0.0, limit_percent=5.0),
        events.Reading("database-error-rate", good=0, total=1200, cost_percent=12.5, limit_percent=40.0),
        events.Reading("availability", good=None, total=None, reason="no minute has ended yet"),
    ),
    in_force=("database unreachable",),
)


def test_a_log_gets_one_line_per_step_and_change_and_none_per_measurement() -> None:
    """Steps, faults and aborts are worth a line; four measurements a second are not."""
    assert lines_about(events.StepStarted(step="baseline", seconds=15.0)) == ["  baseline, 15 s"]
    detail = {"name": "database unreachable", "evidence": "9 of 9 refused"}
    changed = events.InjectionChanged(injection="1", state="undone", detail=detail)
    assert lines_about(changed) == ["  undone: database unreachable (9 of 9 refused)"]
    assert lines_about(events.AbortDecided(condition="cost above 5 %")) == ["  aborting: cost above 5 %"]
    assert lines_about(events.InjectionChanged(injection="1", state="intended")) == []
    assert lines_about(MEASURED) == []


def test_the_live_display_shows_phase_time_left_objectives_and_what_is_in_force() -> None:
    """Everything that decides whether to press Ctrl-C is on the screen at once."""
    out = io.StringIO()
    screen = LiveScreen(Console(file=out, force_terminal=True, width=100, height=30, color_system=None))
    screen.show(STARTED)
    screen.show(MEASURED)
    screen.close()
    shown = out.getvalue()
    for part in (
        "db_outage   local   run 7f3a-91c2",
        "fault: 12 s, 8 s left",
        "in force: database unreachable",
        "1,200 of 1,200",
        "12.50 %",
        "no minute has ended yet",
    ):
        assert part in shown


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """With --quiet only the result is printed."""
    with Progress(quiet=True) as progress:
        progress.on_event(STARTED)
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_progress_is_plain_lines_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No escape sequence, nothing on standard output."""
    with Progress(quiet=False) as progress:
        progress.on_event(STARTED)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "run 7f3a-91c2: db_outage, on local, folder f\n")


def test_a_screen_that_is_stuck_never_holds_up_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events are dropped, and the end does not wait for the screen."""
    stuck = threading.Event()

    class Stuck:
        def show(self, event: events.Event) -> None:
            stuck.wait()

        def close(self) -> None:
            return

    monkeypatch.setattr("slochaos.cli.progress._screen", lambda terminal, redrawn: Stuck())
    monkeypatch.setattr("slochaos.cli.progress._LAST_DRAWING_S", 0.05)
    with Progress(quiet=False) as progress:
        for _ in range(1000):
            progress.on_event(MEASURED)
    stuck.set()


def test_progress_of_an_undo_says_what_it_waits_for_and_the_way_by_hand() -> None:
    """Target, time left and the command, each where it is looked for; and what else is going on."""
    waiting = events.UndoProgress(
        undone=1,
        of=2,
        open=("slow",),
        on=("toxiproxy shop",),
        tries_s=27.4,
        by_hand=("curl -X DELETE http://127.0.0.1:8474/x",),
        by="SIGTERM",
    )
    assert lines_about(waiting) == [
        "  SIGTERM: undone: 1 of 2; trying slow on toxiproxy shop for up to 27 s",
        "    by hand: curl -X DELETE http://127.0.0.1:8474/x",
    ]
    nothing = events.UndoProgress(undone=0, of=0, doing="ending the run", by="SIGINT")
    assert lines_about(nothing) == ["  SIGINT: nothing is in force; ending the run"]
    done = events.UndoProgress(undone=2, of=2, doing="stopping what the run started")
    assert lines_about(done) == ["  undone: 2 of 2; stopping what the run started"]


def test_the_live_display_shows_the_whole_command_that_removes_a_fault_by_hand() -> None:
    """It is wrapped, not cut: half a command is of no use."""
    out = io.StringIO()
    screen = LiveScreen(Console(file=out, force_terminal=True, width=40, height=30, color_system=None))
    screen.show(
        events.UndoProgress(undone=0, of=1, open=("a",), on=("b",), by_hand=("curl " + "x" * 60 + "END",))
    )
    screen.close()
    assert "END" in out.getvalue()


@pytest.mark.parametrize("display", ["lines", "live"])
def test_a_name_cannot_write_lines_of_its_own(display: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A line break or an escape sequence in an activity's name arrives as a mark that something was there."""
    out = io.StringIO()
    terminal = Console(file=out, force_terminal=True, width=100, height=30, color_system=None)
    screen = PlainLines() if display == "lines" else LiveScreen(terminal)
    name = "x\n  undone: y\x1b[2J"
    screen.show(events.InjectionChanged(injection="1", state="undone", detail={"name": name}))
    screen.close()
    shown = capsys.readouterr().err + out.getvalue()
    assert "undone: x�  undone: y�[2J" in shown
    assert "\x1b[2J" not in shown
