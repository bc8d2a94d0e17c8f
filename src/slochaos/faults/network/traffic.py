"""What all faults of packets share: which traffic of which entry of the allow-list is meant."""

from __future__ import annotations

import ipaddress
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from slochaos import clock
from slochaos.errors import Refused, TargetError, TargetGone, TargetNotAllowed
from slochaos.faults.allowlist import listed
from slochaos.faults.fault import Fault, Ticket
from slochaos.faults.host_lock import HostLock
from slochaos.faults.injection import Injection
from slochaos.faults.network.namespace import Namespace
from slochaos.faults.operation import Operation
from slochaos.faults.parameters import parameter, text
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import FaultTraits
from slochaos.spec.targets import AllowedNetwork

Direction = Literal["in", "out", "both"]


@dataclass(frozen=True)
class Traffic:
    """The parameter that every fault of packets takes: an entry of the allow-list."""

    target: str = parameter(text)


@dataclass(frozen=True)
class PacketOperation(Operation):
    """A change to the packets to and from one port of one peer, in one namespace, marked with `tag`."""

    tag: str
    namespace: str
    inode: int
    interface: str
    peer: str
    protocol: str
    port: int
    lasts_s: int

    @property
    def where(self) -> Namespace:
        """The namespace that was meant."""
        return Namespace(self.namespace, self.inode)

    @property
    def version(self) -> int:
        """4 or 6."""
        return ipaddress.ip_network(self.peer).version

    tools: ClassVar[tuple[str, ...]] = ()
    """The kernel's tools that it needs."""

    def check(self) -> None:
        """See that the namespace is there, and what it takes to change it."""
        self._expect()

    def _expect(self) -> Namespace:
        if not self.where.exists():
            raise Refused(f"the network namespace {self.namespace} is another one now", reason="no-target")
        self.where.require(*self.tools)
        return self.where


class PacketFault(Fault):
    """Base: one change to the traffic of one entry."""

    parameters = Traffic

    def traits(self, given: Mapping[str, Any]) -> FaultTraits:
        """The entry's name; each expires by itself."""
        return FaultTraits(target=self.read(given).target)

    @abstractmethod
    def change(self, where: dict[str, Any], asked: Any, ticket: Ticket) -> Operation:
        """The operation; `where` are the fields of `PacketOperation`."""

    def prepare(self, given: Mapping[str, Any], environment: Environment, ticket: Ticket) -> Injection:
        """The traffic that the environment lists under this name."""
        asked = self.read(given)
        entry = allowed(asked.target, environment)
        lock = HostLock(f"packets {entry.namespace} {entry.peer} {entry.protocol} {entry.port}")
        injection = Injection.of_one(
            f"packets {entry.name} ({entry.protocol} {entry.peer} port {entry.port})",
            lock.key,
            (),
            lock,
        )
        return Injection(
            injection.target,
            injection.queue,
            members=injection.members,
            changes=lambda _: (self.change(located(entry, ticket), asked, ticket),),
            lock=injection.lock,
            lock_name=injection.lock_name,
            lock_place=injection.lock_place,
        )

    def entry(self, given: Mapping[str, Any], environment: Environment) -> str:
        """The traffic as it is listed."""
        try:
            found = allowed(self.read(given).target, environment)
        except TargetNotAllowed:
            return ""
        what = f"{found.protocol} {found.peer} port {found.port}"
        at = f" in {found.namespace}" if found.namespace else ""
        return f"targets.networks in {environment.path.name}: {found.name} ({what}{at})"


def allowed(name: str, environment: Environment) -> AllowedNetwork:
    """The entry of that name. Raises TargetNotAllowed."""
    return listed(name, environment.targets.networks, environment, what="network", under="networks")


def located(entry: AllowedNetwork, ticket: Ticket) -> dict[str, Any]:
    """Where the entry's packets pass now, as the fields of a PacketOperation. Raises TargetError, Refused."""
    try:
        where = Namespace.at(entry.namespace)
    except TargetGone as error:
        raise Refused(
            error.message, hint="see targets.networks in the environment", reason="no-target"
        ) from error
    first = ipaddress.ip_network(entry.peer)[0]
    try:
        interface = entry.interface or where.interface_to(str(first))
    except TargetError as error:
        raise Refused(
            f"packets to {entry.peer} take no known way: {error.message}",
            hint="name the interface in targets.networks",
            reason="no-target",
        ) from error
    return {
        "tag": ticket.tag,
        "namespace": where.path,
        "inode": where.inode,
        "interface": interface,
        "peer": entry.peer,
        "protocol": entry.protocol,
        "port": entry.port,
        "lasts_s": max(int(ticket.expires_wall - clock.wall()), 1),
    }
