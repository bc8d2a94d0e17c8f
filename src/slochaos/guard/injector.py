"""Injecting and undoing, one change after another per target, each step on disk before it is taken.

Blocking code: the guard's loop calls it on one thread per target, so that an undo always comes after its
injection. Knows nothing of sockets, signals and processes.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from slochaos import clock
from slochaos.errors import (
    GateClosed,
    Refused,
    SlochaosError,
    StateError,
    TargetError,
    TargetNotAllowed,
    TargetUnreached,
)
from slochaos.faults import catalogue
from slochaos.faults.nothing import Nothing
from slochaos.faults.operation import Injection, Operation, Undone
from slochaos.guard.config import GuardConfig
from slochaos.guard.undolog import FINISHED, UndoLog
from slochaos.identity import host

EXPIRY_GRACE_S = 5.0
SETTLE_S = 3.0
PATIENCE_S = 30.0
LOCK_PATIENCE_S = 5.0
LOOK_S = 0.25
RETRY_S = (0.05, 0.1, 0.2, 0.4, 0.8)

Publish = Callable[[Mapping[str, Any]], None]


@dataclass
class Held:
    """One injection (or lock) from intent to verified undo. Instants are of `clock.now`."""

    id: str
    name: str
    kind: str
    injection: Injection
    duration_s: float
    expires_wall: float
    state: str = "new"
    times: dict[str, tuple[float, float]] = field(default_factory=dict)
    undo_due: float = math.inf
    looks: int = 0
    seen: int = 0
    detail: str = ""
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def open(self) -> bool:
        """Whether its undo is not finished yet."""
        return self.state not in FINISHED

    def evidence(self) -> str:
        """What was seen of the effect: "80 of 80 canary connects refused"."""
        nouns = [
            operation.evidence_noun for operation in self.injection.operations if operation.evidence_noun
        ]
        return f"{self.seen} of {self.looks} {nouns[0]}" if nouns and self.looks else ""

    def report(self) -> dict[str, Any]:
        """The state as the guard's clients see it."""
        return {
            "id": self.id,
            "name": self.name,
            "kind": self.kind,
            "target": self.injection.target,
            "state": self.state,
            "times": {name: list(pair) for name, pair in self.times.items()},
            "expires_wall": self.expires_wall,
            "looks": self.looks,
            "seen": self.seen,
            "evidence": self.evidence(),
            "by_hand": " ; ".join(operation.by_hand() for operation in self.injection.operations),
            "detail": self.detail,
        }


