"""A container taken off its networks: it runs on, alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from slochaos.errors import Refused, TargetError
from slochaos.faults.docker.container import ContainerFault, ContainerOperation, Containers
from slochaos.faults.docker.engine import Container, Engine
from slochaos.faults.fault import Ticket
from slochaos.faults.operation import Operation, Sight, Undone
from slochaos.faults.parameters import parameter, text

FIXED = ("host", "none")
"""Networks that a running container cannot leave."""


@dataclass(frozen=True)
class Disconnect(ContainerOperation):
    """The container off one network. `aliases`, `links` and addresses are what it had there, and gets back.

    `address` is the one it was given; one that was not configured may be another after it is connected again.
    """

    kind: ClassVar[str] = "docker.disconnect"
    evidence_noun: ClassVar[str] = "looks found it off the network"
    network: str
    network_id: str
    address: str
    aliases: tuple[str, ...]
    links: tuple[str, ...]
    ipv4: str
    ipv6: str

    def __post_init__(self) -> None:
        for name in ("aliases", "links"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def perform(self) -> None:
        """Disconnect it and read that back."""
        with Engine(self.daemon) as engine:
            if self._endpoint(self._expect(engine)) is None:
                raise Refused(
                    f"the container {self.name!r} is not on {self.network!r}", reason="already-down"
                )
            engine.disconnect(self.container, self.network_id)
            if self._endpoint(engine.container(self.container)) is not None:
                raise TargetError(f"Docker {self.daemon} still shows {self.name!r} on {self.network!r}")

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """Connect it again as it was, if it is not connected."""
        with Engine(self.daemon) as engine:
            found = self._ours(engine)
            if isinstance(found, Undone):
                return found
            if self._endpoint(found) is not None:
                by_others = "somebody connected it meanwhile" if applied else ""
                return Undone("superseded" if applied else "undone", by_others)
            if not engine.has_network(self.network_id):
                return Undone("gone", f"the network {self.network!r} was removed")
            engine.connect(
                self.container,
                self.network_id,
                aliases=list(self.aliases) or None,
                links=[link.split(":", 1) for link in self.links] or None,
                ipv4_address=self.ipv4 or None,
                ipv6_address=self.ipv6 or None,
            )
            return self._verified(engine.container(self.container))

    def look(self) -> Sight | None:
        """Whether it has no endpoint there."""
        with Engine(self.daemon) as engine:
            found = self._ours(engine)
        return Sight(not isinstance(found, Undone) and self._endpoint(found) is None)

    def by_hand(self) -> str:
        """Connect it with its aliases and its configured addresses."""
        words = [word for alias in self.aliases for word in ("--alias", alias)]
        words += [word for link in self.links for word in ("--link", link)]
        words += ["--ip", self.ipv4] if self.ipv4 else []
        words += ["--ip6", self.ipv6] if self.ipv6 else []
        return self._docker("network", "connect", *words, self.network, self.container)

    def _endpoint(self, found: Container) -> Any:
        ids = {about.get("NetworkID"): about for about in found.networks.values()}
        return ids.get(self.network_id)

    def _verified(self, after: Container) -> Undone:
        endpoint = self._endpoint(after)
        if endpoint is None or not set(self.aliases) <= set(endpoint.get("Aliases") or ()):
            raise TargetError(
                f"Docker {self.daemon} does not show {self.name!r} on {self.network!r} as it was"
            )
        address = str(endpoint.get("IPAddress") or "")
        moved = after.running and self.address and address != self.address
        return Undone("undone", f"its address is {address} now, it was {self.address}" if moved else "")


@dataclass(frozen=True)
class Disconnecting(Containers):
    """`network`: the one to leave; all of the container's when not given."""

    network: str = parameter(text, default="")


class DisconnectFault(ContainerFault):
    """A container that is cut off."""

    kind = "docker.disconnect"
    summary = "takes a container off its networks"
    parameters = Disconnecting

    def change(self, engine: Engine, found: Container, asked: Any, ticket: Ticket) -> tuple[Operation, ...]:
        """One disconnection per network."""
        on = {
            name: about
            for name, about in found.networks.items()
            if name not in FIXED and asked.network in ("", name)
        }
        if not on:
            where = asked.network or "any network that it could leave"
            raise Refused(f"the container {found.name!r} is not on {where}", reason="no-target")
        return tuple(_disconnect(engine.daemon, found, name, about) for name, about in sorted(on.items()))


def _disconnect(daemon: str, found: Container, network: str, about: Any) -> Disconnect:
    configured = about.get("IPAMConfig") or {}
    # Docker adds the short id by itself, and only networks of users know aliases.
    aliases = [alias for alias in about.get("Aliases") or () if alias != found.id[:12]]
    return Disconnect(
        daemon,
        found.id,
        found.name,
        found.started,
        network=network,
        network_id=about["NetworkID"],
        address=str(about.get("IPAddress") or ""),
        aliases=tuple(aliases),
        links=tuple(about.get("Links") or ()),
        ipv4=str(configured.get("IPv4Address") or ""),
        ipv6=str(configured.get("IPv6Address") or ""),
    )


FAULT = DisconnectFault()
OPERATIONS = (Disconnect,)
