"""The Docker containers that faults may touch: groups by labels, on named daemons."""

from __future__ import annotations

from dataclasses import dataclass

from slochaos.spec.fields import Field
from slochaos.spec.nodes import quoted
from slochaos.spec.targets.spare import read_spare

DAEMON = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class AllowedContainers:
    """All containers of a daemon that carry every one of these labels; `spare` of them have to stay untouched."""

    daemon: str
    name: str
    labels: tuple[tuple[str, str], ...]
    spare: int = 0


def read_containers(daemons: list[Field]) -> tuple[AllowedContainers, ...]:
    """The groups of every daemon under `targets.docker`. Raises InvalidInput."""
    groups: dict[str, AllowedContainers] = {}
    for daemon in daemons:
        entry = daemon.section(required=("containers",), optional=("daemon",))
        url = entry.get("daemon", _daemon, DAEMON)
        for each in entry.items("containers"):
            group = _group(url, each)
            if group.name in groups:
                raise each.error(f"a second group of containers named {quoted(group.name)}")
            groups[group.name] = group
    return tuple(groups.values())


def _daemon(field: Field) -> str:
    url = field.text()
    if not url.startswith(("unix:///", "tcp://", "ssh://", "https://", "http://")):
        raise field.error(f"{quoted(url)} is no address of a Docker daemon", f"for example {DAEMON}")
    return url


def _group(daemon: str, field: Field) -> AllowedContainers:
    section = field.section(required=("name", "labels"), optional=("spare",))
    labels = {str(name): value.scalar() for name, value in section["labels"].members().items()}
    if not labels:
        raise section["labels"].error("is empty", "a group is told by at least one label")
    return AllowedContainers(daemon, section["name"].name(), tuple(labels.items()), read_spare(section))
