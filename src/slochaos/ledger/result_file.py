"""Reads the record of a run back, from result.json or from the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from slochaos.errors import StateError
from slochaos.record import Record, Result

Document = TypeVar("Document", bound=Record)

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
    """A run's record from its JSON; `what` names it in the message of the StateError."""
    return parse_as(Result, text, what)


def parse_as(kind: type[Document], text: str, what: str) -> Document:
    """A document of this kind from its JSON; `what` names it in the message of the StateError."""
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StateError(
            f"{what} is not a record that this version reads: {where}: {first['msg']}",
            hint="it was cut short, or written by another version of slochaos",
        ) from error
