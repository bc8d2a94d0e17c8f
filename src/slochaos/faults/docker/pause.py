"""All processes of a container frozen: they keep connections and memory, and do nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from slochaos.faults.docker.container import ContainerFault, ContainerOperation
from slochaos.faults.docker.engine import Container, Engine
from slochaos.faults.fault import Ticket
from slochaos.faults.operation import Operation, Sight, Undone


@dataclass(frozen=True)
class Pause(ContainerOperation):
    """The container paused."""

    kind: ClassVar[str] = "docker.pause"
    evidence_noun: ClassVar[str] = "looks found it frozen, its CPU time standing still"

    def perform(self) -> None:
        """Pause it and read that back."""
        with Engine(self.daemon) as engine:
            self._expect(engine)
            engine.pause(self.container)

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """Unpause it, if it is this start of it and paused."""
        with Engine(self.daemon) as engine:
            found = self._ours(engine)
            if isinstance(found, Undone):
                return found
            if found.started != self.started or not found.running:
                return Undone("superseded" if applied else "undone", "it was stopped or restarted meanwhile")
            if not found.paused:
                by_others = "somebody let it go on meanwhile" if applied else ""
                return Undone("superseded" if applied else "undone", by_others)
            engine.unpause(self.container)
            return Undone("undone")

    def look(self) -> Sight | None:
        """Whether it is paused, and the CPU time of its processes stands still between two readings."""
        with Engine(self.daemon) as engine:
            before, found, after = (
                _cpu(engine, self.container),
                self._ours(engine),
                _cpu(engine, self.container),
            )
        if isinstance(found, Undone):
            return Sight(seen=False)
        return Sight(found.paused and before == after)

    def by_hand(self) -> str:
        """Unpause it."""
        return self._docker("unpause", self.container)


class PauseFault(ContainerFault):
    """A container that hangs."""

    kind = "docker.pause"
    summary = "freezes all processes of a container"

    def change(self, engine: Engine, found: Container, asked: Any, ticket: Ticket) -> tuple[Operation, ...]:
        """One pause."""
        return (Pause(engine.daemon, found.id, found.name, found.started),)


def _cpu(engine: Engine, container: str) -> object:
    return engine.stats(container).get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage")


FAULT = PauseFault()
OPERATIONS = (Pause,)
