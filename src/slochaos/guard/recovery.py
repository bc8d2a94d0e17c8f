"""Finishing what a run left: undo logs whose writer is gone are claimed, replayed and closed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slochaos import clock
from slochaos.errors import InvalidInput, StateError, TargetError, TargetUnreached, UndoFailed
from slochaos.faults.catalogue import operation_from_json
from slochaos.faults.operation import Operation, Undone
from slochaos.guard import obituary
from slochaos.guard.held import LOCK, by_hand
from slochaos.guard.undoing import LOOK_S, Undoing
from slochaos.guard.undolog import FINISHED, Entry, LoggedRun, UndoLog, log_path, logged_runs, read_log
from slochaos.identity import ProcessIdentity
from slochaos.paths import RUN_ID
from slochaos.spec.endpoints import is_loopback

AT_ONCE = 16
TRY_FOR_S = 10.0


@dataclass(frozen=True)
class Recovered:
    """How one open entry of a dead run ended. `state` is `failed` when a fault may still be in force."""

    run_id: str
    entry: str
    target: str
    state: str
    detail: str
    by_hand: str

    @property
    def ok(self) -> bool:
        """Whether nothing of it can be in force."""
        return self.state != "failed"


def recover(
    state_dir: Path,
    run_id: str | None = None,
    *,
    try_for_s: float = TRY_FOR_S,
    on_progress: Callable[[Recovered], None] = lambda _: None,
) -> list[Recovered]:
    """Undo what dead runs of this user left, all or one, many at once. Living runs are left alone.

    A target that does not answer is tried for `try_for_s`. `on_progress` is called from several threads. Raises
    InvalidInput for a run without a log.
    """
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        done = pool.map(lambda run: _recover_run(run, try_for_s, on_progress), dead_runs(state_dir, run_id))
        return [each for recovered in done for each in recovered]


def dead_runs(state_dir: Path, run_id: str | None = None) -> list[LoggedRun]:
    """The runs that left an undo log and are gone, all or one. Raises InvalidInput for a run without a log."""
    if run_id is not None:
        check_run_id(run_id)
        if not log_path(state_dir, run_id).exists():
            raise InvalidInput(f"the run {run_id} has left nothing to recover", hint="see: slochaos status")
    return [run for run in logged_runs(state_dir) if not run.alive and run_id in (None, run.run_id)]


def _recover_run(
    run: LoggedRun, try_for_s: float, on_progress: Callable[[Recovered], None]
) -> list[Recovered]:
    if not run.damage:
        return _recover_one(run.path, try_for_s, on_progress) or []
    aside = f"mv {run.path} {run.path}.seen"
    damaged = Recovered(run.run_id, "", str(run.path), "failed", run.damage, aside)
    on_progress(damaged)
    return [damaged]


def forget(state_dir: Path, run_id: str, entry_id: str, why: str) -> None:
    """Give up one open entry on somebody's word. Raises InvalidInput, StateError when the run lives."""
    check_run_id(run_id)
    if not why.strip():
        raise InvalidInput("a fault is not forgotten without a reason", hint="add --why REASON")
    path = log_path(state_dir, run_id)
    log = UndoLog.claim(path)
    run = read_log(path)
    if run is None:
        raise InvalidInput(f"the run {run_id} has left nothing to recover", hint="see: slochaos status")
    if log is None:
        raise StateError(f"the run {run_id} still runs", hint=f"slochaos stop {run_id}")
    try:
        if entry_id not in {entry.id for entry in run.open}:
            raise InvalidInput(
                f"the run {run_id} has no open fault {entry_id!r}", hint="see: slochaos status"
            )
        log.write({"id": entry_id, "state": "waived", "detail": why, **_now()})
        _close(log, path)
    finally:
        log.close()


def undo_log_of(state_dir: Path, run_id: str) -> list[dict[str, Any]]:
    """Take over from a dead guard: undo at once and report as the guard does. Raises UndoFailed, StateError."""
    path = log_path(state_dir, run_id)
    before = read_log(path)
    if before is None:
        return []
    done = _claim_and_recover(path)
    after = read_log(path) or before
    reports = [report(entry) for entry in after.entries.values() if "operations" in entry.opened]
    ended = {each.entry: each.state for each in done}
    for each in reports:  # where the log could not be written, what was done counts
        each["state"] = ended.get(each["id"], each["state"])
    left = [each for each in reports if each["state"] not in FINISHED]
    if left:
        raise UndoFailed(
            "a fault may still be in force: "
            + "; ".join(f"{each['target']}: {each['detail']}" for each in left),
            hint="remove it by hand: " + " ; ".join(each["by_hand"] for each in left),
        )
    remove_socket(before)
    with suppress(OSError):
        path.unlink(missing_ok=True)
    return [each for each in reports if each["kind"] != LOCK]


def _claim_and_recover(path: Path) -> list[Recovered]:
    """Recover as soon as the log can be claimed. Raises UndoFailed when another process holds on to it."""
    until = clock.now() + TRY_FOR_S
    while True:
        done = _recover_one(path, TRY_FOR_S, lambda _: None, keep=True)
        if done is not None or not path.exists():
            return done or []
        if clock.now() > until:
            raise UndoFailed(
                f"another process holds the undo log {path}, and whether it undoes is not known",
                hint=f"see what it does, then: slochaos recover --run {path.stem}",
            )
        time.sleep(LOOK_S)


