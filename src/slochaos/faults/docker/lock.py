"""One run at a time on one container: a lock that lives on its daemon, a container whose name only one can take."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from slochaos import clock
from slochaos.errors import LockHeld, TargetGone
from slochaos.faults.docker.engine import LOCK_PREFIX, Container, Engine
from slochaos.faults.operation import Sight, TargetLock, Undone


@dataclass(frozen=True)
class ContainerLock(TargetLock):
    """A container beside the target that is never started; its labels say who holds it, and until when."""

    kind: ClassVar[str] = "docker.lock"
    daemon: str
    container: str
    image: str
    run: str = ""
    expires: int = 0
    host: str = ""

    @property
    def key(self) -> str:
        """The container's name on its daemon: its id changes when it is replaced."""
        return f"{self.daemon} {self.container}"

    @property
    def name(self) -> str:
        """The name of the container that is the lock."""
        return LOCK_PREFIX + self.container

    @property
    def place(self) -> str:
        """The daemon."""
        return self.daemon

    @property
    def target_name(self) -> str:
        """The container's name."""
        return self.container

    def held_by(self, run_id: str, expires_wall: int, host: str) -> Self:
        """The lock with this run as its holder."""
        return replace(self, run=run_id, expires=expires_wall, host=host)

    def perform(self) -> None:
        """Take the lock, over an expired one if need be. Raises LockHeld naming the holder."""
        labels = {
            "slochaos.run": self.run,
            "slochaos.expires": str(self.expires),
            "slochaos.host": self.host,
        }
        with Engine(self.daemon) as engine:
            for _ in range(2):
                if engine.create_lock(self.name, self.image, labels):
                    return
                holder = self._holder(engine)
                if holder is None:
                    continue
                if holder.labels.get("slochaos.run") == self.run:
                    return
                self._check_over(holder)
                engine.remove(holder.id)
        raise LockHeld(f"the container {self.container!r} was taken by another run just now")

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """Release the lock if it is still ours."""
        with Engine(self.daemon) as engine:
            holder = self._holder(engine)
            if holder is None or holder.labels.get("slochaos.run") != self.run:
                return Undone("superseded" if holder and applied else "undone")
            engine.remove(holder.id)
        return Undone("undone")

    def look(self) -> Sight | None:
        """Whether the lock is ours."""
        with Engine(self.daemon) as engine:
            holder = self._holder(engine)
        return Sight(holder is not None and holder.labels.get("slochaos.run") == self.run)

    def by_hand(self) -> str:
        """Remove the container that is the lock."""
        return f"docker -H {shlex.quote(self.daemon)} rm {shlex.quote(self.name)}"

    def _holder(self, engine: Engine) -> Container | None:
        try:
            return engine.container(self.name)
        except TargetGone:
            return None

    def _check_over(self, holder: Container) -> None:
        run, expires = holder_of(holder)
        if not run:
            raise LockHeld(f"the container {self.name!r} on {self.daemon} is not a lock of ours")
        left_s = expires - clock.wall()
        if left_s > 0:
            raise LockHeld(
                f"the container {self.container!r} on {self.daemon} is held by run {run} "
                f"on host {holder.labels.get('slochaos.host', '')} for up to {left_s:.0f} s more",
                hint=f"wait for it, or end it: slochaos stop {run}",
            )


def holder_of(lock: Container) -> tuple[str, int]:
    """The run that holds a lock, and until when (epoch seconds); no run for a container that is no lock of ours."""
    run, expires = lock.labels.get("slochaos.run", ""), lock.labels.get("slochaos.expires", "")
    return (run, int(expires)) if run and expires.isdigit() else ("", 0)


OPERATIONS = (ContainerLock,)
