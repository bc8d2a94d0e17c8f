"""CPU time used up: by processes that keep an exact share of it, on a busy machine too."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import psutil

from slochaos import clock
from slochaos.errors import TargetNotAllowed
from slochaos.faults.fault import Fault, Ticket
from slochaos.faults.host import stress
from slochaos.faults.host.stress import Stress
from slochaos.faults.host_lock import HostLock
from slochaos.faults.injection import Injection
from slochaos.faults.operation import Sight
from slochaos.faults.parameters import parameter, share, whole
from slochaos.spec.environment import Environment

LOOK_S = 0.5


@dataclass(frozen=True)
class Burn(Stress):
    """`workers` processes that use `percent` of a CPU each."""

    kind: ClassVar[str] = "host.cpu"
    evidence_noun: ClassVar[str] = "looks found it using CPU time"
    percent: float
    workers: int

    def arguments(self) -> tuple[str, ...]:
        """Share and number."""
        return ("cpu", str(self.percent / 100), str(self.workers))

    def look(self) -> Sight | None:
        """The CPU time that the kernel counts for them over half a second: seen from half of what was asked on."""
        began, before = clock.now(), self._used()
        time.sleep(LOOK_S)
        passed, after = clock.now() - began, self._used()
        used = sum(after[pid] - before[pid] for pid in before.keys() & after.keys())
        percent = 100 * used / passed / self.workers
        return Sight(percent >= self.percent / 2, percent)

    def size_text(self, size: float) -> str:
        """Per worker, beside what was asked."""
        each = f" for each of {self.workers} workers" if self.workers > 1 else ""
        return f"{size:.1f} % of a CPU{each} (asked: {self.percent:g} %)"

    def _used(self) -> dict[int, float]:
        """Seconds by process."""
        used = {}
        for process in self.processes():
            with suppress(psutil.Error):
                times = process.cpu_times()
                used[process.pid] = times.user + times.system
        return used


@dataclass(frozen=True)
class Load:
    """`load`: the share of a CPU that each worker uses; `workers`: as many as there are CPUs, unless given."""

    load: Fraction = parameter(share)
    workers: int | None = parameter(whole(1, 1024), default=None)


class CpuFault(Fault):
    """A neighbour that needs the CPU."""

    kind = "host.cpu"
    summary = "uses up CPU time of this host"
    parameters = Load

    def prepare(self, given: Mapping[str, Any], environment: Environment, ticket: Ticket) -> Injection:
        """This host's CPUs."""
        asked = self.read(given)
        if not environment.targets.host.cpu:
            raise TargetNotAllowed(
                f"the environment {environment.name!r} does not allow faults on this host's CPU",
                hint=f"say cpu: true under targets.host in {environment.path}",
            )
        workers = asked.workers or stress.usable_cpus()
        burn = Burn(*stress.lives_until(ticket), percent=float(asked.load * 100), workers=workers)
        return Injection.of_one("this host's CPU", "host cpu", (burn,), HostLock("cpu"))

    def entry(self, given: Mapping[str, Any], environment: Environment) -> str:
        """The flag that allows it."""
        return f"targets.host in {environment.path.name}: cpu" if environment.targets.host.cpu else ""

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """Its processes end with the guard."""
        return stress.ENDS_WITH_US


FAULT = CpuFault()
OPERATIONS = (Burn,)
