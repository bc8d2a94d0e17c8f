"""A narrow line: what exceeds the rate is dropped, as a policer of a provider does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slochaos.errors import InvalidInput
from slochaos.faults.fault import Ticket
from slochaos.faults.network.packet_rules import PacketRules
from slochaos.faults.network.traffic import PacketFault, Traffic
from slochaos.faults.operation import Operation
from slochaos.faults.parameters import one_of, parameter

_RATE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?(kbit|Mbit|Gbit)/s")
_BITS = {"kbit": 10**3, "Mbit": 10**6, "Gbit": 10**9}


def rate(value: Any) -> int:
    """`"5 Mbit/s"` in bytes per second."""
    match = _RATE.fullmatch(value) if isinstance(value, str) else None
    found = int(float(match[1]) * _BITS[match[2]] / 8) if match else 0
    if not 1000 <= found <= 2**40:
        raise InvalidInput(f"{value!r} is no rate from 8 kbit/s up", hint='for example "5 Mbit/s"')
    return found


@dataclass(frozen=True)
class Narrowing(Traffic):
    """`rate`: how much may pass in each direction; `direction` as for packet loss."""

    rate: int = parameter(rate)
    direction: str = parameter(one_of("in", "out", "both"), default="both")


class BandwidthFault(PacketFault):
    """A slow line."""

    kind = "network.bandwidth"
    summary = "drops what exceeds a rate between this host and a peer"
    parameters = Narrowing

    def change(self, where: dict[str, Any], asked: Any, ticket: Ticket) -> Operation:
        """One table of rules."""
        return PacketRules(**where, direction=asked.direction, lost=0, bytes_per_s=asked.rate)

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """The kernel empties the set of peers."""
        return f"gone after {within_s:.0f} s, by itself"


FAULT = BandwidthFault()
