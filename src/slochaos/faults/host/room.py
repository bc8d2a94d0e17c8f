"""How much of this host a fault may take: never the last tenth of its memory, of a control group's, or of a disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from slochaos.errors import Refused, TargetError
from slochaos.faults.host import cgroups

KEPT = 10
"""The share that is never taken: one part of so many."""
IN_MEMORY = ("tmpfs", "ramfs")


@dataclass(frozen=True)
class Room:
    """Bytes of something: in all, and free for others to take. `place` says of what."""

    total: int
    free: int
    place: str

    @property
    def reserve(self) -> int:
        """What stays free whatever is asked for."""
        return -(-self.total // KEPT)

    @property
    def takeable(self) -> int:
        """What a fault may take."""
        return max(self.free - self.reserve, 0)

    def check(self, amount: int) -> None:
        """Raises Refused when so many bytes would reach into the reserve."""
        if amount > self.takeable:
            raise Refused(
                f"{in_words(amount)} of {self.place} are asked for, and {in_words(self.takeable)} can be taken: "
                f"{in_words(self.free)} are free, and the last tenth of {in_words(self.total)} is never touched",
                hint="ask for less",
                reason="cap",
            )


def host_memory() -> Room:
    """All memory of the host."""
    found = psutil.virtual_memory()
    return Room(found.total, found.available, "the memory")


def memory(pid: int | None = None) -> Room:
    """What a process (this one) can have: the host's memory, or that of a control group which limits it more."""
    return min((host_memory(), *_limits("self" if pid is None else str(pid))), key=lambda room: room.takeable)


def disk(folder: str) -> Room:
    """The file system of a folder, as users without privileges see it. Raises TargetError."""
    try:
        state = os.statvfs(folder)
    except OSError as error:
        raise TargetError(f"the folder {folder} cannot be looked at: {error.strerror}") from error
    used = (state.f_blocks - state.f_bfree) * state.f_frsize
    free = state.f_bavail * state.f_frsize
    return Room(used + free, free, f"the disk of {folder}")


def mount_point(folder: str) -> str:
    """Where the file system of a folder begins."""
    path = Path(folder).resolve()
    while not path.is_mount():
        path = path.parent
    return str(path)


def lies_in_memory(folder: str) -> bool:
    """Whether what is written there takes memory."""
    point = mount_point(folder)
    kinds = [each.fstype for each in psutil.disk_partitions(all=True) if each.mountpoint == point]
    return bool(kinds) and kinds[-1] in IN_MEMORY


def in_words(amount: float) -> str:
    """Bytes for people: "512 MiB"."""
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:
        amount, units = amount / 1024, units[1:]
    return (
        f"{amount:.0f} {units[0]}" if amount >= 100 or amount == int(amount) else f"{amount:.1f} {units[0]}"
    )


def _limits(pid: str) -> Iterator[Room]:
    """The memory limits of the control groups that a process is in, of both kinds."""
    if sys.platform != "linux":
        return
    for group in cgroups.of(pid, ("memory",)):
        names = ("max", "current") if group.unified else ("limit_in_bytes", "usage_in_bytes")
        for folder in group.with_parents():
            with suppress(OSError, ValueError):
                yield _limit(folder, *(f"memory.{name}" for name in names))


def _limit(folder: Path, limit: str, usage: str) -> Room:
    """Raises ValueError where there is none: "max", or more than any machine has."""
    total = int((folder / limit).read_text(encoding="ascii"))
    used = int((folder / usage).read_text(encoding="ascii"))
    counts = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
    dropped_first = int(counts.get("total_inactive_file", counts.get("inactive_file", "0")))
    if total > psutil.virtual_memory().total:
        raise ValueError(total)
    return Room(total, total - used + dropped_first, f"the memory of the control group {folder.name}")
