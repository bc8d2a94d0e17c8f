"""A container that crashes."""

from __future__ import annotations

import os
import re
import signal as signals
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from slochaos.errors import InvalidInput
from slochaos.faults.docker.container import ContainerFault, Containers
from slochaos.faults.docker.ending import Ending
from slochaos.faults.docker.engine import Container, Engine
from slochaos.faults.fault import Ticket
from slochaos.faults.operation import Operation
from slochaos.faults.parameters import parameter


@dataclass(frozen=True)
class Kill(Ending):
    """The container's first process killed; its restart policy may bring it back.

    Docker takes a kill by its API for an operator's, and then leaves the container down. So where the process is
    one of this host it is killed there, as in a crash.
    """

    kind: ClassVar[str] = "docker.kill"
    evidence_noun: ClassVar[str] = "looks found that process gone"
    signal: str

    def perform(self) -> None:
        """Send the signal."""
        with Engine(self.daemon) as engine:
            found = self._expect(engine)
            if not self._killed_here(found.pid):
                engine.kill(self.container, self.signal)

    def _killed_here(self, pid: int) -> bool:
        """Whether the process is known to be this container's on this host, and was sent the signal here."""
        try:
            if self.container not in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8"):
                return False
            os.kill(pid, signals.Signals[self.signal])
        except (OSError, KeyError):
            return False
        return True


def signal_name(value: Any) -> str:
    """A signal by name: `SIGKILL`, `SIGTERM`."""
    if not isinstance(value, str) or not re.fullmatch(r"SIG[A-Z0-9]{2,10}", value):
        raise InvalidInput(f"{value!r} is no signal", hint='for example "SIGKILL"')
    return value


@dataclass(frozen=True)
class Killing(Containers):
    """`signal`: what its first process is sent."""

    signal: str = parameter(signal_name, default="SIGKILL")


class KillFault(ContainerFault):
    """A crash."""

    kind = "docker.kill"
    summary = "kills a container; whatever restarts it is tested, and it is started again if nothing has"
    parameters = Killing

    def change(self, engine: Engine, found: Container, asked: Any, ticket: Ticket) -> tuple[Operation, ...]:
        """One signal."""
        return (Kill(engine.daemon, found.id, found.name, found.started, asked.signal),)

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """Its restart policy is the daemon's business."""
        return "stays down until recovered, unless its restart policy brings it back"


FAULT = KillFault()
OPERATIONS = (Kill,)
