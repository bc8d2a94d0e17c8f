"""Standard output and standard error: one JSON document, safe text, readers that go away, full disks.

A run must go on, and undo what it did, when `| head` closes the pipe or the log's disk is full: what cannot
be written is dropped. A reader that went away wanted no more, so that stays quiet; any other loss of standard
output is remembered for the way out of the process (`lost_output`).
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer
    from pydantic import BaseModel
    from rich.console import Console

_TABLE_WIDTH = 132


class _PatientFile(io.FileIO):
    """A file descriptor that swallows what it cannot write; `lost` says why it did, empty for a closed pipe."""

    lost = ""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return memoryview(data).nbytes
        except OSError as error:
            self.lost = error.strerror or str(error)
            return memoryview(data).nbytes


def survive_closed_pipes() -> None:
    """Replace sys.stdout and sys.stderr with streams that drop what cannot be written."""
    sys.stdout = _patient(sys.stdout)
    sys.stderr = _patient(sys.stderr)


def _patient(stream: TextIO | None) -> TextIO:
    if stream is None:  # started with the descriptor closed (`>&-`)
        return io.StringIO()
    raw = _PatientFile(stream.fileno(), "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors="backslashreplace",  # a terminal without UTF-8 gets escapes, not a crash
        line_buffering=stream is sys.stderr or raw.isatty(),
    )


def lost_output() -> str:
    """Why standard output is incomplete; empty when all that was meant for it has gone there, or to a closed pipe."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.lost if isinstance(raw, _PatientFile) else ""


def printable(text: str) -> str:
    """`text` without control characters, so that a title or a server's answer cannot drive the terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "�" for char in text)


def one_line(text: str) -> str:
    """The same for what has to stay on its line: a name with a line break in it must not write a line of its own."""
    return printable(text).replace("\n", "�")


def say(text: str) -> None:
    """One message for the person, on standard error."""
    sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()


def write(text: str) -> None:
    """A command's result as text, on standard output."""
    sys.stdout.write(printable(text) + "\n")
    sys.stdout.flush()


def write_document(document: Any) -> None:
    """A command's result as the one JSON document on standard output."""
    import json

    json.dump(document, sys.stdout, indent=2, ensure_ascii=False, default=_plain)
    sys.stdout.write("\n")
    sys.stdout.flush()


def write_record(record: BaseModel, *, indented: bool = True) -> None:
    """One of our records likewise, written by pydantic: of a thousand objectives in a tenth of the time."""
    sys.stdout.write(record.model_dump_json(by_alias=True, indent=2 if indented else None) + "\n")
    sys.stdout.flush()


def _plain(value: Any) -> Any:
    """Values of ours as JSON has them: times in RFC 3339 UTC, records as objects, fractions as numbers."""
    import dataclasses
    from datetime import UTC, datetime
    from fractions import Fraction

    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return float(value) if isinstance(value, Fraction) else str(value)


def console(*, stderr: bool = False) -> Console:
    """Rich's console on one of the two streams. Colours only on a terminal and without NO_COLOR."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    # Logs and pipes have no width of their own: give the tables theirs, unless COLUMNS says otherwise.
    width = None if stream.isatty() or "COLUMNS" in os.environ else _TABLE_WIDTH
    return Console(file=stream, highlight=False, emoji=False, width=width)
