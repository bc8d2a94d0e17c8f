"""stub"""

from __future__ import annotations


def status() -> int:
    """Stub."""
    return 0
