"""The processes of this host that faults may pause or kill."""

from __future__ import annotations

from dataclasses import dataclass

from slochaos.spec.fields import Field
from slochaos.spec.nodes import quoted
from slochaos.spec.targets.spare import read_spare


@dataclass(frozen=True)
class AllowedProcesses:
    """Processes that run `executable` with all of `arguments` among theirs, as `user` if one is named.

    Where `service` is named instead, that service of the environment. `restart` is the command that brings a
    killed one back; without it, whoever supervises it has to. `spare` of them have to stay untouched.
    """

    name: str
    executable: str = ""
    arguments: tuple[str, ...] = ()
    user: str = ""
    service: str = ""
    restart: tuple[str, ...] = ()
    spare: int = 0


def read_processes(entries: list[Field]) -> tuple[AllowedProcesses, ...]:
    """The groups under `targets.processes`. Raises InvalidInput."""
    groups: dict[str, AllowedProcesses] = {}
    for each in entries:
        group = _group(each)
        if group.name in groups:
            raise each.error(f"a second group of processes named {quoted(group.name)}")
        groups[group.name] = group
    return tuple(groups.values())


def _group(field: Field) -> AllowedProcesses:
    section = field.section(
        required=("name",), optional=("executable", "arguments", "user", "service", "restart", "spare")
    )
    group = AllowedProcesses(
        name=section["name"].name(),
        executable=section.get("executable", Field.text, ""),
        arguments=tuple(each.scalar() for each in section.items("arguments")),
        user=section.get("user", Field.text, ""),
        service=section.get("service", Field.text, ""),
        restart=tuple(each.scalar() for each in section.items("restart")),
        spare=read_spare(section),
    )
    if bool(group.executable) == bool(group.service):
        raise field.error("names either an executable or a service", "executable: /usr/bin/NAME")
    if group.executable and not group.executable.startswith("/"):
        raise section["executable"].error("is no absolute path")
    return group
