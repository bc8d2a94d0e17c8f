"""The end of the fault: close the gate, undo, verify, end the child's tree, and say what that end means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from slochaos import clock
from slochaos.errors import GuardError, Refused
from slochaos.guard import wire
from slochaos.guard.connection import InjectionState
from slochaos.runner import events
from slochaos.runner.command import CommandProcess
from slochaos.runner.in_force import note_what_was_not_in_force
from slochaos.runner.loop import take_child_events, take_guard_events, while_turning
from slochaos.runner.sampling import sampled_after
from slochaos.runner.state import RunState
from slochaos.runner.timeline import fault_span
from slochaos.runner.waiting import tell_ending

_FINISHING = "releasing the targets and stopping what the run started"


def undo_and_verify(run: RunState) -> None:
    """Close the gate, undo what is open, verify; then end the child's tree and take the sample after."""
    run.stream.emit(events.StepStarted(step="undo"))
    make_safe(run)
    _explain_ending(run)
    cut_fault_phase(run)


def cut_fault_phase(run: RunState) -> None:
    """S0 and S1: the last sample before the first intent, the first one after the last verified undo."""
    span = fault_span(run.injections, run.toolkit, foreign=run.foreign)
    if run.sampler is None or span is None or run.s1 is not None:
        return
    begin, end = span
    run.undone = end or (clock.now(), clock.wall())
    run.s0 = run.sampler.cut_before(begin)
    run.s1 = sampled_after(run, run.sampler, run.undone[0])


def make_safe(run: RunState) -> None:
    """Nothing in force, nothing running: undo, verify, then end the child's tree. Safe to call again.

    Raises UndoFailed when a fault may still be in force.
    """
    tell_ending(run)
    try:
        # A failed undo was tried for long enough; what remains is said with the command that removes it.
        if run.system_ is not None and not run.system.closed and not run.findings.undo_failed:
            _undo(run)
            _note_early_end(run)
    finally:
        if run.executor is not None:
            take_child_events(run)
            if isinstance(run.executor, CommandProcess):
                run.executor.signal = run.findings.signal or run.executor.signal
            while_turning(run, run.executor.end, beating=True, doing="ending the experiment's process")
            take_child_events(run)


def finish_system(run: RunState) -> None:
    """Stop sampling and the services, release the locks, end the guard. Safe to call again. Raises UndoFailed."""
    system = run.system_
    if system is None or system.closed:
        return
    try:
        if system.sampler is not None:
            while_turning(run, system.sampler.stop, beating=True)
        if not system.guard_lost:
            while_turning(run, system.guard.finish, doing=_FINISHING)
    except GuardError as error:
        run.lose_guard(error)
    system.closed = True
    if system.guard_lost:
        while_turning(run, system.guard.take_over, doing=_FINISHING)


def _undo(run: RunState) -> None:
    try:
        if not run.system.guard_lost:
            _undo_by_guard(run)
        if run.system.guard_lost:
            _undo_by_ourselves(run)
    finally:
        for each in run.final_injections:
            if each.undone is not None:
                run.injections.undone_at.setdefault(each.id, each.undone)
            if each.intended is not None and run.injections.first_intended is None:
                run.injections.first_intended = each.intended[0]


def _undo_by_guard(run: RunState) -> None:
    guard = run.system.guard
    try:
        try:
            while_turning(run, guard.undo_all)
        finally:
            take_guard_events(run)
            run.final_injections = _own(run, guard.injections())
    except GuardError as error:
        run.lose_guard(error)


def _undo_by_ourselves(run: RunState) -> None:
    """The guard is dead or silent: end the child, claim the undo log, undo. Raises UndoFailed."""
    if run.executor is not None:
        run.executor.end()
    take_guard_events(run)
    if run.injections.guard_ended and not run.stopped_s:
        run.findings.errors.append(f"the guard had ended the run: {run.injections.guard_ended}")
    known = {each.id: each for each in map(InjectionState.from_report, run.injections.reports.values())}
    run.final_injections = tuple(known.values())
    states: list[InjectionState] = []
    while_turning(run, lambda: states.extend(run.system.guard.take_over()))
    taken = {each.id: each for each in _own(run, states)}
    # What the log does not hold any more, the guard had finished before it went.
    finished = {each.id: each if each.finished else replace(each, state="undone") for each in known.values()}
    run.final_injections = tuple({**finished, **taken}.values())


def _note_early_end(run: RunState) -> None:
    """A guard that ends the run by itself stops the services too: what is measured then shows nothing."""
    if run.injections.guard_ended and not run.findings.errors:
        run.findings.errors.append(f"the guard ended the run early: {run.injections.guard_ended}")


def _own(run: RunState, states: Iterable[InjectionState]) -> tuple[InjectionState, ...]:
    return tuple(state for state in states if state.id not in run.injections_before)


def _explain_ending(run: RunState) -> None:
    """What the child's end means when nobody aborted it. Raises Refused when nothing was injected."""
    toolkit, injections = run.toolkit, run.injections
    if injections.guard_ended or run.abort is not None:
        return
    if isinstance(run.executor, CommandProcess) and run.executor.failure:
        run.findings.not_in_force.append(run.executor.failure)
    if injections.first_intended is None and injections.refused:
        raise wire.error_from_json(injections.refused[0].detail)
    if toolkit.failed:
        run.findings.errors.append(f"Chaos Toolkit failed: {toolkit.failed}")
    elif not toolkit.status:
        run.findings.errors.append("the process that executes the experiment died")
    elif toolkit.status == "interrupted":
        run.findings.aborted.append("the experiment was interrupted by a control, a safeguard or a signal")
    elif toolkit.status == "aborted":
        run.findings.errors.append("Chaos Toolkit aborted the experiment: see chaostoolkit.log")
    elif toolkit.met_before is False:
        raise Refused(
            "the steady-state hypothesis did not hold before the method, so nothing was injected",
            hint="repair the system first; journal.json says which probe failed",
            reason="hypothesis",
        )
    note_what_was_not_in_force(run)