class Injector:
    """The injections and locks of one run."""

    def __init__(self, config: GuardConfig, log: UndoLog, publish: Publish) -> None:
        self._config = config
        self._log = log
        self._publish = publish
        self._mutex = threading.RLock()
        self._queues: dict[str, ThreadPoolExecutor] = {}
        self._held: dict[str, Held] = {}
        self._locks: dict[str, Held] = {}
        self._numbers = 0
        self._closing = False
        self.gate_open = config.gate_open

    def injections(self) -> list[Held]:
        """Every injection so far, in order."""
        with self._mutex:
            return list(self._held.values())

    def submit(self, queue: str, work: Callable[[], Any]) -> Future[Any]:
        """Do `work` after everything that this target's queue already has."""
        with self._mutex:
            if queue not in self._queues:
                self._queues[queue] = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"target {queue}")
            return self._queues[queue].submit(work)

    def prepare(self, name: str, kind: str, parameters: Mapping[str, Any], duration_s: float) -> Held:
        """Check gate, caps and allow-list, and number the injection. Touches nothing; raises Refused."""
        caps = self._config.environment.caps
        if not 0 < duration_s < math.inf:
            raise Refused(f"the duration {duration_s!r} of {name!r} is not a time above 0", reason="duration")
        if duration_s > caps.max_duration_s:
            raise Refused(
                f"{name!r} would last {duration_s:g} s, the environment allows {caps.max_duration_s:g} s",
                hint="shorten it, or raise caps.max_duration in the environment",
                reason="cap",
            )
        with self._mutex:
            self._check_gate()
            if sum(held.open for held in self._held.values()) >= caps.max_faults:
                raise Refused(
                    f"{caps.max_faults} faults are in force already, and the environment allows no more",
                    hint="see caps.max_faults in the environment",
                    reason="cap",
                )
            self._numbers += 1
            number = self._numbers
            expires = math.ceil(clock.wall() + duration_s + EXPIRY_GRACE_S)
            ticket = catalogue.Ticket(self._config.run_id, number, expires)
            injection = catalogue.prepare(kind, parameters, self._config.environment, ticket)
            self._check_protection(name, injection)
            if self._config.placebo:
                injection = Injection(injection.target, injection.queue, (Nothing(),))
            held = Held(str(number), name, kind, injection, float(duration_s), expires)
            self._held[held.id] = held
        return held

    def take_lock(self, kind: str, parameters: Mapping[str, Any]) -> None:
        """Hold the target of a fault for this run and check it. Raises TargetNotAllowed, LockHeld, TargetError."""
        ticket = catalogue.Ticket(self._config.run_id, 0, 0)
        injection = catalogue.prepare(kind, parameters, self._config.environment, ticket)
        if not self._config.placebo:
            self.submit(injection.queue, lambda: self._lock_and_check(injection)).result()

    def inject(self, held: Held) -> None:
        """Take the lock, record, send, read back. Raises Refused or TargetError; then nothing is left of it."""
        try:
            self._lock(held.injection)
            self._check_gate()
            self._enter(
                held, "intended", operations=[operation.to_json() for operation in held.injection.operations]
            )
            self._enter(held, "sent")
        except SlochaosError:
            self._end(held, Undone("undone"), "refused")
            raise
        try:
            for operation in held.injection.operations:
                operation.perform()
            self._enter(held, "applied")
        except Refused as refusal:
            held.detail = refusal.message
            self._end(held, Undone("undone", refusal.message), "refused")
            raise
        except SlochaosError as error:
            held.detail = error.message
            self.undo(held)
            raise
        held.undo_due = held.times["applied"][0] + held.duration_s
        if held.injection.operations[0].evidence_noun and not self._config.placebo:
            threading.Thread(target=self._look, args=(held,), name=f"evidence {held.id}", daemon=True).start()

    def undo(self, held: Held) -> None:
        """Restore and verify; where an answer was lost, go on until nothing can arrive any more."""
        if not held.open or held.state == "new":
            if held.state == "new":
                self._end(held, Undone("undone"), "refused")
            return
        applied = "applied" in held.times
        uncertain = not applied and "sent" in held.times
        self._enter(held, "undoing", must=False)
        ended = self._undo_patiently(held, applied, last=not uncertain)
        if ended is None:
            return
        if uncertain:
            self._enter(held, "settling", must=False)
            ended = self._settle(held, ended)
            if ended is None:
                return
        self._end(held, ended, ended.end)

    def undo_all(self) -> list[Future[Any]]:
        """Queue the undo of everything that is open."""
        return [
            self.submit(held.injection.queue, partial(self.undo, held))
            for held in self.injections()
            if held.open
        ]

    def due(self, now: float) -> list[Held]:
        """The injections whose duration has passed, each once."""
        with self._mutex:
            due = [held for held in self._held.values() if held.undo_due <= now]
            for held in due:
                held.undo_due = math.inf
            return due

    def release_locks(self) -> list[Future[Any]]:
        """Let nothing be locked any more; queue the release of every target that this run holds.

        Each release comes after what its target's thread is doing, so a lock that is being taken goes too.
        """
        with self._mutex:
            self._closing = True
            queues = list(self._queues)
        return [self.submit(queue, partial(self._release, queue)) for queue in queues]

    def close(self) -> None:
        """Let the target threads end."""
        for queue in self._queues.values():
            queue.shutdown(wait=False)

    def _check_protection(self, name: str, injection: Injection) -> None:
        lasting = any(operation.lasting for operation in injection.operations)
        if self._config.environment.protected and lasting and not self._config.lasting_allowed:
            raise TargetNotAllowed(
                f"{name!r} would stay if this host died, which a protected environment does not take",
                hint="use a fault that expires by itself, or name it: --allow-lasting FAULT",
                reason="protected",
            )

    def _check_gate(self) -> None:
        if not self.gate_open:
            raise GateClosed("the run is ending or has not begun its fault phase, so nothing is injected now")

    def _release(self, queue: str) -> None:
        with self._mutex:
            lock = self._locks.pop(queue, None)
        if lock is not None:
            self.undo(lock)

    def _lock_and_check(self, injection: Injection) -> None:
        self._lock(injection)
        for operation in injection.operations:
            operation.check()

    def _lock(self, injection: Injection) -> None:
        if injection.lock is None or self._config.placebo:
            return
        with self._mutex:
            if self._closing:
                raise GateClosed("the run is ending, so no target is taken any more")
            if injection.queue in self._locks:
                return
        expires = math.ceil(clock.wall() + self._config.longest_s)
        operation = injection.lock.held_by(self._config.run_id, expires, host())
        lock = Held(
            f"lock-{len(self._locks) + 1}-{operation.target_name}",
            "lock",
            "lock",
            Injection(injection.target, injection.queue, (operation,)),
            self._config.longest_s,
            expires,
        )
        self._enter(lock, "intended", operations=[operation.to_json()])
        self._enter(lock, "sent")
        try:
            operation.perform()
        except Refused:
            self._end(lock, Undone("undone"), "refused")
            raise
        except TargetUnreached as error:
            self._end(lock, Undone("undone", error.message), "undone")
            raise
        except TargetError:
            self.undo(lock)
            raise
        self._enter(lock, "applied")
        with self._mutex:
            self._locks[injection.queue] = lock

    def _undo_patiently(self, held: Held, applied: bool, last: bool) -> Undone | None:
        """Undo again and again until it works or patience ends; None = a fault may still be in force."""
        give_up = clock.now() + (LOCK_PATIENCE_S if held.kind == "lock" else PATIENCE_S)
        attempt = 0
        while True:
            try:
                return undo_operations(held.injection.operations, applied=applied, last=last)
            except TargetError as error:
                # What is changed now may be our own half of an undo, and no operator's doing.
                applied = False
                held.detail = error.message
                if attempt == 0:
                    self._enter(held, "failed", must=False)
                elif clock.now() >= give_up:
                    held.ended.set()
                    return None
            time.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1

    def _settle(self, held: Held, first: Undone) -> Undone | None:
        """A request whose answer was lost may land after its undo: look until it cannot any more."""
        until = clock.now() + SETTLE_S
        while clock.now() < until:
            time.sleep(LOOK_S)
            if self._undo_patiently(held, applied=False, last=False) is None:
                return None
        last = self._undo_patiently(held, applied=False, last=True)
        return first if last is None or first.end != "undone" else last

    def _look(self, held: Held) -> None:
        operation = held.injection.operations[0]
        while held.state == "applied":
            try:
                seen = operation.in_force()
            except TargetError:
                seen = None
            if held.state != "applied":
                return
            if seen is not None:
                held.looks += 1
                held.seen += seen
            held.ended.wait(LOOK_S)

    def _end(self, held: Held, ended: Undone, state: str) -> None:
        held.detail = ended.detail or held.detail
        self._enter(held, state, must=False)
        held.ended.set()

    def _enter(self, held: Held, state: str, *, must: bool = True, **more: Any) -> None:
        """Record a state and tell it. A step towards a change must be on disk; one back need not wait."""
        held.state = state
        at, wall = clock.now(), clock.wall()
        held.times.setdefault(state, (at, wall))
        record: dict[str, Any] = {"id": held.id, "state": state, "at": at, "wall": wall}
        if state == "intended":
            about = {"name": held.name, "kind": held.kind, "target": held.injection.target}
            record |= {**about, "duration_s": held.duration_s, "expires_wall": held.expires_wall, **more}
        else:
            record |= {"detail": held.detail, "evidence": held.evidence()}
        try:
            self._log.write(record)
        except StateError as error:
            if must:
                raise
            held.detail = f"{held.detail} ({error.message})".strip()
        if held.kind != "lock":
            self._publish(
                {"kind": state, "injection": held.id, "at": at, "wall": wall, "detail": held.report()}
            )


def undo_operations(operations: tuple[Operation, ...], *, applied: bool, last: bool) -> Undone:
    """Undo in reverse order; the worst end counts. Raises TargetError after having tried all."""
    failure: TargetError | None = None
    ends: list[Undone] = []
    for operation in reversed(operations):
        try:
            ends.append(operation.undo(applied=applied, last=last))
        except TargetError as error:
            failure = error
    if failure is not None:
        raise failure
    return max(ends, key=lambda undone: ("undone", "expired", "gone", "superseded").index(undone.end))
