"""A container's memory used up, within its limit: what is left of it is its own processes' to share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from slochaos.faults.docker.container import ContainerFault, Containers
from slochaos.faults.docker.engine import Container, Engine
from slochaos.faults.docker.stress import EndsWithUs, InsideContainer, inside
from slochaos.faults.fault import Ticket
from slochaos.faults.host import room
from slochaos.faults.host.memory import Amount, Hold, oom_kills
from slochaos.faults.operation import Operation
from slochaos.faults.parameters import parameter, share, size
from slochaos.spec.experiment import FaultTraits


@dataclass(frozen=True)
class HoldInside(InsideContainer, Hold):
    """Hold, as one of the container's own processes."""

    kind: ClassVar[str] = "docker.memory"

    def check(self) -> None:
        """See that it runs here, and that it leaves the last tenth of its limit, and of the host, alone."""
        super().check()
        self.available().check(self.amount)

    def available(self) -> room.Room:
        """What the container can have."""
        return room.memory(self.pid)


@dataclass(frozen=True)
class AmountInside(Containers):
    """`amount`: how much it takes ("64MiB"); or `used`: until so much of the container's limit is in use ("80%")."""

    amount: int | None = parameter(size, default=None)
    used: Fraction | None = parameter(share, default=None)


class ContainerMemoryFault(EndsWithUs, ContainerFault):
    """A leak in a container."""

    kind = "docker.memory"
    summary = "uses up a container's memory, within its limit"
    parameters = AmountInside

    def traits(self, given: Mapping[str, Any]) -> FaultTraits:
        """One of the two ways to say how much."""
        asked = self.read(given)
        Amount(asked.amount, asked.used).check(self.kind)
        return super().traits(given)

    def change(self, engine: Engine, found: Container, asked: Any, ticket: Ticket) -> tuple[Operation, ...]:
        """As much as is missing to what was asked for."""
        amount = Amount(asked.amount, asked.used).of(room.memory(found.pid))
        return (HoldInside(**inside(engine, found, ticket), amount=amount, oom_kills=oom_kills()),)


FAULT = ContainerMemoryFault()
OPERATIONS = (HoldInside,)
