"""Near misses: what a misspelt name was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LISTED = 12


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint: the closest known name, or the list of them where none is close."""
    names = [each for each in known if each]
    close = difflib.get_close_matches(name[:80], names[:500], n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    if not names:
        return ""
    return f"there is {', '.join(names[:_LISTED])}{', ...' if len(names) > _LISTED else ''}"
