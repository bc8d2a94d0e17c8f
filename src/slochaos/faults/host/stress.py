"""What all faults of this host share: a marked process that uses something up, and ends with its guard."""

from __future__ import annotations

import os
import sys
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

import psutil

from slochaos import clock
from slochaos.errors import Refused, TargetError
from slochaos.faults import tagged
from slochaos.faults.fault import Ticket
from slochaos.faults.host import stressor
from slochaos.faults.operation import Operation, Undone

READY_S = 10.0


@dataclass(frozen=True)
class Stress(Operation):
    """Processes that carry `tag`, until `expires` (epoch seconds) at the latest."""

    tag: str
    expires: float

    @abstractmethod
    def arguments(self) -> tuple[str, ...]:
        """What the stressor is asked to do, as its command line has it."""

    @property
    def surroundings(self) -> tuple[str, ...]:
        """Where it lives, as options of the stressor: on this host, in the guard's own control groups."""
        return ()

    @property
    def ready_s(self) -> float:
        """How long it may take until it is in force."""
        return READY_S

    def perform(self) -> None:
        """Start it and wait until it is in force. Raises Refused or TargetError; then nothing of it is left."""
        self.check()
        command = (
            sys.executable,
            "-I",
            "-S",
            str(Path(stressor.__file__)),
            *self.surroundings,
            *self.arguments(),
        )
        tagged.start(self.tag, command, lasts_s=max(self.expires - clock.wall(), 1.0))
        said = tagged.output(self.tag, self.ready_s).decode("utf-8", "replace").strip()
        if said.startswith("ready"):
            return
        tagged.end(self.tag)
        if said.startswith("refused: "):
            raise Refused(f"it cannot be had here: {said.removeprefix('refused: ')}", reason="cap")
        raise TargetError(
            f"the stressor does not work: {said.splitlines()[-1] if said else 'it says nothing'}"
        )

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """End it; what it held is free with that."""
        ours = tagged.started_here(self.tag)
        if tagged.end(self.tag) or not applied:
            return Undone("undone")
        if ours and clock.wall() < self.expires:
            return Undone("superseded", f"it was killed before its time{self.killer()}")
        return Undone("expired", "it ended by itself")

    def killer(self) -> str:
        """Who may have killed it, where that can be told."""
        return ""

    def by_hand(self) -> str:
        """Kill what carries the tag."""
        return tagged.by_hand(self.tag)

    def processes(self) -> list[psutil.Process]:
        """Those that are alive; of a fault in force at least one is."""
        return tagged.find(self.tag)


def lives_until(ticket: Ticket) -> tuple[str, float]:
    """The fields of a Stress that come from its injection."""
    return ticket.tag, float(ticket.expires_wall)


ENDS_WITH_US = "gone as soon as no process of this run lives"


def usable_cpus() -> int:
    """How many CPUs this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(allowed(0)) if allowed else os.cpu_count() or 1
