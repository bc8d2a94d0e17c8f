"""Memory used up: by a process that keeps it resident, and that the kernel's OOM killer takes before any other."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import psutil

from slochaos.errors import InvalidInput, Refused, TargetNotAllowed
from slochaos.faults.fault import Fault, Ticket
from slochaos.faults.host import room, stress
from slochaos.faults.host.stress import READY_S, Stress
from slochaos.faults.host_lock import HostLock
from slochaos.faults.injection import Injection, Member
from slochaos.faults.operation import Sight
from slochaos.faults.parameters import parameter, share, size
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import FaultTraits

SLOWEST_BYTES_S = 100e6
CLOSE = 0.05


@dataclass(frozen=True)
class Hold(Stress):
    """`amount` bytes resident. `oom_kills`: how many processes the kernel had killed for memory before."""

    kind: ClassVar[str] = "host.memory"
    evidence_noun: ClassVar[str] = "looks found it resident"
    amount: int
    oom_kills: int

    @property
    def ready_s(self) -> float:
        """Pages are handed out one by one."""
        return READY_S + self.amount / SLOWEST_BYTES_S

    def arguments(self) -> tuple[str, ...]:
        """How much, and what has to stay."""
        return ("memory", str(self.amount), str(room.host_memory().reserve))

    def check(self) -> None:
        """See that it leaves the reserve alone."""
        self.available().check(self.amount)

    def available(self) -> room.Room:
        """What it can have."""
        return room.memory()

    def look(self) -> Sight | None:
        """What the kernel says is resident: seen when it is what was asked for."""
        resident = 0
        for process in self.processes():
            with suppress(psutil.Error):
                resident += process.memory_info().rss
        return Sight(resident >= (1 - CLOSE) * self.amount, resident)

    def size_text(self, size: float) -> str:
        """Beside what was asked."""
        return f"{room.in_words(size)} (asked: {room.in_words(self.amount)})"

    def killer(self) -> str:
        """The kernel, if it has killed for memory since."""
        return ", by the kernel's OOM killer" if oom_kills() > self.oom_kills else ""


@dataclass(frozen=True)
class Amount:
    """`amount`: how much it takes ("512MiB"); or `used`: until so much of all memory is in use ("80%")."""

    amount: int | None = parameter(size, default=None)
    used: Fraction | None = parameter(share, default=None)

    def check(self, kind: str) -> None:
        """Raises InvalidInput unless it is exactly one of the two."""
        if (self.amount is None) == (self.used is None):
            raise InvalidInput(
                f'the fault {kind} takes either "amount" or "used"', hint='for example "used": "80%"'
            )

    def of(self, found: room.Room) -> int:
        """Bytes to take, as things are now. Raises Refused when as much is in use already."""
        if self.used is None:
            return self.amount or 0
        amount = int(self.used * found.total) - (found.total - found.free)
        if amount <= 0:
            raise Refused(f"more than that of {found.place} is in use already", reason="no-effect")
        return amount


class MemoryFault(Fault):
    """A neighbour that needs the memory, or a leak."""

    kind = "host.memory"
    summary = "uses up memory of this host"
    parameters = Amount

    def traits(self, given: Mapping[str, Any]) -> FaultTraits:
        """One of the two ways to say how much."""
        self.read(given).check(self.kind)
        return FaultTraits(target=self.kind)

    def prepare(self, given: Mapping[str, Any], environment: Environment, ticket: Ticket) -> Injection:
        """This host's memory."""
        asked = self.read(given)
        if not environment.targets.host.memory:
            raise TargetNotAllowed(
                f"the environment {environment.name!r} does not allow faults on this host's memory",
                hint=f"say memory: true under targets.host in {environment.path}",
            )
        lock = HostLock("memory")
        return Injection(
            "this host's memory",
            "host memory",
            members=lambda: (Member("host memory", "this host's memory"),),
            changes=lambda _: (
                Hold(
                    *stress.lives_until(ticket),
                    amount=asked.of(room.memory()),
                    oom_kills=oom_kills(),
                ),
            ),
            lock=lambda _: lock,
            lock_name=lock.name,
            lock_place=lock.place,
        )

    def entry(self, given: Mapping[str, Any], environment: Environment) -> str:
        """The flag that allows it."""
        return f"targets.host in {environment.path.name}: memory" if environment.targets.host.memory else ""

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """Its process ends with the guard."""
        return stress.ENDS_WITH_US


def oom_kills() -> int:
    """How many processes the kernel has killed for memory since the boot; 0 where it does not tell."""
    with suppress(OSError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


FAULT = MemoryFault()
OPERATIONS = (Hold,)
