"""Whether each fault was in force for as long as it was meant to be: what a verdict on it can be based on.

The guard looks at a fault four times a second while it holds it. A fault that no look found, or fewer than
SHARE_NEEDED of them, leaves the run inconclusive: a system that withstood a fifth of a fault has shown
nothing of how it withstands all of it. Anything less than a fault's planned time, or more, is a note.
"""

from __future__ import annotations

from slochaos.guard.connection import InjectionState
from slochaos.runner.state import RunState

SHARE_NEEDED = 0.8
"""Of the looks at a fault: one blind look in a fault of two seconds is no reason to doubt it."""
SHARE_NOTED = 0.95
_PUNCTUAL_S = 1.0
"""What an undo may take, and its thread may come late, before it is worth a word."""


def note_what_was_not_in_force(run: RunState) -> None:
    """Faults that were refused after others had begun, that never came, and that were not in force as planned."""
    injections, findings = run.injections, run.findings
    for event in injections.refused if injections.first_intended is not None else ():
        if message := event.detail.get("message"):  # the injection's own event tells its state only
            name = injections.name_of(event.injection, str(event.detail.get("name")))
            findings.not_in_force.append(f"{name}: {message}")
    if run.system.experiment.faults and injections.first_intended is None and not findings.errors:
        findings.not_in_force.append("no fault was injected: see chaostoolkit.log")
    if run.request.placebo:
        return  # there is nothing to be seen
    for state in run.final_injections:
        if "applied" in state.times and state.kind != "nothing":
            _judge_looks(run, state)
            _note_time(run, state)


def _judge_looks(run: RunState, state: InjectionState) -> None:
    """How many of the looks found it: none, too few, or fewer than all."""
    name = run.injections.name_of(state.id, state.name)
    if not state.seen:
        looks = state.evidence or "no look at it was answered"
        run.findings.not_in_force.append(f"{name} was never seen to be in force ({looks})")
        return
    share = state.seen / state.looks
    if share >= SHARE_NOTED:
        return
    why = f"; {state.detail}" if state.state in ("gone", "superseded") and state.detail else ""
    said = f"{name} was seen in force for {100 * share:.0f} % of its time only ({state.evidence}{why})"
    (run.findings.not_in_force if share < SHARE_NEEDED else run.notes).append(said)


def _note_time(run: RunState, state: InjectionState) -> None:
    """How far its end was from the planned one. What the experiment itself ends early is no reason for doubt."""
    due, applied, undone = run.injections.ends_at.get(state.id), state.applied, state.undone
    if due is None or applied is None or undone is None:
        return
    begun = state.times.get("undoing", undone)[0]
    planned, held = f"{due - applied[0]:g} s", undone[0] - applied[0]
    name = run.injections.name_of(state.id, state.name)
    if undone[0] - due > _PUNCTUAL_S:
        run.notes.append(
            f"{name} was in force for {held:.1f} s instead of {planned}: "
            f"its undo was verified {undone[0] - due:.1f} s after it was due"
        )
    elif begun < due - _PUNCTUAL_S:
        run.notes.append(f"{name} was undone after {held:.1f} s of the planned {planned}")
