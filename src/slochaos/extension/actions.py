"""The faults as actions of a Chaos Toolkit experiment: inject, hold, undo, verify, return.

Each blocks until its fault is undone and verified; `background: true` overlaps several. All are safe to
call from several threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from chaoslib.exceptions import ActivityFailed

from slochaos.errors import SlochaosError
from slochaos.extension import session
from slochaos.guard.client import ExperimentClient
from slochaos.guard.connection import InjectionState
from slochaos.spec import toxics
from slochaos.spec.durations import parse_duration

__all__ = ["end_faults", "inject", "nothing", "toxiproxy"]


def toxiproxy(toxic: str, duration: str) -> dict[str, Any]:
    """Apply the preset `toxics/<toxic>.json` to its proxy for `duration` ("20s", "2m"), then undo and verify.

    Returns what was seen of the fault: times, evidence, how it ended. Fails when the guard refuses.
    """
    with _failing_as_activity():
        preset = toxics.load(toxics.find(toxic, session.experiment_path()))
        return _inject(toxic, "toxiproxy", preset.parameters, duration)


def inject(fault: str, duration: str, **parameters: Any) -> dict[str, Any]:
    """Inject the fault of this kind ("docker.pause", "host.cpu") for `duration`, then undo and verify.

    `parameters` are the fault's own, as docs/faults.md lists them. Returns what `toxiproxy` returns.
    """
    with _failing_as_activity():
        return _inject(fault, fault, parameters, duration)


def nothing(duration: str) -> dict[str, Any]:
    """Take the whole path of a fault for `duration` without changing anything."""
    with _failing_as_activity():
        return _inject("nothing", "nothing", {}, duration)


def end_faults() -> list[str]:
    """Undo every fault of this run that is still in force, now. Does nothing when there is none."""
    with _failing_as_activity(), _guard() as guard:
        return [f"{state.name}: {state.state}" for state in guard.end_faults()]


def _inject(name: str, kind: str, parameters: Mapping[str, Any], duration: str) -> dict[str, Any]:
    seconds = parse_duration(duration)
    with _guard() as guard:
        applied = guard.inject(name, kind, parameters, seconds)
        ended = guard.wait(applied.id)
    held_s = _seconds_in_force(ended)
    return {
        "injection": ended.id,
        "target": ended.target,
        "ended": ended.state,
        "seconds_in_force": held_s,
        "cut_short": held_s is not None and held_s < seconds - 0.1,
        "evidence": ended.evidence,
        "detail": ended.detail,
    }


def _seconds_in_force(state: InjectionState) -> float | None:
    if state.applied is None or state.undone is None:
        return None
    return round(state.undone[0] - state.applied[0], 3)


@contextmanager
def _guard() -> Iterator[ExperimentClient]:
    connection = session.guard()
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _failing_as_activity() -> Iterator[None]:
    """Chaos Toolkit records an ActivityFailed with its message; anything else would abort the experiment."""
    try:
        yield
    except SlochaosError as error:
        raise ActivityFailed(str(error)) from error
