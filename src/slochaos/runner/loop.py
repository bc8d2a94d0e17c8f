"""The supervisor's loop: each turn waits for news, shows the guard that we live, and takes in what happened.

Heartbeats come from here and nowhere else, so that a supervisor that stops evaluating also stops beating.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from slochaos import clock
from slochaos.errors import GuardError
from slochaos.guard.connection import GuardEvent
from slochaos.runner.events import InjectionChanged, ToolkitEvent
from slochaos.runner.state import RunState
from slochaos.runner.waiting import Waiting

T = TypeVar("T")

TURN_S = 0.02
_SUSPENDED_S = 2.0
_LOOK_AT_CHILD_S = 0.5


def turn(run: RunState, timeout_s: float = TURN_S) -> None:
    """One turn. Raises GuardError when the guard is dead or silent."""
    descriptors = [run.interrupts.fileno()]
    if run.executor is not None and run.executor.exit_code is None:
        descriptors.append(run.executor.fileno())
    before = clock.now() - time.monotonic()
    select.select(descriptors, [], [], timeout_s)
    if clock.now() - time.monotonic() - before > _SUSPENDED_S:
        run.findings.host_suspended = True
    run.interrupts.drain()
    run.note_turn()
    take_child_events(run)
    if run.has_guard:
        run.system.guard.beat()
        take_guard_events(run)


def pause(run: RunState, seconds: float, on_turn: Callable[[], None] = lambda: None) -> None:
    """Let time pass, in turns. Raises Interrupted, GuardError."""
    until = clock.now() + seconds
    while clock.now() < until:
        turn(run, min(TURN_S, max(0.0, until - clock.now())))
        run.interrupts.check()
        on_turn()


def child_is_stopped(run: RunState) -> bool:
    """Whether somebody stopped the child (SIGSTOP), which ends nothing by itself. Looks now and then only."""
    if run.executor is None or clock.now() < run.next_look_at_child:
        return False
    run.next_look_at_child = clock.now() + _LOOK_AT_CHILD_S
    return run.executor.stopped


def result_of(run: RunState, future: Future[T]) -> T:
    """The future's result, awaited in turns: importing the ledger may outlast the guard's patience."""
    while not future.done():
        turn(run)
        run.interrupts.check()
    return future.result()


def take_guard_events(run: RunState) -> None:
    """Take in what the guard did since the last turn."""
    for event in run.system.guard.events():
        if event.injection in run.injections_before:
            continue
        if run.injections.take(event):
            run.stream.emit(_injection_changed(event, run.injections.names[event.injection]))


def take_child_events(run: RunState) -> None:
    """Take in what the experiment did since the last turn."""
    if run.executor is None:
        return
    for event in run.executor.events():
        if run.toolkit.take(event):
            run.stream.emit(ToolkitEvent(name=event.name, payload=event.payload, at=event.wall))


def while_turning(
    run: RunState,
    work: Callable[[], object],
    *,
    interruptible: bool = False,
    beating: bool = False,
    doing: str = "",
) -> None:
    """Do blocking `work` on a thread, answering signals meanwhile; calls of the guard beat by themselves.

    Interruptible work is left behind when a signal comes; else each signal is answered with how far the undo
    is, and what the work is `doing` beside it. Raises what `work` raised, or Interrupted.
    """
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - carried over to the supervisor's thread
            failures.append(error)

    thread = threading.Thread(target=guarded, name="guard call", daemon=True)
    thread.start()
    waiting = Waiting(run, doing)
    while thread.is_alive():
        thread.join(TURN_S)
        run.interrupts.drain()
        run.note_turn()
        if beating and run.has_guard:
            try:
                run.system.guard.beat()
            except GuardError as error:
                run.lose_guard(error)  # the work is worth its end all the same
        if interruptible:
            run.interrupts.check()
        else:
            if run.system_ is not None:
                take_guard_events(run)
            waiting.look()
    if failures:
        raise failures[0]


def _injection_changed(event: GuardEvent, name: str) -> InjectionChanged:
    detail = {**event.detail, "name": name}
    return InjectionChanged(injection=event.injection, state=event.kind, detail=detail, at=event.wall)
