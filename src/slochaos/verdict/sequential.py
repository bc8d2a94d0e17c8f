"""May we act now? A test that stays valid however often one looks."""

from __future__ import annotations

from fractions import Fraction

ALPHA = 0.01
"""The chance of ever acting on a system that is within what is allowed, over all looks together."""


def exceeds(bad: int, total: int, allowed: Fraction | float, alpha: float = ALPHA) -> bool:
    """Whether the bad share is shown to be above `allowed`, looking as often as one likes.

    Cumulative counts since the phase began. For an uncertain count pass its lower end (`bad_low`, `total_high`).
    """
    raise NotImplementedError


def log_evidence(bad: int, total: int, allowed: Fraction | float) -> float:
    """Natural log of the evidence ratio for "above `allowed`" against "at `allowed`"."""
    raise NotImplementedError
