"""A container that crashes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
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
    """The container's first process killed; its restart policy may bring it back."""

    kind: ClassVar[str] = "docker.kill"
    evidence_noun: ClassVar[str] = "looks found that process gone"
    signal: str

    def perform(self) -> None:
        """Send the signal and see that this start of it is over."""
        with Engine(self.daemon) as engine:
            self._expect(engine)
            engine.kill(self.container, self.signal)


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
