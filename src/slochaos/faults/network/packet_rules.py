"""Packets dropped by a table of our own in nftables, at the interface: nobody sees an error, as on a bad line.

The table's name is the injection's tag. Its peers stand in a set whose elements time out: after that it
matches nothing, whoever lives. It counts what it matched and what it dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from slochaos.errors import Refused, TargetError
from slochaos.faults.network.traffic import PacketOperation
from slochaos.faults.operation import Sight, Undone

_matched: dict[str, int] = {}
"""How many packets each injection's rules had met at the last look of this process."""

SCALE = 100_000
"""In how many parts a share of packets is counted."""


@dataclass(frozen=True)
class PacketRules(PacketOperation):
    """Of the packets in `direction`, `lost` of 100,000 are dropped, or all that exceed `bytes_per_s`."""

    kind: ClassVar[str] = "network.rules"
    evidence_noun: ClassVar[str] = "looks found the rules in force on packets that passed"
    tools: ClassVar[tuple[str, ...]] = ("nft",)
    direction: str
    lost: int
    bytes_per_s: int

    def check(self) -> None:
        """Let the kernel's own parser try the very table, without loading it."""
        where = self._expect()
        try:
            where.run("nft", "--check", "-f", "-", given=self._table())
        except TargetError as error:
            raise Refused(
                f"this kernel cannot drop packets at {self.interface}: {error.message}",
                reason="not-supported",
            ) from error

    def perform(self) -> None:
        """Load the table in one transaction and read it back."""
        where = self._expect()
        where.run("nft", "-f", "-", given=self._table())
        if self._live() is None:
            raise TargetError(f"nft took the table {self.tag!r} but does not show it")

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """Delete our table; others are not looked at."""
        if not self.where.exists():
            return Undone("gone", f"the network namespace {self.namespace} is gone")
        live = self._live()
        if live is None:
            return Undone(
                "superseded" if applied else "undone", "somebody removed our rules" if applied else ""
            )
        self.where.run("nft", "delete", "table", "netdev", self.tag, may_fail=True)
        if self._live() is not None:
            raise TargetError(f"nft still shows the table {self.tag!r} after deleting it")
        return Undone("undone" if live or not applied else "expired")

    def look(self) -> Sight | None:
        """Whether the peers are still in the set, and packets met the rules; what share was dropped."""
        live = self._live()
        if not live:
            return Sight(seen=False)
        counted, before = self._counted(), _matched.get(self.tag, 0)
        _matched[self.tag] = counted["matched"]
        if counted["matched"] == before:
            return None  # without traffic since the last look there is nothing to see
        return Sight(seen=True, size=100 * counted["dropped"] / counted["matched"])

    def size_text(self, size: float) -> str:
        """The share of packets that was dropped so far."""
        if self.bytes_per_s:
            return f"{size:.3g} % of packets dropped (to stay below {self.bytes_per_s:,} bytes a second)"
        return f"{size:.3g} % of packets dropped (asked: {100 * self.lost / SCALE:g} %)"

    def by_hand(self) -> str:
        """Delete the table."""
        import shlex

        return shlex.join(self.where.command("nft", "delete", "table", "netdev", self.tag))

    def _table(self) -> str:
        kind, address = ("ipv4_addr", "ip") if self.version == 4 else ("ipv6_addr", "ip6")
        matching = (
            f"{address} {{side}}addr @peers {self.protocol} {{side}}port {self.port} counter name matched"
        )
        chains = [
            f'chain {hook} {{ type filter hook {hook} device "{self.interface}" priority 0; '
            f"{matching.format(side=side)} {self._verdict()} counter name dropped drop; }}"
            for hook, side in self._hooks()
        ]
        return "\n".join(
            [
                f"table netdev {self.tag} {{",
                f"set peers {{ type {kind}; flags interval, timeout; "
                f"elements = {{ {self.peer} timeout {self.lasts_s}s }} }}",
                "counter matched { }",
                "counter dropped { }",
                *chains,
                "}",
            ]
        )

    def _verdict(self) -> str:
        """Which of the packets that match are dropped; all of them when nothing is said."""
        if self.bytes_per_s:
            burst = max(self.bytes_per_s // 10, 4096)
            return f"limit rate over {self.bytes_per_s} bytes/second burst {burst} bytes"
        return f"numgen random mod {SCALE} < {self.lost}" if self.lost < SCALE else ""

    def _hooks(self) -> Iterator[tuple[str, str]]:
        """The hooks with the side of the packet on which the peer stands there: source or destination."""
        if self.direction in ("out", "both"):
            yield "egress", "d"
        if self.direction in ("in", "both"):
            yield "ingress", "s"

    def _live(self) -> bool | None:
        """Whether the set has its peers; None without our table."""
        listed = self._listed("table", "netdev", self.tag)
        if not listed:
            return None
        return any(each["set"].get("elem") for each in listed if "set" in each)

    def _counted(self) -> dict[str, int]:
        listed = self._listed("counters", "table", "netdev", self.tag)
        found = {
            each["counter"]["name"]: int(each["counter"]["packets"]) for each in listed if "counter" in each
        }
        return {"matched": 0, "dropped": 0, **found}

    def _listed(self, *what: str) -> list[dict[str, Any]]:
        text = self.where.run("nft", "-j", "list", *what, may_fail=True)
        try:
            found: list[dict[str, Any]] = json.loads(text)["nftables"] if text.strip() else []
        except (ValueError, KeyError) as error:
            raise TargetError(f"nft answers in a form that is not known: {text[:80]!r}") from error
        return found


OPERATIONS = (PacketRules,)
