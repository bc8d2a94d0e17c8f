"""All packets lost: a partition, a firewall that drops, a peer that vanished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slochaos.faults.fault import Ticket
from slochaos.faults.network.packet_rules import SCALE, PacketRules
from slochaos.faults.network.traffic import PacketFault, Traffic
from slochaos.faults.operation import Operation
from slochaos.faults.parameters import one_of, parameter


@dataclass(frozen=True)
class Swallowing(Traffic):
    """`direction`: packets to the peer (`out`), from it (`in`), or `both`; one direction is a partial partition."""

    direction: str = parameter(one_of("in", "out", "both"), default="both")


class BlackholeFault(PacketFault):
    """A network partition."""

    kind = "network.blackhole"
    summary = "drops every packet between this host and a peer"
    parameters = Swallowing

    def change(self, where: dict[str, Any], asked: Any, ticket: Ticket) -> Operation:
        """One table of rules."""
        return PacketRules(**where, direction=asked.direction, lost=SCALE, bytes_per_s=0)

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """The kernel empties the set of peers."""
        return f"gone after {within_s:.0f} s, by itself"


FAULT = BlackholeFault()
