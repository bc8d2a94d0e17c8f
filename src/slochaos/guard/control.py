"""Looking at runs, and stopping them, from another terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slochaos.errors import GuardError, InvalidInput
from slochaos.guard.client import stop as stop_guard
from slochaos.guard.recovery import check_run_id, report
from slochaos.guard.undolog import LoggedRun, log_path, logged_runs, read_log


@dataclass(frozen=True)
class RunStatus:
    """A run of this user that is going on, or left something."""

    run_id: str
    environment: str
    experiment: str
    host: str
    alive: bool
    started_wall: float
    run_dir: str
    injections: tuple[dict[str, Any], ...]
    locks: tuple[str, ...]
    services: tuple[str, ...]


def status(state_dir: Path) -> list[RunStatus]:
    """Every run that has an undo log, oldest first, with what is open. Raises StateError for a damaged log."""
    return [_status(run) for run in logged_runs(state_dir)]


def stop(state_dir: Path, run_id: str | None = None, why: str = "") -> list[str]:
    """End living runs, one or all; their ids. Returns when their faults are undone.

    Raises InvalidInput for an unknown run, GuardError naming the runs whose guard does not answer.
    """
    if run_id is not None:
        check_run_id(run_id)
        run = read_log(log_path(state_dir, run_id))
        if run is None:
            raise InvalidInput(f"there is no run {run_id} to stop", hint="see: slochaos status")
        runs: Iterable[LoggedRun] = [run]
    else:
        runs = logged_runs(state_dir)
    stopped, silent = [], []
    for each in runs:
        if not each.alive:
            continue
        try:
            stop_guard(Path(str(each.header["socket"])), why)
            stopped.append(each.run_id)
        except GuardError:
            silent.append(each.run_id)
    if silent:
        raise GuardError(
            f"the guard of {', '.join(silent)} does not answer",
            hint="its supervisor takes over within 2 s; if that is gone too: slochaos recover --all",
        )
    if run_id is not None and not stopped:
        raise InvalidInput(
            f"the run {run_id} is dead", hint=f"undo what it left: slochaos recover --run {run_id}"
        )
    return stopped


def _status(run: LoggedRun) -> RunStatus:
    if run.damage:
        aside = {"kind": "", "name": "", "expires_wall": 0.0, "evidence": "", "detail": run.damage}
        aside |= {"id": "?", "target": str(run.path), "state": "unreadable", "times": {}}
        damaged = {**aside, "by_hand": f"look at the target, then: mv {run.path} {run.path}.seen"}
        return RunStatus(run.run_id, "", "", "", False, 0.0, "", (damaged,), (), ())
    opened = [entry for entry in run.open if "operations" in entry.opened]
    reports = [report(entry) for entry in opened]
    return RunStatus(
        run_id=run.run_id,
        environment=str(run.header.get("environment", "")),
        experiment=str(run.header.get("experiment", "")),
        host=str(run.header.get("host", "")),
        alive=run.alive,
        started_wall=float(run.header.get("started_wall", 0.0)),
        run_dir=str(run.header.get("run_dir", "")),
        injections=tuple(each for each in reports if each["kind"] != "lock"),
        locks=tuple(str(each["target"]) for each in reports if each["kind"] == "lock"),
        services=tuple(
            str(entry.opened["service"]["name"]) for entry in run.open if "service" in entry.opened
        ),
    )
