"""One run at a time on one thing of this host: an advisory lock on a file that every user finds.

The lock is the guard's open file: it cannot outlive the guard, so nothing has to expire or to be recovered.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

from slochaos.errors import LockHeld, TargetError
from slochaos.faults.operation import Sight, TargetLock, Undone

_COMMON = Path("/run/lock")

_open: dict[str, int] = {}
_mutex = threading.Lock()


@dataclass(frozen=True)
class HostLock(TargetLock):
    """`target` names what is held: "cpu", "memory", a folder, a group of processes, packets to a peer."""

    kind: ClassVar[str] = "host.lock"
    target: str
    holder: str = ""

    @property
    def key(self) -> str:
        """The target: there is one host."""
        return f"host {self.target}"

    @property
    def name(self) -> str:
        """The name of the file."""
        return f"slochaos-{re.sub('[^a-z0-9.]+', '-', self.target.lower()).strip('-')}.lock"

    @property
    def place(self) -> str:
        """The folder of the file."""
        return str(_COMMON if os.access(_COMMON, os.W_OK) else Path(tempfile.gettempdir()))

    @property
    def target_name(self) -> str:
        """The target's name, as a name of a file."""
        return self.name.removeprefix("slochaos-").removesuffix(".lock")

    def held_by(self, run_id: str, expires_wall: int, host: str) -> Self:
        """The lock with this run as its holder; it goes with its guard, whenever that is."""
        return replace(self, holder=run_id)

    def perform(self) -> None:
        """Lock the file and write who holds it. Raises LockHeld naming that run, TargetError."""
        path = Path(self.place, self.name)
        descriptor = _opened(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 64, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise LockHeld(
                f"{self.target} of this host is held by run {holder or '(unnamed)'}",
                hint=f"wait for it, or end it: slochaos stop {holder}",
            ) from error
        with suppress(OSError):  # a full disk loses the name, not the lock
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, self.holder.encode(), 0)
        with _mutex:
            _open[self.key] = descriptor

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """Let go of the file; in another process there is nothing to let go: the lock went with its guard."""
        with _mutex:
            descriptor = _open.pop(self.key, None)
        if descriptor is not None:
            os.close(descriptor)
        return Undone("undone")

    def look(self) -> Sight | None:
        """Whether this process holds it."""
        return Sight(self.key in _open)

    def by_hand(self) -> str:
        """Nothing to remove: it ends with the process that holds it."""
        return "true"


@contextmanager
def alone(what: str) -> Iterator[None]:
    """One process and one thread of this host at a time, for a step that must not be taken twice.

    Raises TargetError when the file cannot be opened.
    """
    lock = HostLock(what)
    descriptor = _opened(Path(lock.place, lock.name))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    """The file, made if need be. One that another user made is opened as it is."""
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise TargetError(f"the lock {path} cannot be opened: {error.strerror}") from error
    try:
        descriptor = os.open(path, flags | os.O_CREAT, 0o666)
        with suppress(OSError):
            os.fchmod(descriptor, 0o666)
    except OSError as error:
        raise TargetError(f"the lock {path} cannot be made: {error.strerror}") from error
    return descriptor


OPERATIONS = (HostLock,)
