"""What the end of a run waits for, said while it waits: which targets, for how long yet, and the way by hand.

Said at once when a signal ends the run, at each further signal, and when a target does not let go of its fault.
"""

from __future__ import annotations

import signal

from slochaos import clock
from slochaos.runner.events import UndoProgress
from slochaos.runner.state import RunState


def tell_ending(run: RunState) -> None:
    """That a signal was heard, and what is undone now. Once a run."""
    if run.findings.signal is not None and not run.ending_told:
        run.ending_told = True
        doing = "" if run.injections.open else "ending the run"
        run.stream.emit(progress(run, doing, by=signal.Signals(run.findings.signal).name))


class Waiting:
    """One wait that nobody may cut short. `doing` is what it is for, beside undoing."""

    def __init__(self, run: RunState, doing: str = "") -> None:
        self._run = run
        self._doing = doing
        self._answered = run.interrupts.asked
        self._failing = _failing(run)

    def look(self) -> None:
        """Say how far it is if somebody asks, or if an undo has just failed and is tried again."""
        asked, failing = self._run.interrupts.asked, _failing(self._run)
        if asked > self._answered or failing - self._failing:
            self._run.stream.emit(progress(self._run, self._doing))
        self._answered, self._failing = asked, failing


def progress(run: RunState, doing: str = "", by: str = "") -> UndoProgress:
    """How far the undo is, and what is waited for. `by` is the signal that is answered."""
    from slochaos.guard.injector import (
        PATIENCE_S,
    )  # the faults' libraries, in a process that rarely needs them

    states, still = run.injections.states, run.injections.still_open
    reports = [run.injections.reports[each] for each in still]
    begun = [report["times"]["undoing"][0] for report in reports if "undoing" in report["times"]]
    return UndoProgress(
        undone=len(states) - len(still),
        of=len(states),
        open=run.injections.open,
        on=tuple(str(report["target"]) for report in reports),
        tries_s=max(0.0, max(begun, default=clock.now()) + PATIENCE_S - clock.now()) if still else 0.0,
        by_hand=tuple(str(report["by_hand"]) for report in reports if report["by_hand"]),
        doing=doing,
        by=by,
    )


def _failing(run: RunState) -> set[str]:
    return {each for each, state in run.injections.states.items() if state == "failed"}
