"""Undoing until it is verified: one way for the guard, for a supervisor that takes over, and for `recover`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from slochaos import clock
from slochaos.errors import TargetError
from slochaos.faults.operation import Operation, Undone

LOOK_S = 0.25
RETRY_S = (0.05, 0.1, 0.2, 0.4, 0.8)


def ignored(*_: object) -> None:
    """For steps that nobody wants to be told of."""


@dataclass(frozen=True)
class Undoing:
    """One undo. `until` is the instant of `clock.now` at which a target that does not obey is given up.

    `applied`: the change was read back, and no undo has begun before. `certain`: no request of the injection can
    still be on its way. `on_failure` is told of the first attempt that failed, `on_settling` when all that is
    left is to look whether a late request arrives.
    """

    operations: tuple[Operation, ...]
    until: float
    applied: bool
    certain: bool
    on_failure: Callable[[TargetError], None] = ignored
    on_settling: Callable[[], None] = ignored

    def run(self) -> Undone | TargetError:
        """How it ended, verified; an error when a fault may still be in force."""
        first = self._patiently(applied=self.applied, last=self.certain, until=self.until)
        if self.certain or isinstance(first, TargetError):
            return first
        self.on_settling()
        settle_s = max(operation.settle_s for operation in self.operations)
        settled = clock.now() + settle_s
        while clock.now() < settled:
            time.sleep(LOOK_S)
            again = self._patiently(applied=False, last=False, until=self.until + settle_s)
            if isinstance(again, TargetError):
                return again
        last = self._patiently(applied=False, last=True, until=self.until + settle_s)
        return last if isinstance(last, TargetError) or first.end == "undone" else first

    def _patiently(self, *, applied: bool, last: bool, until: float) -> Undone | TargetError:
        """Again and again until it works or patience ends: twice at least, once where there is none left."""
        attempt, patient = 0, until > clock.now()
        while True:
            try:
                return undo_operations(self.operations, applied=applied, last=last)
            except TargetError as error:
                # What is found changed from now on may be our own half of an undo, and no operator's doing.
                applied = False
                if attempt == 0:
                    self.on_failure(error)
                if not patient or (attempt and clock.now() >= until):
                    return error
            time.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1


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
    return max(
        ends,
        key=lambda undone: ("undone", "expired", "gone", "superseded").index(undone.end),
        default=Undone("undone"),
    )
