"""Text of others made safe to show on one line: names, evidence and errors can hold anything. Pure."""

from __future__ import annotations

import re
import unicodedata

_SPELLED = str.maketrans(
    {
        "±": "+-",
        "≤": "<=",
        "≥": ">=",
        "–": "-",
        "—": "-",
        "…": "...",
        "µ": "u",
        "×": "x",
        "→": "->",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
    }
)
_SPACES = re.compile(" {2,}")
# Controls, formats (also what turns the reading direction around), private and unassigned, line breaks.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def one_line(text: str) -> str:
    """`text` without control characters, escapes, and marks that change how the rest is read.

    Line breaks and tabs become spaces, runs of spaces one; what cannot be shown becomes U+FFFD.
    """
    shown = "".join(
        " " if c.isspace() else "\ufffd" if unicodedata.category(c) in _UNSAFE else c for c in text
    )
    return _SPACES.sub(" ", shown)


def printable(text: str) -> str:
    """As `one_line`, with line breaks and spaces kept, for what is copied or read in several lines."""
    return "".join(
        c if c in "\n " else " " if c.isspace() else "\ufffd" if unicodedata.category(c) in _UNSAFE else c
        for c in text
    )


def ascii_only(text: str) -> str:
    """`text` for a terminal without UTF-8: usual signs are spelled out, the rest becomes `?`."""
    return text.translate(_SPELLED).encode("ascii", "replace").decode("ascii")
