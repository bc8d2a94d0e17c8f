"""What faults share after which a container's start is over: what ran before runs again after them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slochaos.errors import TargetError
from slochaos.faults.docker.container import ContainerOperation, Containers
from slochaos.faults.docker.engine import Container, Engine
from slochaos.faults.operation import Sight, Undone
from slochaos.faults.parameters import parameter, whole

LATE_S = 10.0
"""How much later than its own time limit a stop may still land on a container (seen: 4 s)."""


@dataclass(frozen=True)
class Ending(ContainerOperation):
    """A change after which this start of the container is over."""

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """Start it, unless it runs or somebody else has started it since."""
        with Engine(self.daemon) as engine:
            found = self._ours(engine)
            if isinstance(found, Undone):
                return found
            if found.started != self.started:
                return self._started_again(found, applied=applied)
            if found.running:
                return Undone("undone", "it had not stopped")
            engine.start(self.container)
            after = engine.container(self.container)
            if not after.running:
                raise TargetError(f"the container {self.name!r} was started and does not run: see its log")
            return Undone("undone")

    def _started_again(self, found: Container, *, applied: bool) -> Undone:
        if found.running:
            return Undone("undone", "it runs again already")
        return Undone("superseded" if applied else "undone", "it was started and stopped again by others")

    def look(self) -> Sight | None:
        """Whether that start of the container is over."""
        with Engine(self.daemon) as engine:
            found = self._ours(engine)
        if isinstance(found, Undone):
            return Sight(seen=False)
        return Sight(not found.running or found.started != self.started)

    def by_hand(self) -> str:
        """Start it."""
        return self._docker("start", self.container)


@dataclass(frozen=True)
class Graceful(Containers):
    """`grace`: the seconds that its processes have to end by themselves; the container's own when not given."""

    grace: int | None = parameter(whole(0, 300), default=None)


def grace_of(asked: Any, found: Container) -> int:
    """The seconds to end in: those asked for, else the container's own."""
    return found.stop_timeout_s if asked.grace is None else int(asked.grace)
