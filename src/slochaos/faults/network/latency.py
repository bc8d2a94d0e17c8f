"""Packets held for a while on their way to a peer: a distant, or a congested, line.

Packets to the peer pass a queue of a process of ours that holds them; packets from it are left alone, so a
round trip takes once the delay more. Where that process ends, the kernel lets packets pass as before.
"""

from __future__ import annotations

import re
import shlex
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from slochaos.errors import TargetError
from slochaos.faults import tagged
from slochaos.faults.fault import Ticket
from slochaos.faults.network import delay_queue
from slochaos.faults.network.traffic import PacketFault, PacketOperation, Traffic
from slochaos.faults.operation import Operation, Sight, Undone
from slochaos.faults.parameters import duration, parameter

READY_S = 5.0
GENTLY_S = 1.0
_REPORT = re.compile(rb"^([0-9]+) ([0-9.]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Delay(PacketOperation):
    """Packets to the peer sent through queue `queue`, where each is held `delay_ms` +- `jitter_ms`."""

    kind: ClassVar[str] = "network.latency"
    evidence_noun: ClassVar[str] = "looks found packets held"
    tools: ClassVar[tuple[str, ...]] = ("iptables",)
    queue: int
    delay_ms: float
    jitter_ms: float

    def perform(self) -> None:
        """Start the process that holds packets, then send them to it."""
        where = self._expect()
        self._stop_here_if_unable()
        words = (str(self.queue), str(self.delay_ms), str(self.jitter_ms))
        command = where.command(sys.executable, "-I", "-S", str(Path(delay_queue.__file__)), *words)
        tagged.start(self.tag, command, lasts_s=self.lasts_s)
        said = tagged.output(self.tag, READY_S)
        if not said.startswith(b"ready"):
            tagged.end(self.tag)
            raise TargetError(
                f"packets cannot be held: {said.decode('utf-8', 'replace').strip() or 'no answer'}"
            )
        where.run(*self._iptables(), "-A", "POSTROUTING", *self._rule())
        if not self._ours():
            raise TargetError(f"iptables took the rule {self.tag!r} but does not show it")

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """Remove the rule, then end the process, which lets go of what it holds."""
        where = self.where
        there = where.exists()
        ours = self._ours() if there else False
        if ours:
            where.run(*self._iptables(), "-D", "POSTROUTING", *self._rule(), may_fail=True)
            if self._ours():
                raise TargetError(f"iptables still shows the rule {self.tag!r} after deleting it")
        ended = tagged.end(self.tag, gently_s=GENTLY_S)  # it lets go of what it holds
        if not there:
            return Undone("gone", f"the network namespace {self.namespace} is gone")
        if applied and not ours:
            return Undone("superseded", "somebody removed our rule")
        return Undone("undone" if ended or not applied else "expired")

    def look(self) -> Sight | None:
        """What the process says of the packets since the last look."""
        reports = _REPORT.findall(tagged.output(self.tag, 0.0))
        if not reports:
            return None if tagged.find(self.tag) and self._ours() else Sight(seen=False)
        return Sight(seen=True, size=float(reports[-1][1]))

    def size_text(self, size: float) -> str:
        """How long packets were held."""
        return f"held for {size:.1f} ms (asked: {self.delay_ms:g} ms)"

    def by_hand(self) -> str:
        """Remove the rule; the process then holds nothing."""
        rule = self.where.command(*self._iptables(), "-D", "POSTROUTING", *self._rule())
        return f"{shlex.join(rule)} ; {tagged.by_hand(self.tag)}"

    def _stop_here_if_unable(self) -> None:
        """Raises Refused where the tool is missing, before anything is started."""
        self.where.run(*self._iptables(), "-S", "POSTROUTING")

    def _iptables(self) -> tuple[str, ...]:
        return ("iptables" if self.version == 4 else "ip6tables", "-w", "5", "-t", "mangle")

    def _rule(self) -> tuple[str, ...]:
        """Bypassing where no process listens; of no effect after the expiry."""
        stop = datetime.fromtimestamp(_expiry(self.tag), UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return (
            *("-d", self.peer, "-p", self.protocol, "--dport", str(self.port)),
            *("-m", "time", "--datestop", stop),
            *("-m", "comment", "--comment", self.tag),
            *("-j", "NFQUEUE", "--queue-num", str(self.queue), "--queue-bypass"),
        )

    def _ours(self) -> bool:
        listed = self.where.run(*self._iptables(), "-S", "POSTROUTING")
        return any(self.tag in shlex.split(line) for line in listed.splitlines())


@dataclass(frozen=True)
class Delaying(Traffic):
    """`delay`: how long each packet is held; `jitter`: by how much that varies, evenly, to both sides."""

    delay: float = parameter(duration(0.001, 60.0))
    jitter: float = parameter(duration(0.0, 60.0), default=0.0)


class LatencyFault(PacketFault):
    """Network latency."""

    kind = "network.latency"
    summary = "holds packets to a peer for a while"
    parameters = Delaying

    def change(self, where: dict[str, Any], asked: Any, ticket: Ticket) -> Operation:
        """One queue; its number comes from the tag, so that runs do not meet."""
        queue = 1024 + zlib.crc32(ticket.tag.encode()) % 60_000
        return Delay(**where, queue=queue, delay_ms=1000 * asked.delay, jitter_ms=1000 * asked.jitter)

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """The queue bypasses a process that is gone, and the rule has an end of its own."""
        return "gone as soon as no process of this run lives"


def _expiry(tag: str) -> int:
    return int(tag.rpartition("-x")[2])


FAULT = LatencyFault()
OPERATIONS = (Delay,)
