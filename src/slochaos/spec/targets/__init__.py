"""Where faults may go: the allow-list of an environment, a kind of target each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from slochaos.spec.fields import Field
from slochaos.spec.targets.containers import AllowedContainers, read_containers
from slochaos.spec.targets.host import AllowedFolder, AllowedHost, read_host
from slochaos.spec.targets.networks import AllowedNetwork, read_networks
from slochaos.spec.targets.processes import AllowedProcesses, read_processes
from slochaos.spec.targets.proxies import AllowedProxy, read_proxies

__all__ = [
    "AllowedContainers",
    "AllowedFolder",
    "AllowedHost",
    "AllowedNetwork",
    "AllowedProcesses",
    "AllowedProxy",
    "Targets",
    "read_targets",
]


@dataclass(frozen=True)
class Targets:
    """Everything that an environment lets faults touch; nothing else is touched."""

    proxies: tuple[AllowedProxy, ...] = ()
    containers: tuple[AllowedContainers, ...] = ()
    host: AllowedHost = field(default_factory=AllowedHost)
    processes: tuple[AllowedProcesses, ...] = ()
    networks: tuple[AllowedNetwork, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values for another process of the run."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Targets:
        """What `to_json` gave, after it went through JSON."""
        known = {name: _tuples(values) for name, values in data.items()}
        return cls(
            proxies=tuple(AllowedProxy(**each) for each in known["proxies"]),
            containers=tuple(AllowedContainers(**each) for each in known["containers"]),
            host=AllowedHost.from_json(known["host"]),
            processes=tuple(AllowedProcesses(**each) for each in known["processes"]),
            networks=tuple(AllowedNetwork(**each) for each in known["networks"]),
        )


def read_targets(written: Field) -> Targets:
    """The `targets` of an environment's file. Raises InvalidInput."""
    section = written.section(optional=("toxiproxy", "docker", "host", "processes", "networks"))
    return Targets(
        proxies=read_proxies(list(section.items("toxiproxy"))),
        containers=read_containers(list(section.items("docker"))),
        host=section.get("host", read_host, AllowedHost()),
        processes=read_processes(list(section.items("processes"))),
        networks=read_networks(list(section.items("networks"))),
    )


def _tuples(value: Any) -> Any:
    """Lists as tuples, all the way down."""
    if isinstance(value, dict):
        return {name: _tuples(each) for name, each in value.items()}
    return tuple(_tuples(each) for each in value) if isinstance(value, list) else value
