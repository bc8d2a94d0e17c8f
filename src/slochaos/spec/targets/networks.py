"""The traffic of this host that faults may disturb: by network namespace, peer and port."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal, cast

from slochaos.errors import InvalidInput
from slochaos.spec.fields import Field
from slochaos.spec.nodes import quoted


@dataclass(frozen=True)
class AllowedNetwork:
    """The packets between a network namespace and one port of one peer (an address or a network).

    `namespace` is a path such as /run/netns/app, empty for the host's own. `interface` is what leads to the peer,
    where a fault has to know it; empty: as the routes say.
    """

    name: str
    peer: str
    port: int
    protocol: Literal["tcp", "udp"] = "tcp"
    namespace: str = ""
    interface: str = ""


def read_networks(entries: list[Field]) -> tuple[AllowedNetwork, ...]:
    """The entries under `targets.networks`. Raises InvalidInput."""
    found: dict[str, AllowedNetwork] = {}
    for each in entries:
        network = _network(each)
        if network.name in found:
            raise each.error(f"a second network named {quoted(network.name)}")
        found[network.name] = network
    return tuple(found.values())


def _network(field: Field) -> AllowedNetwork:
    section = field.section(
        required=("name", "peer", "port"), optional=("protocol", "namespace", "interface")
    )
    protocol = section.get("protocol", lambda each: each.one_of("tcp", "udp"), "tcp")
    namespace = section.get("namespace", Field.text, "")
    if namespace and not namespace.startswith("/"):
        raise section["namespace"].error("is no absolute path", "for example /run/netns/NAME")
    return AllowedNetwork(
        name=section["name"].name(),
        peer=section["peer"].parsed(_peer),
        port=section["port"].whole(1, 65535),
        protocol=cast("Literal['tcp', 'udp']", protocol),
        namespace=namespace,
        interface=section.get("interface", Field.text, ""),
    )


def _peer(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise InvalidInput(
            f"{quoted(text)} is neither an address nor a network", hint="for example 10.0.0.5 or 10.1.0.0/16"
        ) from error
