"""A container's CPU and memory limits squeezed: it runs on, with less."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from slochaos.errors import InvalidInput, Refused, TargetError
from slochaos.faults.docker.container import ContainerFault, ContainerOperation, Containers
from slochaos.faults.docker.engine import LIMITS, Container, Engine
from slochaos.faults.fault import Ticket
from slochaos.faults.operation import Operation, Sight, Undone
from slochaos.faults.parameters import parameter, size
from slochaos.spec.experiment import FaultTraits

PERIOD_US = 100_000
UNLIMITED = 2**63 - 4096
"""What the kernel calls no limit of memory. The API can lower a limit, and has no word for taking it away."""
SMALLEST = 6 * 1024 * 1024


@dataclass(frozen=True)
class Squeeze(ContainerOperation):
    """Limits set: `before` is what stood there, `during` what is set instead, by the API's names."""

    kind: ClassVar[str] = "docker.limits"
    evidence_noun: ClassVar[str] = "looks found it limited by its kernel"
    before: dict[str, Any]
    during: dict[str, Any]
    restored: dict[str, Any]

    def perform(self) -> None:
        """Set the limits and read them back."""
        with Engine(self.daemon) as engine:
            if not self._stands(self._expect(engine), self.before):
                raise Refused(
                    f"somebody changed the limits of {self.name!r} just now", reason="already-changed"
                )
            engine.update(self.container, self.during)
            if not self._stands(engine.container(self.container), self.during):
                raise TargetError(
                    f"Docker {self.daemon} took the limits of {self.name!r} but does not show them"
                )

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """Set what stood before, if what stands now is ours."""
        with Engine(self.daemon) as engine:
            found = self._ours(engine)
            if isinstance(found, Undone):
                return found
            if not self._stands(found, self.during):
                theirs = applied and "somebody changed its limits meanwhile"
                return Undone("superseded" if theirs else "undone", theirs or "")
            engine.update(self.container, self.restored)
            if not self._stands(engine.container(self.container), self.restored):
                raise TargetError(f"Docker {self.daemon} does not show the old limits of {self.name!r}")
            return Undone("undone")

    def look(self) -> Sight | None:
        """Whether the kernel's own counters show the limit."""
        with Engine(self.daemon) as engine:
            found, stats = self._ours(engine), engine.stats(self.container)
        if isinstance(found, Undone) or not self._stands(found, self.during):
            return Sight(seen=False)
        memory = self.during.get("Memory")
        return Sight(memory is None or stats.get("memory_stats", {}).get("limit") == memory)

    def by_hand(self) -> str:
        """Docker's own client, with what stood before."""
        flags = {
            "NanoCpus": "--cpus",
            "CpuQuota": "--cpu-quota",
            "CpuPeriod": "--cpu-period",
            "Memory": "--memory",
            "MemorySwap": "--memory-swap",
        }
        words = []
        for name, value in self.restored.items():
            words += [flags[name], f"{value / 1e9:g}" if name == "NanoCpus" else str(value)]
        return self._docker("update", *words, self.container)

    def _stands(self, found: Container, limits: Mapping[str, int]) -> bool:
        return all(_same(found.limits[name], value) for name, value in limits.items())


def cpus_of(value: Any) -> Fraction:
    """A number of CPUs, exactly as written."""
    text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    found = Fraction(text) if re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text) else Fraction(0)
    if found < Fraction(1, 100):
        raise InvalidInput(f"{value!r} is no number of CPUs from 0.01 up", hint='for example "0.2"')
    return found


@dataclass(frozen=True)
class Limiting(Containers):
    """`cpus`: how many CPUs' time it gets ("0.2"); `memory`: how much it may use ("64MiB")."""

    cpus: Fraction | None = parameter(cpus_of, default=None)
    memory: int | None = parameter(size, default=None)


class LimitsFault(ContainerFault):
    """A container that was given too little."""

    kind = "docker.limits"
    summary = "squeezes the CPU and memory limits of a container"
    parameters = Limiting

    def traits(self, given: Mapping[str, Any]) -> FaultTraits:
        """At least one limit."""
        asked = self.read(given)
        if asked.cpus is None and asked.memory is None:
            raise InvalidInput("the fault docker.limits names no limit", hint='add "cpus" or "memory"')
        if asked.memory is not None and asked.memory < SMALLEST:
            raise InvalidInput("the fault docker.limits: Docker allows no memory limit below 6 MiB")
        return super().traits(given)

    def change(self, engine: Engine, found: Container, asked: Any, ticket: Ticket) -> tuple[Operation, ...]:
        """One update."""
        during: dict[str, int] = {}
        restored: dict[str, int] = {}
        if asked.cpus is not None:
            _plan_cpu(found, asked.cpus, during, restored)
        if asked.memory is not None:
            _plan_memory(engine, found, asked.memory, during, restored)
        before = {name: found.limits[name] for name in LIMITS if name in during}
        change = Squeeze(
            engine.daemon,
            found.id,
            found.name,
            found.started,
            before=before,
            during=during,
            restored=restored,
        )
        return (change,)


def _plan_cpu(found: Container, cpus: Fraction, during: dict[str, int], restored: dict[str, int]) -> None:
    """By the same one of the API's two ways in which it was limited before: it refuses to mix them."""
    if found.limits["NanoCpus"] > 0:
        _check_less(cpus * 10**9, found.limits["NanoCpus"], found, "CPU")
        during["NanoCpus"], restored["NanoCpus"] = int(cpus * 10**9), found.limits["NanoCpus"]
        return
    period, quota = found.limits["CpuPeriod"] or PERIOD_US, found.limits["CpuQuota"]
    if quota > 0:
        _check_less(cpus * period, quota, found, "CPU")
    during |= {"CpuPeriod": period, "CpuQuota": int(cpus * period)}
    restored |= {"CpuPeriod": period, "CpuQuota": quota if quota > 0 else -1}


def _plan_memory(
    engine: Engine, found: Container, memory: int, during: dict[str, int], restored: dict[str, int]
) -> None:
    before, swap = found.limits["Memory"], found.limits["MemorySwap"]
    if before > 0:
        _check_less(memory, before, found, "memory")
    during |= {"Memory": memory, "MemorySwap": memory}
    unlimited_swap = -1 if engine.uses_one_hierarchy() else UNLIMITED
    restored |= {
        "Memory": before if before > 0 else UNLIMITED,
        "MemorySwap": swap if swap > 0 else unlimited_swap,
    }


def _check_less(asked: Fraction | int, before: int, found: Container, what: str) -> None:
    if asked >= before:
        raise Refused(
            f"the {what} limit of {found.name!r} is not above what was asked for, so nothing would be squeezed",
            reason="no-effect",
        )


def _same(one: int, other: int) -> bool:
    """Whether two limits are the same to the kernel: 0, -1 and its own largest number are all none."""
    return one == other or (_is_none(one) and _is_none(other))


def _is_none(limit: int) -> bool:
    return limit <= 0 or limit >= UNLIMITED


FAULT = LimitsFault()
OPERATIONS = (Squeeze,)
