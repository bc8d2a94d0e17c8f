"""Injecting and undoing, one change after another per target, each step on disk before it is taken.

Blocking code: the guard's loop calls it on one thread per target, so that an undo always comes after its
injection. Knows nothing of sockets, signals and processes.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from slochaos import clock
from slochaos.errors import GateClosed, Refused, SlochaosError, StateError, TargetError, TargetNotAllowed
from slochaos.faults import blast_radius, catalogue
from slochaos.faults.fault import Ticket
from slochaos.faults.injection import Injection, Member
from slochaos.faults.nothing import Nothing
from slochaos.faults.operation import Operation, Sight, Undone
from slochaos.guard.config import GuardConfig
from slochaos.guard.held import Held
from slochaos.guard.locks import Locks
from slochaos.guard.undoing import LOOK_S, Undoing
from slochaos.guard.undolog import UndoLog

EXPIRY_GRACE_S = 5.0
PATIENCE_S = 30.0
LOCK_PATIENCE_S = 5.0

Publish = Callable[[Mapping[str, Any]], None]


class Injector:
    """The injections and locks of one run."""

    def __init__(self, config: GuardConfig, log: UndoLog, publish: Publish) -> None:
        self._config = config
        self._log = log
        self._publish = publish
        self._mutex = threading.RLock()
        self._queues: dict[str, ThreadPoolExecutor] = {}
        self._held: dict[str, Held] = {}
        self._locks = Locks(config, self.enter, self.undo)
        self._numbers = 0
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
            ticket = Ticket(self._config.run_id, number, expires)
            injection = catalogue.prepare(kind, parameters, self._config.environment, ticket)
            self._check_protection(name, injection)
            held = Held(str(number), name, kind, injection, float(duration_s), expires)
            self._held[held.id] = held
        return held

    def take_lock(self, kind: str, parameters: Mapping[str, Any]) -> None:
        """Hold the targets of a fault for this run and check them. Raises Refused, TargetError."""
        ticket = Ticket(self._config.run_id, 0, 0)
        injection = catalogue.prepare(kind, parameters, self._config.environment, ticket)
        if not self._config.placebo:
            self.submit(injection.queue, lambda: self._hold_and_check(injection)).result()

    def inject(self, held: Held) -> None:
        """Choose, hold, record, send, read back. Raises Refused or TargetError; then nothing is left of it."""
        try:
            self._choose(held)
            self._check_gate()
            self.enter(held, "intended", operations=[operation.to_json() for operation in held.operations])
            self.enter(held, "sent")
        except SlochaosError as error:
            self._end(held, Undone("undone", error.message), "refused")
            raise
        try:
            for operation in held.operations:
                operation.perform()
            self.enter(held, "applied")
        except Refused as refusal:
            self._take_back_refused(held, refusal)
            raise
        except SlochaosError as error:
            held.detail = error.message
            self.undo(held)
            raise
        held.undo_due = held.times["applied"][0] + held.duration_s
        if any(operation.evidence_noun for operation in held.operations):
            threading.Thread(target=self._look, args=(held,), name=f"evidence {held.id}", daemon=True).start()

    def undo(self, held: Held) -> None:
        """Restore and verify; where an answer was lost, go on until nothing can arrive any more."""
        if not held.open:
            return
        if "intended" not in held.times:
            self._end(held, Undone("undone"), "refused")
            return
        applied = "applied" in held.times
        self.enter(held, "undoing", must=False)
        ended = Undoing(
            held.operations,
            until=clock.now() + self._patience_s(held),
            applied=applied,
            certain=applied or "sent" not in held.times,
            on_failure=lambda error: self.enter(held, "failed", error.message, must=False),
            on_settling=lambda: self.enter(held, "settling", must=False),
        ).run()
        if isinstance(ended, Undone):
            self._end(held, ended, ended.end)
        else:
            held.gave_up = True
            self.enter(held, "failed", ended.message, must=False)
            held.ended.set()

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
        self._locks.take_no_more()
        with self._mutex:
            queues = list(self._queues)
        return [self.submit(queue, partial(self._locks.release, queue)) for queue in queues]

    def close(self) -> None:
        """Let the target threads end."""
        for queue in self._queues.values():
            queue.shutdown(wait=False)

    def enter(
        self, held: Held, state: str, detail: str | None = None, *, must: bool = True, **more: Any
    ) -> None:
        """Record a state and tell it. A step towards a change must be on disk; one back need not wait."""
        at, wall = held.enter(state, detail)
        record: dict[str, Any] = {"id": held.id, "state": state, "at": at, "wall": wall}
        if state == "intended":
            about = {"name": held.name, "kind": held.kind, "target": held.target}
            record |= {**about, "duration_s": held.duration_s, "expires_wall": held.expires_wall, **more}
        else:
            record |= {"detail": held.detail, "evidence": held.evidence()}
        try:
            self._log.write(record)
        except StateError as error:
            if must:
                raise
            held.detail = f"{held.detail} ({error.message})".strip()
        if not held.is_lock:
            self._publish(
                {"kind": state, "injection": held.id, "at": at, "wall": wall, "detail": held.report()}
            )

    def _patience_s(self, held: Held) -> float:
        """How long its target is waited for. One that was given up before is tried again, and not waited for."""
        queue = held.injection.queue
        if held.gave_up or any(each.gave_up for each in self.injections() if each.injection.queue == queue):
            return 0.0
        return LOCK_PATIENCE_S if held.is_lock else PATIENCE_S

    def _check_protection(self, name: str, injection: Injection) -> None:
        if self._config.environment.protected and injection.lasting and not self._config.lasting_allowed:
            raise TargetNotAllowed(
                f"{name!r} would stay if this host died, which a protected environment does not take",
                hint="use a fault that expires by itself, or name it: --allow-lasting FAULT",
                reason="protected",
            )

    def _check_gate(self) -> None:
        if not self.gate_open:
            raise GateClosed("the run is ending or has not begun its fault phase, so nothing is injected now")

    def _hold_and_check(self, injection: Injection) -> None:
        """Hold every member, since which of them are hit is chosen later, and see that a choice is possible."""
        members = injection.members()
        self._chosen(injection, members, taken=())
        for member in members:
            self._locks.take(injection, member)
            for operation in injection.changes(member):
                operation.check()

    def _choose(self, held: Held) -> None:
        """Which members are hit, with what operations; those are held from now on. Raises Refused, TargetError."""
        if self._config.placebo:
            held.operations = (Nothing(),)
            return
        injection = held.injection
        with self._mutex:
            taken = {key for each in self._held.values() if each.open for key in each.keys}
        chosen = self._chosen(injection, injection.members(), taken)
        for member in chosen:
            self._locks.take(injection, member)
        with self._mutex:
            held.keys = frozenset(member.key for member in chosen)
            held.members = tuple(member.name for member in chosen)
        changes: list[Operation] = [change for member in chosen for change in injection.changes(member)]
        held.operations = tuple(changes)

    def _chosen(self, injection: Injection, members: Any, taken: Any) -> tuple[Member, ...]:
        return blast_radius.choose(
            injection.target,
            members,
            injection.reach,
            caps=self._config.environment.caps,
            spare=injection.spare,
            taken=taken,
        )

    def _take_back_refused(self, held: Held, refusal: Refused) -> None:
        """A refusal changes nothing by itself; what went before it, on other members, is undone."""
        if len(held.operations) > 1:
            held.detail = refusal.message
            self.undo(held)
        else:
            self._end(held, Undone("undone", refusal.message), "refused")

    def _look(self, held: Held) -> None:
        while held.state == "applied":
            sights = list(filter(None, map(_sight, held.operations)))
            if held.state != "applied":
                return
            held.saw(sights)
            held.ended.wait(LOOK_S)

    def _end(self, held: Held, ended: Undone, state: str) -> None:
        self.enter(held, state, ended.detail or held.detail, must=False)
        held.ended.set()


def _sight(operation: Operation) -> Sight | None:
    try:
        return operation.look()
    except TargetError:
        return None
