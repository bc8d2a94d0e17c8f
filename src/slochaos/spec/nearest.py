"""Near misses: what a misspelt name was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LISTED = 12


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint with the closest known name, whatever its case; empty where none is close."""
    by_lower = {each.lower(): each for each in list(known)[:500]}
    lower = name[:80].lower()
    close = difflib.get_close_matches(lower, by_lower, n=1, cutoff=0.6)
    close = close or [each for each in by_lower if len(lower) > 1 and each.startswith(lower)]
    return f"did you mean {by_lower[close[0]]!r}?" if close else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint with the closest known name, or the list of all where none is close."""
    names = list(known)
    listed = ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
    return nearest(name, names) or (f"there is {listed}" if names else "")
