"""What the faults that use up a container's share of its host have in common: they live in its control groups.

So the container's own limits apply to them, whatever its image has, and the neighbours' shares are theirs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from slochaos.errors import Refused, TargetError
from slochaos.faults.docker.container import ContainerOperation
from slochaos.faults.docker.engine import Container, Engine
from slochaos.faults.fault import Fault, Ticket
from slochaos.faults.host import cgroups
from slochaos.faults.host.stress import ENDS_WITH_US, Stress
from slochaos.faults.operation import Undone

CONTROLLERS = ("cpu", "cpuacct", "cpuset", "memory", "blkio", "io")
"""Not the freezer: what is frozen cannot be ended."""


@dataclass(frozen=True)
class InsideContainer(ContainerOperation, Stress):
    """Stress in the control groups of a container whose first process is `pid`; it ends with that process."""

    pid: int

    @property
    def surroundings(self) -> tuple[str, ...]:
        """Beside its first process, in its groups."""
        groups = [str(group.folder) for group in self._groups()]
        return ("--beside", str(self.pid), *(word for group in groups for word in ("--in", group)))

    def check(self) -> None:
        """See that it runs, as a process of this host."""
        super().check()
        if not self._groups():
            raise Refused(
                f"the processes of {self.name!r} are not on this host, so nothing can be started beside them",
                hint=f"run slochaos where {self.daemon} runs, or use docker.limits",
                reason="not-local",
            )

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """End it, and say what became of its container, if the daemon tells."""
        ended = super().undo(applied=applied, last=last)
        if Path(f"/proc/{self.pid}").exists():
            return ended
        try:
            with Engine(self.daemon) as engine:
                found = self._ours(engine)
        except TargetError:
            return ended
        if isinstance(found, Undone):
            return found
        return Undone(
            "superseded" if applied else "undone", f"{self.name!r} was stopped or restarted meanwhile"
        )

    def _groups(self) -> list[cgroups.ControlGroup]:
        """The container's, known by its id in their names; none where it is another machine's."""
        try:
            found = cgroups.of(str(self.pid), CONTROLLERS)
        except OSError:
            return []
        return [group for group in found if self.container in group.path and group.folder.is_dir()]


def inside(engine: Engine, found: Container, ticket: Ticket) -> dict[str, Any]:
    """The fields of an InsideContainer."""
    return {
        "daemon": engine.daemon,
        "container": found.id,
        "name": found.name,
        "started": found.started,
        "pid": found.pid,
        "tag": f"{ticket.tag}-{found.id[:12]}",
        "expires": float(ticket.expires_wall),
    }


class EndsWithUs(Fault):
    """What the faults have in common that a daemon knows nothing of."""

    lasting: ClassVar[bool] = False

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """Its processes end with the guard."""
        return ENDS_WITH_US
