"""Who a process is beyond its number: pid, start time and boot, so that a reused pid is never hit."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SERVICE = "SLOCHAOS_SERVICE"
"""The variable by which a process tells which service of which run it belongs to: `RUN/NAME`."""


@dataclass(frozen=True)
class ProcessIdentity:
    """A process as it can be recognised later. `started` is psutil's creation time."""

    pid: int
    started: float
    boot: str

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity:
        """The identity of a living process. Raises ProcessLookupError when there is none."""
        import psutil

        try:
            return cls(pid, psutil.Process(pid).create_time(), boot_id())
        except psutil.NoSuchProcess as error:
            raise ProcessLookupError(pid) from error

    def alive(self) -> bool:
        """Whether that very process still runs; a zombie does not."""
        if self.boot != boot_id():
            return False
        import psutil

        try:
            process = psutil.Process(self.pid)
            return (
                abs(process.create_time() - self.started) < 0.05 and process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.NoSuchProcess:
            return False

    def kill_session(self) -> None:
        """SIGKILL the process, if it is still that one, with the group it leads and its descendants."""
        if not self.alive():
            return
        import psutil

        try:
            tree = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        with suppress(ProcessLookupError, PermissionError):
            if os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, signal.SIGKILL)
        for process in tree:
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                process.kill()


def is_stopped(pid: int) -> bool:
    """Whether a process was stopped by a signal: it cannot act, and no descriptor tells. False where /proc is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"T"
    except (OSError, IndexError):
        return False


def boot_id() -> str:
    """What changes with every boot of this host."""
    linux = Path("/proc/sys/kernel/random/boot_id")
    if linux.exists():
        return linux.read_text(encoding="ascii").strip()
    import psutil

    return str(int(psutil.boot_time()))


def host() -> str:
    """This host's name, as locks and logs show it."""
    return socket.gethostname().split(":", 1)[0]
