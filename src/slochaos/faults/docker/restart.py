"""A container restarted, as by a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from slochaos.faults.docker.container import ContainerFault
from slochaos.faults.docker.ending import LATE_S, Ending, Graceful, grace_of
from slochaos.faults.docker.engine import Container, Engine
from slochaos.faults.fault import Ticket
from slochaos.faults.operation import Operation


@dataclass(frozen=True)
class Restart(Ending):
    """The container restarted."""

    kind: ClassVar[str] = "docker.restart"
    evidence_noun: ClassVar[str] = "looks found it started anew"
    grace_s: int

    @property
    def settle_s(self) -> float:
        """As for a stop."""
        return self.grace_s + LATE_S

    def perform(self) -> None:
        """Restart it."""
        with Engine(self.daemon) as engine:
            self._expect(engine)
            engine.restart(self.container, self.grace_s)


class RestartFault(ContainerFault):
    """A deployment, or an operator's restart."""

    kind = "docker.restart"
    summary = "restarts a container"
    parameters = Graceful
    lasting = False

    def change(self, engine: Engine, found: Container, asked: Any, ticket: Ticket) -> tuple[Operation, ...]:
        """One restart."""
        return (Restart(engine.daemon, found.id, found.name, found.started, grace_of(asked, found)),)

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """The daemon finishes what it was asked."""
        return "nothing stays: the daemon starts it again"


FAULT = RestartFault()
OPERATIONS = (Restart,)
