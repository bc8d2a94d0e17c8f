"""What the faults of disks share: a folder of the allow-list, and what its file system has to be."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slochaos import paths
from slochaos.errors import Refused, TargetNotAllowed
from slochaos.faults.allowlist import listed
from slochaos.faults.fault import Fault
from slochaos.faults.host import room, stress
from slochaos.faults.host_lock import HostLock
from slochaos.faults.injection import Injection, Member
from slochaos.faults.operation import Operation
from slochaos.spec.environment import Environment
from slochaos.spec.targets import AllowedFolder


class FolderFault(Fault):
    """Base of the faults that hit the file system of a listed folder; `target` is its name in the list."""

    def entry(self, given: Mapping[str, Any], environment: Environment) -> str:
        """The folder as it is listed."""
        try:
            found = allowed(self.read(given).target, environment)
        except TargetNotAllowed:
            return ""
        brim = ", to the brim" if found.to_the_brim else ""
        return f"targets.host.folders in {environment.path.name}: {found.name} ({found.path}{brim})"

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """Files without a name go with the process that has them open."""
        return stress.ENDS_WITH_US


@dataclass(frozen=True)
class Folder:
    """Where a folder's space is: the mount point is what a run locks."""

    path: str
    point: str

    @classmethod
    def of(cls, entry: AllowedFolder) -> Folder:
        """Raises Refused where there is no such folder, or no way to take space that a dead process gives back."""
        path = Path(entry.path)
        if not path.is_dir():
            raise Refused(
                f"{path} is no folder", hint="see targets.host.folders in the environment", reason="no-target"
            )
        if not hasattr(os, "O_TMPFILE"):
            raise Refused("files without a name, which go with their process, exist on Linux only")
        return cls(str(path.resolve()), room.mount_point(entry.path))

    def injection(
        self, entry: AllowedFolder, changes: Callable[[Member], tuple[Operation, ...]]
    ) -> Injection:
        """The one member that the entry is."""
        lock = HostLock(f"disk {self.point}")
        name = f"disk of {entry.path}"
        return Injection(
            name,
            f"host disk {self.point}",
            members=lambda: (Member(f"host disk {self.point}", name),),
            changes=changes,
            lock=lambda _: lock,
            lock_name=lock.name,
            lock_place=lock.place,
        )


def allowed(name: str, environment: Environment) -> AllowedFolder:
    """The entry of that name. Raises TargetNotAllowed."""
    return listed(name, environment.targets.host.folders, environment, what="folder", under="host.folders")


def check_not_our_own(folder: str) -> None:
    """Raises TargetNotAllowed when what a run has to write lies on the same file system."""
    for what, own in (("the undo log", paths.state_dir()), ("the run's folder", Path.cwd())):
        if same_space(folder, str(own)):
            raise TargetNotAllowed(
                f"{folder} shares its file system with {what} ({own}), which is never filled",
                hint="use a file system of its own, or move ours: XDG_STATE_HOME=/elsewhere",
                reason="cap",
            )


def same_space(one: str, other: str) -> bool:
    """Whether what one folder takes is missing in the other: one device, or two faces of it (overlay, subvolume)."""
    if Path(one).stat().st_dev == Path(other).stat().st_dev:
        return True
    if room.lies_in_memory(one) or room.lies_in_memory(other):
        return False
    first, second = os.statvfs(one), os.statvfs(other)
    return (first.f_blocks, first.f_frsize, first.f_bavail) == (
        second.f_blocks,
        second.f_frsize,
        second.f_bavail,
    )
