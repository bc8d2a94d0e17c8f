"""A process, with its descendants, that stands still: connections stay open, and nothing answers.

Where the kernel lets us (root, or the same user where debuggers are not restricted) a process of ours holds
it as a debugger, and it goes on by itself when that one ends. Elsewhere it is stopped by a signal, which
lasts until somebody continues it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import psutil

from slochaos import clock
from slochaos.errors import Refused, TargetError
from slochaos.faults import tagged
from slochaos.faults.fault import Ticket
from slochaos.faults.operation import Operation, Sight, Undone
from slochaos.faults.process import freezer, group
from slochaos.faults.process.group import Found, ProcessFault, ProcessOperation

HOLDING_S = 5.0
STILL = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)


@dataclass(frozen=True)
class _Still(ProcessOperation):
    """A process held still, with its descendants."""

    evidence_noun: ClassVar[str] = "looks found it still, its CPU time standing"

    def look(self) -> Sight | None:
        """Whether all of it stands still, and uses no CPU time."""
        if not self.process.alive():
            return Sight(seen=False)
        found = group.tree(psutil.Process(self.pid))
        with suppress(psutil.NoSuchProcess):
            before = [each.cpu_times()[:2] for each in found]
            still = all(each.status() in STILL for each in found)
            return Sight(still and before == [each.cpu_times()[:2] for each in found])
        return None

    def by_hand(self) -> str:
        """Continue it."""
        return f"kill -CONT {self.pid}"


@dataclass(frozen=True)
class Freeze(_Still):
    """Held by a process of ours, which carries `tag` and ends by itself after `lasts_s`."""

    kind: ClassVar[str] = "process.pause.held"
    tag: str
    lasts_s: float

    def perform(self) -> None:
        """Start the holder and wait until everything stands still. Raises Refused where the kernel says no."""
        group.expect(self.process, self.name)
        command = [sys.executable, "-I", "-S", str(Path(freezer.__file__)), str(self.pid)]
        tagged.start(self.tag, command, lasts_s=self.lasts_s)
        said = tagged.output(self.tag, HOLDING_S).strip()
        if not said.startswith(b"held"):
            tagged.end(self.tag)
            why = said.decode("utf-8", "replace") or f"it does not stand still within {HOLDING_S:g} s"
            raise TargetError(f"{self.name} cannot be held: {why}")

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """End the holder; the kernel lets the process go on."""
        ended = tagged.end(self.tag)
        if not self.process.alive():
            return Undone("gone", f"{self.name} ended meanwhile")
        return Undone("undone" if ended or not applied else "expired")

    def by_hand(self) -> str:
        """End the holder."""
        return tagged.by_hand(self.tag)


@dataclass(frozen=True)
class Stop(_Still):
    """Stopped by a signal."""

    kind: ClassVar[str] = "process.pause.stopped"

    def perform(self) -> None:
        """Stop the process, then its descendants, so that none is started meanwhile."""
        found = group.expect(self.process, self.name)
        try:
            for each in group.tree(found):
                each.send_signal(signal.SIGSTOP)
        except psutil.AccessDenied as error:
            raise Refused(f"{self.name} cannot be stopped: it belongs to another user") from error
        except psutil.NoSuchProcess as error:
            raise TargetError(f"{self.name} ended while it was stopped") from error

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """Continue what stands still of it."""
        if not self.process.alive():
            return Undone("gone", f"{self.name} ended meanwhile")
        found = psutil.Process(self.pid)
        still = [each for each in group.tree(found) if _status(each) == psutil.STATUS_STOPPED]
        if found not in still and applied:
            return Undone("superseded", "somebody let it go on meanwhile")
        for each in still:
            with suppress(psutil.Error):
                each.send_signal(signal.SIGCONT)
        until = clock.now() + 1.0
        while _status(found) == psutil.STATUS_STOPPED:
            if clock.now() > until:
                raise TargetError(f"{self.name} was continued and still stands")
        return Undone("undone")


class PauseFault(ProcessFault):
    """A process that hangs: a long collection of garbage, a debugger, a stopped virtual machine."""

    kind = "process.pause"
    summary = "holds a process of this host still, with its descendants"

    @property
    def lasting(self) -> bool:
        """That depends on what this host's kernel lets us do."""
        return not may_trace()

    def change(self, found: Found, asked: Any, ticket: Ticket) -> Operation:
        """Held as by a debugger where that is allowed, else stopped."""
        if not may_trace():
            return Stop(*found.known)
        lasts_s = max(ticket.expires_wall - clock.wall(), 1.0)
        return Freeze(*found.known, tag=f"{ticket.tag}-{found.process.pid}", lasts_s=lasts_s)

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """Processes do not outlive their host; what counts is the end of every process of ours."""
        if may_trace():
            return "goes on by itself as soon as no process of this run lives"
        return "stays still until it is continued: slochaos recover"


def may_trace() -> bool:
    """Whether this user may hold another process as a debugger does."""
    if sys.platform != "linux":
        return False
    try:
        scope = int(Path("/proc/sys/kernel/yama/ptrace_scope").read_text(encoding="ascii"))
    except (OSError, ValueError):
        scope = 0
    return scope == 0 or (os.geteuid() == 0 and scope < 3)


def _status(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return str(process.status())
    return ""


FAULT = PauseFault()
OPERATIONS = (Freeze, Stop)
