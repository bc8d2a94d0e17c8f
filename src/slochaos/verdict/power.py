"""Can the traffic decide a `hold` at all? Asked before anything is injected."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from slochaos.verdict.bounds import CONFIDENCE


@dataclass(frozen=True)
class Power:
    """Whether a `hold` can be decided, and the cheapest ways out where it cannot.

    `ways_out` read like "130 s longer", "load at 150 requests/s", "hold 99 %".
    """

    needed_clean: int
    expected_events: float
    decidable: bool
    ways_out: tuple[str, ...] = ()


def needed_events(bad: int, allowed: Fraction, confidence: float = CONFIDENCE) -> int:
    """Events among which `bad` bad ones still show that the bad share is at most `allowed` (> 0)."""
    raise NotImplementedError


def check(
    hold: Fraction, rate_per_s: float, fault_s: float, expected_bad: int = 0, confidence: float = CONFIDENCE
) -> Power:
    """Judge a floor `hold` (good share, 0-1) against the forecast traffic of `fault_s` seconds.

    For Occurrences only: slices are a census and need no power.
    """
    raise NotImplementedError
