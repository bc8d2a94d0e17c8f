"""The undo log: what was injected and how far its undo is, kept so that any later process can finish it.

One file per run in the user's state folder. Its space is allocated up front and every record is on disk
before the step it announces. One writer: whoever holds the file's lock. A record is one JSON line; the
rest of the file is zeros, and a torn last line is no record.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slochaos.errors import StateError
from slochaos.identity import ProcessIdentity
from slochaos.paths import RUN_ID

BLOCK = 64 * 1024
FINISHED = frozenset({"undone", "expired", "gone", "superseded", "waived", "refused"})


@dataclass
class Entry:
    """One injection, lock or service as the log has it. `evidence` is what was seen of its effect."""

    id: str
    state: str
    opened: Mapping[str, Any]
    last: Mapping[str, Any] = field(default_factory=dict)
    evidence: str = ""
    history: list[tuple[str, float, float]] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Whether nothing of it can be in force."""
        return self.state in FINISHED

    @property
    def applied(self) -> bool:
        """Whether the change was read back at some time."""
        return any(state == "applied" for state, _, _ in self.history)

    @property
    def sent(self) -> bool:
        """Whether anything can have reached the target."""
        return any(state == "sent" for state, _, _ in self.history)

    @property
    def undo_began(self) -> bool:
        """Whether an undo of it was begun before."""
        return any(state in ("undoing", "settling", "failed") for state, _, _ in self.history)


