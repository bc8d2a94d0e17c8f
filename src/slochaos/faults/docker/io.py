"""The disk below a container kept busy, within its limits: by writes into its own root file system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from slochaos.faults.docker.container import ContainerFault, Containers
from slochaos.faults.docker.engine import Container, Engine
from slochaos.faults.docker.stress import EndsWithUs, InsideContainer, inside
from slochaos.faults.fault import Ticket
from slochaos.faults.host import room
from slochaos.faults.host.io import SPAN, Write
from slochaos.faults.operation import Operation
from slochaos.faults.parameters import parameter, whole


@dataclass(frozen=True)
class WriteInside(InsideContainer, Write):
    """Write, as one of the container's own processes."""

    kind: ClassVar[str] = "docker.io"

    def check(self) -> None:
        """See that it runs here, and that there is room for what is written over and over."""
        super().check()
        room.disk(self.folder).check(self.workers * self.span)


@dataclass(frozen=True)
class Writing(Containers):
    """`workers`: how many processes write at once."""

    workers: int = parameter(whole(1, 64), default=1)


class ContainerIoFault(EndsWithUs, ContainerFault):
    """A container that logs without end."""

    kind = "docker.io"
    summary = "keeps the disk below a container busy, within its limits"
    parameters = Writing

    def change(self, engine: Engine, found: Container, asked: Any, ticket: Ticket) -> tuple[Operation, ...]:
        """Into the root of the container's own file system, which no link of it can lead away from."""
        where = f"/proc/{found.pid}/root"
        return (WriteInside(**inside(engine, found, ticket), folder=where, workers=asked.workers, span=SPAN),)


FAULT = ContainerIoFault()
OPERATIONS = (WriteInside,)
