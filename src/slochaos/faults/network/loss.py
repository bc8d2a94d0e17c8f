"""Packets lost at random, as on a bad or an overloaded line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from slochaos.faults.fault import Ticket
from slochaos.faults.network.packet_rules import SCALE, PacketRules
from slochaos.faults.network.traffic import PacketFault, Traffic
from slochaos.faults.operation import Operation
from slochaos.faults.parameters import one_of, parameter, share


@dataclass(frozen=True)
class Losing(Traffic):
    """`loss`: the share of packets; `direction`: those to the peer (`out`), from it (`in`), or `both`."""

    loss: Fraction = parameter(share)
    direction: str = parameter(one_of("in", "out", "both"), default="both")


class LossFault(PacketFault):
    """Packet loss."""

    kind = "network.loss"
    summary = "drops a share of the packets between this host and a peer, at random"
    parameters = Losing

    def change(self, where: dict[str, Any], asked: Any, ticket: Ticket) -> Operation:
        """One table of rules."""
        lost = max(int(asked.loss * SCALE), 1)
        return PacketRules(**where, direction=asked.direction, lost=lost, bytes_per_s=0)

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """The kernel empties the set of peers."""
        return f"gone after {within_s:.0f} s, by itself"


FAULT = LossFault()
