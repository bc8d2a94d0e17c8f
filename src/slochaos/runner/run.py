"""The supervisor: one run as a list of named steps."""

from __future__ import annotations

from collections.abc import Callable

from slochaos.record import Result
from slochaos.runner.events import Event
from slochaos.runner.request import RunRequest


def run_experiment(request: RunRequest, on_event: Callable[[Event], None]) -> Result:
    """One run, whatever happens, as its record: never raises a SlochaosError and never prints.

    `on_event` is called from this thread; it may be slow or raise OSError without harm to the run.
    An interrupted run has `status` interrupted and `exit_code` 128 + signal: the caller re-raises the
    signal after it has printed. Invalid input makes no run folder.
    """
    raise NotImplementedError


def run_repeatedly(request: RunRequest, on_event: Callable[[Event], None]) -> tuple[Result, ...]:
    """`request.repeat` runs one after another on one start of the environment's services.

    Stops early after a run that was interrupted, left a fault in force, or was refused.
    """
    raise NotImplementedError
