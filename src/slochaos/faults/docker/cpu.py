"""A container's share of the CPU used up, within its limits."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any, ClassVar

from slochaos.faults.docker.container import ContainerFault, Containers
from slochaos.faults.docker.engine import Container, Engine
from slochaos.faults.docker.stress import EndsWithUs, InsideContainer, inside
from slochaos.faults.fault import Ticket
from slochaos.faults.host import stress
from slochaos.faults.host.cpu import Burn
from slochaos.faults.operation import Operation
from slochaos.faults.parameters import parameter, share


@dataclass(frozen=True)
class BurnInside(InsideContainer, Burn):
    """Burn, as one of the container's own processes."""

    kind: ClassVar[str] = "docker.cpu"


@dataclass(frozen=True)
class Load(Containers):
    """`load`: the share that is used of the CPUs that the container may use."""

    load: Fraction = parameter(share, default=Fraction(1))


class ContainerCpuFault(EndsWithUs, ContainerFault):
    """A container that computes more than it should."""

    kind = "docker.cpu"
    summary = "uses up a container's CPU time, within its limits"
    parameters = Load

    def change(self, engine: Engine, found: Container, asked: Any, ticket: Ticket) -> tuple[Operation, ...]:
        """As many workers as it takes."""
        cpus = cpus_of(found)
        workers = ceil(cpus)
        percent = float(100 * asked.load * cpus / workers)
        return (BurnInside(**inside(engine, found, ticket), percent=percent, workers=workers),)


def cpus_of(found: Container) -> Fraction:
    """How many CPUs' time the container may use: its limit, or what this host has."""
    host = Fraction(stress.usable_cpus())
    limits = found.limits
    if limits["NanoCpus"] > 0:
        return min(Fraction(limits["NanoCpus"], 10**9), host)
    if limits["CpuQuota"] > 0:
        return min(Fraction(limits["CpuQuota"], limits["CpuPeriod"] or 100_000), host)
    return host


FAULT = ContainerCpuFault()
OPERATIONS = (BurnInside,)
