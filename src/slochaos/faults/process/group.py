"""What all faults of processes share: finding the allowed ones, and telling one process from the next."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from slochaos.errors import Refused, TargetNotAllowed
from slochaos.faults.allowlist import listed
from slochaos.faults.blast_radius import Reach
from slochaos.faults.fault import Fault, Ticket
from slochaos.faults.host_lock import HostLock
from slochaos.faults.injection import Injection, Member
from slochaos.faults.operation import Operation
from slochaos.faults.parameters import parameter, reach, text
from slochaos.identity import SERVICE, ProcessIdentity, boot_id
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import FaultTraits
from slochaos.spec.targets import AllowedProcesses


@dataclass(frozen=True)
class Processes:
    """The parameters that every fault of processes takes: a group of the allow-list, and how many of it."""

    target: str = parameter(text)
    hit: Reach = parameter(reach, default=Reach())


@dataclass(frozen=True)
class ProcessOperation(Operation):
    """A change to one process, known by pid, start and boot."""

    pid: int
    started: float
    boot: str
    name: str

    @property
    def process(self) -> ProcessIdentity:
        """Which process."""
        return ProcessIdentity(self.pid, self.started, self.boot)

    def check(self) -> None:
        """See that it lives and runs."""
        expect(self.process, self.name)


class ProcessFault(Fault):
    """Base: one change to each of the group's processes that are hit."""

    parameters = Processes

    @property
    @abstractmethod
    def lasting(self) -> bool:
        """Whether it stays when no process of ours lives."""

    @abstractmethod
    def change(self, found: Found, asked: Any, ticket: Ticket) -> Operation:
        """The operation on one process."""

    def check_entry(self, entry: AllowedProcesses) -> None:
        """Raise TargetNotAllowed for groups that this fault cannot take."""

    def traits(self, given: Mapping[str, Any]) -> FaultTraits:
        """The group, and whether it stays."""
        return FaultTraits(target=self.read(given).target, lasting=self.lasting)

    def prepare(self, given: Mapping[str, Any], environment: Environment, ticket: Ticket) -> Injection:
        """The group that the environment lists under this name."""
        asked = self.read(given)
        entry = allowed(asked.target, environment)
        self.check_entry(entry)
        lock = HostLock(f"processes {entry.name}")

        def changes(member: Member) -> tuple[Operation, ...]:
            return (self.change(Found(entry, environment, identity(member), member.name), asked, ticket),)

        return Injection(
            target=f"processes {entry.name}",
            queue=f"processes {entry.name}",
            members=lambda: members(entry, ticket.run_id),
            changes=changes,
            lock=lambda _: lock,
            lock_name=lock.name,
            lock_place=lock.place,
            reach=asked.hit,
            spare=entry.spare,
            lasting=self.lasting,
        )

    def entry(self, given: Mapping[str, Any], environment: Environment) -> str:
        """The group and what tells it."""
        try:
            group = allowed(self.read(given).target, environment)
        except TargetNotAllowed:
            return ""
        what = f"the service {group.service}" if group.service else group.executable
        return f"targets.processes in {environment.path.name}: {group.name} ({what})"


@dataclass(frozen=True)
class Found:
    """One process of a group: who it is, and the entry of the allow-list that it belongs to."""

    entry: AllowedProcesses
    environment: Environment
    process: ProcessIdentity
    name: str

    @property
    def known(self) -> tuple[int, float, str, str]:
        """The fields of a ProcessOperation."""
        return self.process.pid, self.process.started, self.process.boot, self.name


def allowed(name: str, environment: Environment) -> AllowedProcesses:
    """The group of that name. Raises TargetNotAllowed."""
    return listed(name, environment.targets.processes, environment, what="processes", under="processes")


def members(group: AllowedProcesses, run_id: str) -> list[Member]:
    """The processes that the group stands for now, those of this very process left out."""
    own = {process.pid for process in _own()}
    return [
        Member(f"{process.pid}:{process.create_time()}", f"{group.name} (pid {process.pid})")
        for process in matching(group, run_id)
        if process.pid not in own
    ]


def matching(group: AllowedProcesses, run_id: str) -> Iterator[psutil.Process]:
    """Every living process that the entry describes; of a service only the one that was started for it."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.status() != psutil.STATUS_ZOMBIE and _is_one(process, group, run_id):
                yield process


def identity(member: Member) -> ProcessIdentity:
    """The process that a member stands for."""
    pid, _, started = member.key.partition(":")
    return ProcessIdentity(int(pid), float(started), boot_id())


def expect(process: ProcessIdentity, name: str) -> psutil.Process:
    """The living process, before a change. Raises Refused when it is another one, or is stopped already."""
    if not process.alive():
        raise Refused(f"{name} ended just now", reason="no-target")
    found = psutil.Process(process.pid)
    if any(each.status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP) for each in tree(found)):
        raise Refused(
            f"{name} is stopped already, or a debugger holds it",
            hint="let it go on first, or find out who did that",
            reason="already-down",
        )
    return found


def tree(process: psutil.Process) -> list[psutil.Process]:
    """A process and its living descendants."""
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def _is_one(process: psutil.Process, group: AllowedProcesses, run_id: str) -> bool:
    if group.service:
        marked = process.environ().get(SERVICE) == f"{run_id}/{group.service}"
        parent = process.parent()
        return marked and (parent is None or parent.environ().get(SERVICE) != f"{run_id}/{group.service}")
    if group.user and process.username() != group.user:
        return False
    arguments = process.cmdline()[1:]
    same = Path(process.exe()) == Path(group.executable).resolve()
    return same and all(each in arguments for each in group.arguments)


def _own() -> list[psutil.Process]:
    """This process and those above it: the run itself."""
    here = psutil.Process()
    return [here, *here.parents()]