class UndoLog:
    """The log of one run, opened for writing: the lock is held until `close` or death."""

    def __init__(self, path: Path, descriptor: int, offset: int, size: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._offset = offset
        self._size = size
        self._mutex = threading.Lock()

    @classmethod
    def create(cls, state_dir: Path, run_id: str, header: Mapping[str, Any]) -> UndoLog:
        """A new log with its space allocated. Raises StateError when it exists or the disk is full."""
        if not re.match(RUN_ID, run_id):
            raise StateError(
                f"{run_id!r} cannot be a run's id", hint="lower-case letters, digits and dashes, up to 63"
            )
        path = log_path(state_dir, run_id)
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError as error:
            if not path.parent.is_dir():
                raise StateError(f"{path.parent} is a file where a folder has to be") from error
            raise StateError(
                f"the run {run_id} has left an undo log: {path}",
                hint=f"finish it first: slochaos recover --run {run_id}",
            ) from error
        except OSError as error:
            raise StateError(
                f"the undo log {path} cannot be made: {error.strerror}",
                hint="nothing is injected without a record of it: set XDG_STATE_HOME to a folder that you can write",
            ) from error
        log = cls(path, descriptor, 0, 0)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            log._allocate(BLOCK)
            log.write({"run": run_id, **header})
            _sync_folder(path.parent)
        except (OSError, StateError) as error:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            if isinstance(error, StateError):
                raise
            raise StateError(
                f"there is no room for the undo log {path}: {error.strerror}",
                hint="free some space: nothing is injected without a record of it",
            ) from error
        return log

    @classmethod
    def claim(cls, path: Path) -> UndoLog | None:
        """Take over the log of a writer that is gone. None while it lives, or when the log is gone."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError:  # a read-only file system: undo without writing it down
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError as error:
                raise StateError(f"the undo log {path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return None
            raise StateError(f"the undo log {path} cannot be locked: {error.strerror}") from error
        if not path.exists() or os.fstat(descriptor).st_ino != path.stat().st_ino:
            os.close(descriptor)
            return None
        size = os.fstat(descriptor).st_size
        used = len(_text(os.pread(descriptor, size, 0)))
        return cls(path, descriptor, used, size)

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one record and bring it to disk. Raises StateError; the caller decides whether to go on."""
        line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
        with self._mutex:
            try:
                if self._offset + len(line) > self._size:
                    self._allocate(self._size + max(BLOCK, len(line)))
                os.pwrite(self._descriptor, line, self._offset)
                _sync(self._descriptor)
            except OSError as error:
                raise StateError(f"the undo log {self.path} cannot be written: {error.strerror}") from error
            self._offset += len(line)

    def remove(self) -> None:
        """Delete the log: everything in it is finished."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Give up the lock and keep the log."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _allocate(self, size: int) -> None:
        if sys.platform == "linux":
            os.posix_fallocate(self._descriptor, 0, size)
        else:
            os.pwrite(self._descriptor, b"\0" * (size - self._size), self._size)
        self._size = size


@dataclass(frozen=True)
class LoggedRun:
    """A run as its undo log tells it. `alive`: its guard runs. `damage`: why the log cannot be read."""

    path: Path
    header: Mapping[str, Any]
    entries: dict[str, Entry]
    alive: bool
    damage: str = ""

    @property
    def run_id(self) -> str:
        """The run's id."""
        return str(self.header["run"])

    @property
    def open(self) -> list[Entry]:
        """What may still be in force or running."""
        return [entry for entry in self.entries.values() if not entry.finished]


def log_path(state_dir: Path, run_id: str) -> Path:
    """Where the undo log of a run lies."""
    return state_dir / "undo" / f"{run_id}.log"


def read_log(path: Path) -> LoggedRun | None:
    """Read a log without claiming it; None when it is gone. Raises StateError when it is no log of this user."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"the undo log {path} cannot be read: {error.strerror}") from error
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise StateError(f"the undo log {path} belongs to another user, so it is not replayed")
        text = _text(os.pread(descriptor, os.fstat(descriptor).st_size, 0))
    finally:
        os.close(descriptor)
    header, entries = _replay(path, text.decode("utf-8", "replace").splitlines())
    return LoggedRun(path, header, entries, _lives(header))


def logged_runs(state_dir: Path) -> Iterator[LoggedRun]:
    """Every run of this user that has an undo log, oldest first; one that cannot be read is said so."""
    for path in sorted((state_dir / "undo").glob("*.log"), key=_modified):
        try:
            run = read_log(path)
        except StateError as error:
            run = LoggedRun(path, {"run": path.stem}, {}, alive=False, damage=error.message)
        if run is not None:
            yield run


def _replay(path: Path, lines: list[str]) -> tuple[Mapping[str, Any], dict[str, Entry]]:
    header: Mapping[str, Any] = {"run": path.stem}
    entries: dict[str, Entry] = {}
    for number, line in enumerate(lines, 1):
        record = _record(line, ("run",) if number == 1 else ("id", "state"))
        if record is None:
            raise StateError(
                f"{path}:{number}: the undo log is damaged",
                hint=f"look at the target by hand, then put the file aside: mv {path} {path}.seen",
            )
        if number == 1:
            header = record
            continue
        identifier, state = record["id"], record["state"]
        entry = entries.setdefault(identifier, Entry(identifier, state, record))
        entry.state = state
        entry.last = record
        entry.evidence = record.get("evidence") or entry.evidence
        entry.history.append((state, float(record.get("at", 0)), float(record.get("wall", 0))))
    return header, entries


def _record(line: str, required: tuple[str, ...]) -> dict[str, Any] | None:
    """The record of a line; None if it is none, or a field that is read later is not of its type."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or not all(name in record for name in required):
        return None
    return record if all(fits(record[name]) for name, fits in _FIELDS.items() if name in record) else None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_time(value: Any) -> bool:
    """A number of seconds that a calendar can show."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e11


def _is_process(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("pid"), int)
        and 0 < value["pid"] < 2**31
        and _is_time(value.get("started"))
        and _is_text(value.get("boot"))
    )


def _is_guard(value: Any) -> bool:
    return _is_process(value) and set(value) == {"pid", "started", "boot"}


def _is_service(value: Any) -> bool:
    return _is_process(value) and _is_text(value.get("name"))


def _are_operations(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


_FIELDS: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("run", "id", "state", "kind", "name", "target", "evidence", "detail"), _is_text),
    **dict.fromkeys(("at", "wall", "expires_wall", "started_wall"), _is_time),
    "guard": _is_guard,
    "service": _is_service,
    "operations": _are_operations,
}


def _text(raw: bytes) -> bytes:
    used = raw.split(b"\0", 1)[0]
    return used[: used.rfind(b"\n") + 1]


def _lives(header: Mapping[str, Any]) -> bool:
    """Whether the guard that wrote the log runs. Looking must not lock: that would hinder those who undo."""
    guard = header.get("guard")
    return isinstance(guard, dict) and ProcessIdentity(**guard).alive()


def _sync(descriptor: int) -> None:
    if sys.platform == "darwin":
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
