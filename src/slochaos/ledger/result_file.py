"""Reads the record of a run back, from result.json or from the ledger."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from slochaos.errors import StateError
from slochaos.record import Result

_LARGEST = 64 * 1024 * 1024


def read(path: Path) -> Result:
    """The record in a `result.json`. Raises StateError if it is missing, cut short, or of another version."""
    try:
        if path.stat().st_size > _LARGEST:
            raise StateError(f"{path} is too large for a run's record", hint="move it away")
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StateError(f"{path} cannot be read: {error}", hint="check the run's folder") from error
    return parse(text, str(path))


def parse(text: str, what: str) -> Result:
    """A record from its JSON; `what` names it in the message of the StateError."""
    try:
        return Result.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StateError(
            f"{what} is not a record that this version reads: {where}: {first['msg']}",
            hint="it was cut short, or written by another version of slochaos",
        ) from error
