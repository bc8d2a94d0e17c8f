"""What the guard and its clients say to each other: JSON lines over a Unix socket.

A request is `{"id", "call", ...}`, its answer `{"id", "ok"}` or `{"id", "error"}`, an event `{"event"}`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from slochaos import errors

LIMIT = 1024 * 1024
SOCKET_VARIABLE = "SLOCHAOS_GUARD_SOCKET"

_CLASSES: dict[str, type[errors.SlochaosError]] = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, errors.SlochaosError)
}


def encode(message: Mapping[str, Any]) -> bytes:
    """One line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """One line back. Raises GuardError when it is no message."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise errors.GuardError(f"the guard's socket carries no message of ours: {line[:60]!r}") from error
    if not isinstance(message, dict):
        raise errors.GuardError(f"the guard's socket carries no message of ours: {line[:60]!r}")
    return message


def error_to_json(error: errors.SlochaosError) -> dict[str, str]:
    """An error of ours as it crosses the socket."""
    reason = error.reason if isinstance(error, errors.Refused) else ""
    return {"class": type(error).__name__, "message": error.message, "hint": error.hint, "reason": reason}


def error_from_json(data: Mapping[str, str]) -> errors.SlochaosError:
    """The error on the other side, of the same class."""
    found = _CLASSES.get(data["class"], errors.GuardError)
    if issubclass(found, errors.Refused):
        return found(data["message"], hint=data["hint"], reason=data["reason"])
    return found(data["message"], hint=data["hint"])
