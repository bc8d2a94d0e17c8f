"""One injection, or one lock, from its intent to its verified undo, as several threads of the guard see it."""

from __future__ import annotations

import math
import statistics
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from slochaos import clock
from slochaos.faults.injection import Injection
from slochaos.faults.operation import Operation, Sight
from slochaos.guard.undolog import FINISHED

LOCK = "lock"
_SIZES_KEPT = 4096


@dataclass
class Held:
    """`operations` and `keys` (of the members that are hit) are known once these were chosen.

    Its state is changed by its target's thread, its looks by a thread of their own, and others read both.
    Instants are of `clock.now`.
    """

    id: str
    name: str
    kind: str
    injection: Injection
    duration_s: float
    expires_wall: float
    operations: tuple[Operation, ...] = ()
    keys: frozenset[str] = frozenset()
    members: tuple[str, ...] = ()
    state: str = "new"
    detail: str = ""
    times: dict[str, tuple[float, float]] = field(default_factory=dict)
    undo_due: float = math.inf
    gave_up: bool = False
    ended: threading.Event = field(default_factory=threading.Event)
    _looks: int = 0
    _seen: int = 0
    _sizes: list[float] = field(default_factory=list)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    @property
    def open(self) -> bool:
        """Whether its undo is not finished yet."""
        return self.state not in FINISHED

    @property
    def is_lock(self) -> bool:
        """Whether it holds a target instead of breaking it."""
        return self.kind == LOCK

    @property
    def target(self) -> str:
        """The target, with the members that are hit where it has several."""
        named = [name for name in self.members if name != self.injection.target]
        return f"{self.injection.target}: {', '.join(named)}" if named else self.injection.target

    def enter(self, state: str, detail: str | None = None) -> tuple[float, float]:
        """Be in this state from now on; the first time of each is kept. Gives (instant, epoch seconds)."""
        with self._mutex:
            now = (clock.now(), clock.wall())
            self.state = state
            self.times.setdefault(state, now)
            if detail is not None:
                self.detail = detail
            return now

    def saw(self, sights: Iterable[Sight]) -> None:
        """Count looks at its effect, made while it was in force."""
        with self._mutex:
            for sight in sights:
                self._looks += 1
                self._seen += sight.seen
                if sight.size is not None and len(self._sizes) < _SIZES_KEPT:
                    self._sizes.append(sight.size)

    def report(self) -> dict[str, Any]:
        """The state as the guard's clients see it."""
        with self._mutex:
            return {
                "id": self.id,
                "name": self.name,
                "kind": self.kind,
                "target": self.target,
                "state": self.state,
                "times": {name: list(pair) for name, pair in self.times.items()},
                "expires_wall": self.expires_wall,
                "looks": self._looks,
                "seen": self._seen,
                "evidence": self._evidence(),
                "by_hand": by_hand(self.operations),
                "detail": self.detail,
            }

    def evidence(self) -> str:
        """What was seen of the effect: "80 of 80 canary connects refused"."""
        with self._mutex:
            return self._evidence()

    def _evidence(self) -> str:
        nouns = [operation.evidence_noun for operation in self.operations if operation.evidence_noun]
        if not nouns or not self._looks:
            return ""
        size = self.operations[0].size_text(statistics.median(self._sizes)) if self._sizes else ""
        return f"{self._seen} of {self._looks} {nouns[0]}" + (f", {size}" if size else "")


def by_hand(operations: Iterable[Operation]) -> str:
    """The command that removes these without slochaos."""
    return " ; ".join(operation.by_hand() for operation in operations)
