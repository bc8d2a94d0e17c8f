"""A fault made ready for an environment: what it may hit, what it changes there, and how far it may go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from slochaos.faults.blast_radius import Reach
from slochaos.faults.operation import Operation, TargetLock


@dataclass(frozen=True)
class Member:
    """One thing that a fault can hit. `key` tells it from all others; `name` is for people."""

    key: str
    name: str


def no_lock(_: Member) -> TargetLock | None:
    """For targets of which nothing has to be held."""
    return None


@dataclass(frozen=True)
class Injection:
    """What an entry of the allow-list and an experiment's parameters mean together. Making one touches nothing.

    `target` names the entry for people; `queue` names it for the guard, which makes the changes to one queue
    one after another. `members` asks what the entry stands for right now (raises TargetError), `changes` gives
    the operations on one member, in the order of performing, and `lock` the operation that holds it.
    `lock_name` and `lock_place` say before any member is known what locks are called and where they live.
    `reach` is how many members the experiment asks for, `spare` how many the allow-list wants untouched.
    A `lasting` fault cannot expire by itself.
    """

    target: str
    queue: str
    members: Callable[[], Sequence[Member]]
    changes: Callable[[Member], tuple[Operation, ...]]
    lock: Callable[[Member], TargetLock | None] = no_lock
    lock_name: str = ""
    lock_place: str = ""
    reach: Reach = field(default_factory=Reach)
    spare: int = 0
    lasting: bool = False

    @classmethod
    def of_one(
        cls,
        target: str,
        queue: str,
        changes: tuple[Operation, ...],
        lock: TargetLock | None = None,
        *,
        lasting: bool = False,
    ) -> Injection:
        """On the one member that is known beforehand."""
        return cls(
            target,
            queue,
            members=lambda: (Member(queue, target),),
            changes=lambda _: changes,
            lock=lambda _: lock,
            lock_name=lock.name if lock else "",
            lock_place=lock.place if lock else "",
            lasting=lasting,
        )
