"""Every failure a user can meet, each with its exit code.

    SlochaosError                       7  error: one of our processes or a source failed
    |-- InvalidInput                    2  usage, or a file that does not validate
    |-- Refused                         4  nothing was injected, on purpose
    |   |-- TargetNotAllowed               outside the allow-list, or another identity
    |   |-- LockHeld                       another run holds the target
    |   `-- GateClosed                     the run is ending: no more injections
    |-- TargetError                     7  a target's API failed, hung or answered nonsense
    |   |-- TargetUnreached                no connection was made, so nothing was sent
    |   `-- TargetGone                     the API says that the target does not exist
    |-- SourceError                     7  a source of measurements failed
    |   `-- LoginRefused                     it does not let us in
    |-- ServiceError                    7  a service of the environment did not start
    |-- StateError                      7  the undo log, the run folder or the ledger cannot be written
    |-- GuardError                      7  the guard died or does not answer
    `-- UndoFailed                      6  a fault may still be in force

A failed objective is a value, never an exception.
"""

from __future__ import annotations


class SlochaosError(Exception):
    """A failure that is reported in one message: what failed, on what, and what to do next."""

    exit_code = 7

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  -> {self.hint}" if self.hint else self.message


class InvalidInput(SlochaosError):
    """A command line or a file that does not validate.

    `message` starts with `file:line: property.path: ` where a file is at fault. `also`: what else is wrong in
    the files that were read together.
    """

    exit_code = 2
    also: tuple[InvalidInput, ...] = ()

    def __str__(self) -> str:
        others = len(self.also)
        more = (
            f"\n  -> {others} more error{'' if others == 1 else 's'}: slochaos validate lists all"
            if others
            else ""
        )
        return super().__str__() + more


class Refused(SlochaosError):
    """Nothing was injected, on purpose. `reason` is a stable word for machines."""

    exit_code = 4
    reason = "refused"

    def __init__(self, message: str, *, hint: str = "", reason: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason or type(self).reason


class TargetNotAllowed(Refused):
    """The target is outside the allow-list, or is not what the allow-list describes."""

    reason = "target-not-allowed"


class LockHeld(Refused):
    """Another run holds the target."""

    reason = "lock-held"


class GateClosed(Refused):
    """The run is ending, so no further fault is injected."""

    reason = "gate-closed"


class TargetError(SlochaosError):
    """A target's API failed, hung, or answered nonsense. Unreachable is not gone."""


class TargetUnreached(TargetError):
    """No connection to the target's API was made, so that nothing can have reached it."""


class TargetGone(TargetError):
    """The target's API itself says that the object does not exist."""


class SourceError(SlochaosError):
    """A source of measurements failed."""


class LoginRefused(SourceError):
    """A source of measurements does not let us in."""


class ServiceError(SlochaosError):
    """A service of the environment did not start, or ended early."""


class StateError(SlochaosError):
    """The undo log, the run folder or the ledger cannot be written or read."""


class GuardError(SlochaosError):
    """The guard died or does not answer."""


class UndoFailed(SlochaosError):
    """A fault may still be in force."""

    exit_code = 6
