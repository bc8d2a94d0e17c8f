"""The decision on the run as a whole: one status, one exit code, from everything that happened."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

Status = Literal[
    "undo-failed", "invalid", "refused", "interrupted", "failed", "aborted", "error", "inconclusive", "passed"
]

_EXIT_CODES: dict[Status, int] = {
    "undo-failed": 6,
    "invalid": 2,
    "refused": 4,
    "failed": 1,
    "aborted": 5,
    "error": 7,
    "inconclusive": 3,
    "passed": 0,
}


@dataclass(frozen=True)
class RunFacts:
    """Everything that decides a run's status, each as sentences for people; empty where it did not happen.

    `undo_failed`: faults that may still be in force. `signal`: the number that interrupted us.
    `aborted_by_rule`: the abort watch stopped the run for a cost or a rate: that is a failure. `aborted`: an
    operator, a deadline or a guard rail stopped it. `errors`: one of our processes, or a source.
    `unproven`: required objectives. `not_in_force`: faults that were never seen to be in force.
    """

    undo_failed: tuple[str, ...] = ()
    invalid: str = ""
    refused: str = ""
    signal: int | None = None
    breached: tuple[str, ...] = ()
    exceeded: tuple[str, ...] = ()
    slow_recovery: tuple[str, ...] = ()
    aborted_by_rule: tuple[str, ...] = ()
    aborted: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    not_in_force: tuple[str, ...] = ()
    host_suspended: bool = False


class RunStatus(NamedTuple):
    """The first status that applies, top down, and the lower ones that applied too."""

    status: Status
    exit_code: int
    reason: str
    also: tuple[Status, ...]


def run_status(facts: RunFacts) -> RunStatus:
    """The run's status by the exit-code table. What was established stays: a breach outranks a later error."""
    applying = list(_applying(facts))
    if not applying:
        return RunStatus("passed", 0, "", ())
    status, reasons = applying[0]
    code = 128 + facts.signal if status == "interrupted" and facts.signal else _EXIT_CODES[status]
    return RunStatus(status, code, "; ".join(reasons), tuple(lower for lower, _ in applying[1:]))


def _applying(facts: RunFacts) -> Iterator[tuple[Status, tuple[str, ...]]]:
    """Each status that applies with its reasons, the first ranked first."""
    ranked: tuple[tuple[Status, tuple[str, ...]], ...] = (
        ("undo-failed", facts.undo_failed),
        ("invalid", _one(facts.invalid)),
        ("refused", _one(facts.refused)),
        ("interrupted", _interruption(facts.signal)),
        ("failed", facts.breached + facts.exceeded + facts.aborted_by_rule + facts.slow_recovery),
        ("aborted", facts.aborted),
        ("error", facts.errors),
        ("inconclusive", facts.not_in_force + _suspension(facts.host_suspended) + facts.unproven),
    )
    return ((status, reasons) for status, reasons in ranked if reasons)


def _one(reason: str) -> tuple[str, ...]:
    return (reason,) if reason else ()


def _interruption(number: int | None) -> tuple[str, ...]:
    if not number:
        return ()
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = f"signal {number}"
    return (f"interrupted by {name}",)


def _suspension(suspended: bool) -> tuple[str, ...]:
    return (
        ("host-suspended: this host slept during the run, so its seconds cannot be trusted",)
        if suspended
        else ()
    )
