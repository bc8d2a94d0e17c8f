"""report.html."""

from __future__ import annotations

from pathlib import Path

from slochaos.record import Result


def write(result: Result, path: Path) -> None:
    """Write the report of one run: one file, offline, printable, 0600. Raises StateError."""
    raise NotImplementedError
