"""What all faults of processes share: finding the allowed ones, and telling one process from the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from slochaos.errors import Refused, TargetNotAllowed
from slochaos.faults.blast_radius import Reach
from slochaos.faults.injection import Member
from slochaos.faults.parameters import parameter, reach, text
from slochaos.identity import SERVICE, ProcessIdentity, boot_id
from slochaos.spec.environment import Environment
from slochaos.spec.nearest import nearest
from slochaos.spec.targets import AllowedProcesses


@dataclass(frozen=True)
class Processes:
    """The parameters that every fault of processes takes: a group of the allow-list, and how many of it."""

    target: str = parameter(text)
    hit: Reach = parameter(reach, default=Reach())


def allowed(name: str, environment: Environment) -> AllowedProcesses:
    """The group of that name. Raises TargetNotAllowed."""
    groups = {group.name: group for group in environment.targets.processes}
    if name not in groups:
        listed = ", ".join(sorted(groups)) or "none"
        raise TargetNotAllowed(
            f"the environment {environment.name!r} does not allow faults on the processes {name!r}",
            hint=nearest(name, groups)
            or f"allowed: {listed}; list it under targets.processes in {environment.path}",
        )
    return groups[name]


def entry(name: str, environment: Environment) -> str:
    """The allow-list's entry as a plan shows it; empty when there is none."""
    try:
        group = allowed(name, environment)
    except TargetNotAllowed:
        return ""
    what = f"the service {group.service}" if group.service else group.executable
    return f"targets.processes in {environment.path.name}: {group.name} ({what})"


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
