"""The supervisor: one run as a list of named steps.

It decides, and touches no target (the guard does), executes no action (the child does) and prints nothing
(the CLI does). Whatever happens in a step, `make_safe` follows: nothing in force, nothing running.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from slochaos.errors import GuardError, SlochaosError, StateError
from slochaos.runner.bookkeeping import Bookkeeper
from slochaos.runner.ending import cut_fault_phase, finish_system, make_safe, undo_and_verify
from slochaos.runner.events import Event
from slochaos.runner.folder import new_run_id
from slochaos.runner.interrupts import Interrupted, Interrupts
from slochaos.runner.loop import while_turning
from slochaos.runner.outputs import check_outputs
from slochaos.runner.request import RunRequest
from slochaos.runner.starting import load_files, start_processes, start_system
from slochaos.runner.state import RunState
from slochaos.runner.stream import EventStream

if TYPE_CHECKING:
    from slochaos.record import Result


def run_experiment(request: RunRequest, on_event: Callable[[Event], None]) -> Result:
    """One run, whatever happens, as its record: never prints, raises StateError only when none could be made.

    `on_event` is called on a thread of its own; it may be slow or raise without harm to the run.
    An interrupted run has `status` interrupted and `exit_code` 128 + signal: the caller re-raises the
    signal after it has printed. Invalid input makes no run folder.
    """
    return run_repeatedly(request, on_event)[0]


def run_repeatedly(request: RunRequest, on_event: Callable[[Event], None]) -> tuple[Result, ...]:
    """`request.repeat` runs one after another on one start of the environment's services.

    Stops early after a run that was cut short: then the next one would mean something else.
    """
    stream, bookkeeper = EventStream(on_event), Bookkeeper()
    results: list[Result] = []
    try:
        with Interrupts() as interrupts:
            run = RunState(request, stream, interrupts, bookkeeper, request.run_id or new_run_id())
            results.append(_one(run, last=request.repeat == 1))
            while len(results) < request.repeat and run.can_be_repeated:
                run = run.next_repeat(len(results) + 1)
                results.append(_one(run, last=len(results) + 1 == request.repeat))
            with _noting_why_it_ends(run):
                finish_system(run)
            if interrupts.stop_asked:
                interrupts.stop_this_process()
    finally:
        bookkeeper.close()
        stream.close()
    return tuple(results)


def _one(run: RunState, *, last: bool) -> Result:
    with _noting_why_it_ends(run):
        if run.system_ is None:
            check_outputs(run.request)
        load_files(run)
        start_processes(run)
        # Imported here: the guard and the child have been started, and are importing too.
        from slochaos.runner import budgeting, deciding, fault, recovering

        start_system(run)
        deciding.replay_leftovers(run)
        deciding.hold_targets(run)
        budgeting.read_budget(run)
        deciding.make_plan(run)
        deciding.take_baseline(run)
        deciding.decide_by_policy(run)
        fault.open_gate(run)
        fault.run_experiment_and_watch(run)
        undo_and_verify(run)
        recovering.await_recovery(run)
    with _noting_why_it_ends(run):
        make_safe(run)
        cut_fault_phase(run)
    from slochaos.runner.recording import record, record_provisionally

    ends = last or not run.can_be_repeated
    with _noting_why_it_ends(run):
        if ends:
            while_turning(run, lambda: record_provisionally(run), beating=True)
    with _noting_why_it_ends(run):
        if ends:
            finish_system(run)
    recorded: list[Result] = []
    with _noting_why_it_ends(run):
        while_turning(run, lambda: recorded.append(record(run)), beating=True)
    if not recorded:
        why = "; ".join(run.findings.errors) or "nothing says why"
        raise StateError(
            f"run {run.id} ended without a record: {why}",
            hint="slochaos status shows what is in force; defect.txt in the run's folder says more",
        )
    return recorded[0]


@contextlib.contextmanager
def _noting_why_it_ends(run: RunState) -> Iterator[None]:
    """Every way in which a step can end a run, as a finding. The border where nothing escapes."""
    try:
        yield
    except GuardError as error:
        run.lose_guard(error)
    except (Interrupted, SlochaosError) as error:
        run.findings.add(error)
    except Exception as error:  # noqa: BLE001 - a defect of ours must still undo, record and exit with 7
        run.findings.add(error)
        if run.folder is not None:
            with contextlib.suppress(StateError):
                run.folder.write("defect.txt", traceback.format_exc())