def report(entry: Entry) -> dict[str, Any]:
    """An entry of a log in the shape of the guard's own reports."""
    operations = operations_of(entry)
    times: dict[str, tuple[float, float]] = {}
    for state, at, wall in entry.history:
        times.setdefault(state, (at, wall))
    return {
        "id": entry.id,
        "name": entry.opened.get("name", ""),
        "kind": entry.opened.get("kind", ""),
        "target": entry.opened.get("target", ""),
        "state": entry.state,
        "times": times,
        "expires_wall": entry.opened.get("expires_wall", 0.0),
        "looks": 0,
        "seen": 0,
        "evidence": entry.evidence,
        "by_hand": by_hand(operations),
        "detail": entry.last.get("detail", ""),
    }


def operations_of(entry: Entry) -> tuple[Operation, ...]:
    """The operations that an entry may have performed. Raises StateError for unknown ones."""
    return tuple(operation_from_json(data) for data in entry.opened.get("operations", ()))


def check_run_id(run_id: str) -> None:
    """Raise InvalidInput for what cannot be a run's id, so that it never becomes a path."""
    if not re.match(RUN_ID, run_id):
        raise InvalidInput(f"{run_id!r} is no run id", hint="lower-case letters, digits and dashes, up to 63")


def _recover_one(
    path: Path, try_for_s: float, on_progress: Callable[[Recovered], None], *, keep: bool = False
) -> list[Recovered] | None:
    """Undo what one log has open. None when somebody else holds the log, or when it is gone."""
    log = UndoLog.claim(path)
    run = read_log(path) if log is not None else None
    if log is None or run is None:
        return None
    try:
        _end_services(run, log)
        lanes: dict[str, list[Entry]] = {}
        for entry in run.open:
            lanes.setdefault(str(entry.opened.get("target", "")), []).append(entry)
        until = clock.now() + try_for_s
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            results = list(
                pool.map(lambda lane: _undo_lane(run, log, lane, until, on_progress), lanes.values())
            )
        if not keep:
            _write_obituary(path)
            _close(log, path)
        return [done for lane in results for done in lane]
    finally:
        log.close()


def _undo_lane(
    run: LoggedRun, log: UndoLog, entries: list[Entry], until: float, on_progress: Callable[[Recovered], None]
) -> list[Recovered]:
    """The open entries of one target: the latest first, locks last."""
    done = []
    latest_first = entries[::-1]
    for entry in sorted(latest_first, key=lambda entry: entry.opened.get("kind") == LOCK):
        operations = operations_of(entry)
        owned = _went_with_its_run(run, operations)
        ended = _undo(entry, operations, log, clock.now() if owned else until)
        if owned and isinstance(ended, TargetUnreached):
            ended = Undone("gone", "its server was a service of that run, and ended with it")
        state, detail = (ended.end, ended.detail) if isinstance(ended, Undone) else ("failed", ended.message)
        _note(log, {"id": entry.id, "state": state, "detail": detail})
        target = str(entry.opened.get("target", ""))
        recovered = Recovered(run.run_id, entry.id, target, state, detail, by_hand(operations))
        on_progress(recovered)
        done.append(recovered)
    return done


def _undo(
    entry: Entry, operations: tuple[Operation, ...], log: UndoLog, until: float
) -> Undone | TargetError:
    if not entry.sent:
        return Undone("undone", "nothing had been sent")
    return Undoing(
        operations,
        until=until,
        # What an earlier undo may have changed half-way is no operator's doing.
        applied=entry.applied and not entry.undo_began,
        # Without an answer on record, a request may still be on its way.
        certain=entry.applied,
        on_settling=lambda: _note(log, {"id": entry.id, "state": "settling"}),
    ).run()


def _went_with_its_run(run: LoggedRun, operations: tuple[Operation, ...]) -> bool:
    """Whether the target was reached through a server on this host, and the dead run had started its own."""
    servers = [str(operation.to_json().get("server", "")) for operation in operations]
    return (
        bool(run.header.get("own_services"))
        and bool(servers)
        and all(is_loopback(urlsplit(server).hostname or "") for server in servers)
    )


def _note(log: UndoLog, record: Mapping[str, Any]) -> None:
    """Write a step down. Undo never waits for the log: what cannot be written is undone all the same."""
    with suppress(StateError):
        log.write({**record, **_now()})


def _end_services(run: LoggedRun, log: UndoLog) -> None:
    for entry in list(run.open):
        about: Mapping[str, Any] | None = entry.opened.get("service")
        if about is None:
            continue
        ProcessIdentity(int(about["pid"]), float(about["started"]), str(about["boot"])).kill_session()
        entry.state = "undone"
        _note(log, {"id": entry.id, "state": "undone"})


def _close(log: UndoLog, path: Path) -> None:
    """Delete the log if nothing in it is open any more."""
    run = read_log(path)
    if run is not None and not run.open:
        remove_socket(run)
        with suppress(OSError):
            log.remove()


def _write_obituary(path: Path) -> None:
    run = read_log(path)
    if run is not None:
        reports = [report(entry) for entry in run.entries.values() if "operations" in entry.opened]
        obituary.write(run, [each for each in reports if each["kind"] != LOCK], "its guard died too")


def remove_socket(run: LoggedRun) -> None:
    """Delete the socket that a killed guard has left, and the folder made for it."""
    socket = Path(str(run.header.get("socket", "")))
    if socket.name == "guard.sock" and socket.parent.name.startswith("slochaos-"):
        with suppress(OSError):
            socket.unlink(missing_ok=True)
            socket.parent.rmdir()


def _now() -> dict[str, float]:
    return {"at": clock.now(), "wall": clock.wall()}
