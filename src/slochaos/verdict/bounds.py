"""How bad it may be beyond what was seen: one-sided Clopper-Pearson bounds on a bad share."""

from __future__ import annotations

from slochaos.verdict.counts import Counted

CONFIDENCE = 0.95
"""Per side. Never the two-sided 95 %, which needs 23 % more events for the same claim."""


def bad_at_most(bad: int, total: int, confidence: float = CONFIDENCE) -> float:
    """The bad share, 0-1, that the truth exceeds in at most `1 - confidence` of cases; 1.0 without events."""
    raise NotImplementedError


def bad_at_least(bad: int, total: int, confidence: float = CONFIDENCE) -> float:
    """The bad share, 0-1, that the truth is below in at most `1 - confidence` of cases; 0.0 without events."""
    raise NotImplementedError


def interval(counted: Counted, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """(bad at least, bad at most), each one-sided, from the least favourable corner of an uncertain count."""
    raise NotImplementedError
