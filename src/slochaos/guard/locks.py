"""The locks that one run holds on its targets, taken on the targets themselves."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Protocol

from slochaos import clock
from slochaos.errors import GateClosed, Refused, TargetError, TargetUnreached
from slochaos.faults.injection import Injection, Member
from slochaos.faults.operation import TargetLock
from slochaos.guard.config import GuardConfig
from slochaos.guard.held import LOCK, Held
from slochaos.identity import host


class Enter(Protocol):
    """How a state is recorded (`Injector.enter`)."""

    def __call__(
        self, held: Held, state: str, detail: str | None = None, *, must: bool = True, **more: object
    ) -> None:
        """Record that `held` is in `state` from now on."""


class Locks:
    """Taken and released on the targets' own threads; a target that two faults share is locked once."""

    def __init__(self, config: GuardConfig, enter: Enter, undo: Callable[[Held], None]) -> None:
        self._config = config
        self._enter = enter
        self._undo = undo
        self._mutex = threading.Lock()
        self._held: dict[str, Held] = {}
        self._numbers = 0
        self._closing = False

    def take(self, injection: Injection, member: Member) -> None:
        """Hold the member until the run ends, if it is not held yet. Raises LockHeld, GateClosed, TargetError."""
        wanted = injection.lock(member)
        if wanted is None:
            return
        with self._mutex:
            if self._closing:
                raise GateClosed("the run is ending, so no target is taken any more")
            if wanted.key in self._held:
                return
            lock = self._made(injection, wanted)
            self._held[wanted.key] = lock
        try:
            self._perform(lock)
        except BaseException:
            with self._mutex:
                del self._held[wanted.key]
            raise

    def take_no_more(self) -> None:
        """From now on `take` refuses."""
        with self._mutex:
            self._closing = True

    def release(self, queue: str) -> None:
        """Release what was taken on the thread of `queue`."""
        with self._mutex:
            mine = [key for key, lock in self._held.items() if lock.injection.queue == queue]
            locks = [self._held.pop(key) for key in mine]
        for lock in locks:
            self._undo(lock)

    def _made(self, injection: Injection, wanted: TargetLock) -> Held:
        self._numbers += 1
        expires = math.ceil(clock.wall() + self._config.longest_s)
        operation = wanted.held_by(self._config.run_id, expires, host())
        return Held(
            id=f"{LOCK}-{self._numbers}-{operation.target_name}",
            name=LOCK,
            kind=LOCK,
            injection=injection,
            duration_s=self._config.longest_s,
            expires_wall=expires,
            operations=(operation,),
        )

    def _perform(self, lock: Held) -> None:
        [operation] = lock.operations
        self._enter(lock, "intended", operations=[operation.to_json()])
        self._enter(lock, "sent")
        try:
            operation.perform()
        except Refused as refusal:
            self._enter(lock, "refused", refusal.message, must=False)
            raise
        except TargetUnreached as error:
            self._enter(lock, "undone", error.message, must=False)
            raise
        except TargetError:
            self._undo(lock)
            raise
        self._enter(lock, "applied")
