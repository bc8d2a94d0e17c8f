"""What `slochaos doctor` looks at: this host, and one environment. Each finding names its fix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `missing` keeps something from working, `note` is good to know."""

    state: Literal["ok", "note", "missing"]
    what: str
    detail: str
    fix: str = ""


def ok(what: str, detail: str) -> Finding:
    """Nothing to do."""
    return Finding("ok", what, detail)


def note(what: str, detail: str, fix: str) -> Finding:
    """Works, but could be better."""
    return Finding("note", what, detail, fix)


def missing(what: str, detail: str, fix: str) -> Finding:
    """Something will not work until this is fixed."""
    return Finding("missing", what, detail, fix)
