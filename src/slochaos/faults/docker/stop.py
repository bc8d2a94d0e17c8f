"""A container stopped for a while, as by an operator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from slochaos.errors import TargetError
from slochaos.faults.docker.container import ContainerFault
from slochaos.faults.docker.ending import LATE_S, Ending, Graceful, grace_of
from slochaos.faults.docker.engine import Container, Engine
from slochaos.faults.fault import Ticket
from slochaos.faults.operation import Operation


@dataclass(frozen=True)
class Stop(Ending):
    """The container stopped as by an operator: its restart policy does not bring it back."""

    kind: ClassVar[str] = "docker.stop"
    evidence_noun: ClassVar[str] = "looks found it stopped"
    grace_s: int

    @property
    def settle_s(self) -> float:
        """A stop whose answer was lost may land for as long as it may take."""
        return self.grace_s + LATE_S

    def perform(self) -> None:
        """Stop it; it has ended when this returns."""
        with Engine(self.daemon) as engine:
            self._expect(engine)
            engine.stop(self.container, self.grace_s)
            if engine.container(self.container).running:
                raise TargetError(f"Docker {self.daemon} stopped {self.name!r}, which still runs")


class StopFault(ContainerFault):
    """A container that went away for a while."""

    kind = "docker.stop"
    summary = "stops a container and starts it again"
    parameters = Graceful

    def change(self, engine: Engine, found: Container, asked: Any, ticket: Ticket) -> tuple[Operation, ...]:
        """One stop."""
        return (Stop(engine.daemon, found.id, found.name, found.started, grace_of(asked, found)),)


FAULT = StopFault()
OPERATIONS = (Stop,)
