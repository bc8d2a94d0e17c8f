"""Can the traffic decide a `hold` at all? Asked before anything is injected."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from slochaos.verdict.bounds import CONFIDENCE, bad_at_most
from slochaos.wording import exact_percent

_FLOORS = tuple(
    Fraction(f) for f in ("0.9995", "0.999", "0.995", "0.99", "0.98", "0.95", "0.9", "0.8", "0.5")
)
"""Good shares that people set as floors, for the way out "hold 99 %"."""


@dataclass(frozen=True)
class Power:
    """Whether a `hold` can be decided, and the cheapest ways out where it cannot.

    `ways_out` read like "130 s longer", "load at 150 requests/s", "hold 99 %".
    """

    needed_clean: int
    expected_events: float
    decidable: bool
    ways_out: tuple[str, ...] = ()


def needed_events(bad: int, allowed: Fraction | float, confidence: float = CONFIDENCE) -> int:
    """The fewest events among which `bad` bad ones still show a bad share of at most `allowed` (0-1, not 0)."""
    if not 0 < allowed <= 1:
        raise ValueError(f"no number of events shows a bad share of at most {allowed}")
    low, high = bad, max(2 * bad, 1)
    while bad_at_most(bad, high, confidence) > allowed:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if bad_at_most(bad, middle, confidence) > allowed:
            low = middle
        else:
            high = middle
    return high


def check(
    hold: Fraction, rate_per_s: float, fault_s: float, expected_bad: int = 0, confidence: float = CONFIDENCE
) -> Power:
    """Judge a floor `hold` (good share, 0-1) against the forecast traffic of `fault_s` seconds.

    `expected_bad` is what the baseline predicts for the fault. `needed_clean` is 0 for a floor of 100 %, which
    no traffic can show. For Occurrences only: slices are a census and need no power.
    """
    expected = max(rate_per_s * fault_s, 0.0)
    if hold >= 1:
        return Power(0, expected, False, _lower_floor(hold, expected, expected_bad, confidence))
    needed = needed_events(expected_bad, 1 - hold, confidence)
    if expected >= needed:
        return Power(needed, expected, True)
    ways = (
        *_longer(needed - expected, rate_per_s),
        *_more_load(needed, fault_s),
        *_lower_floor(hold, expected, expected_bad, confidence),
    )
    return Power(needed, expected, False, ways)


def _longer(missing: float, rate_per_s: float) -> tuple[str, ...]:
    if rate_per_s <= 0:
        return ()
    return (f"{_rounded_up(missing / rate_per_s):,} s longer",)


def _more_load(needed: int, fault_s: float) -> tuple[str, ...]:
    if fault_s <= 0:
        return ()
    return (f"load at {_rounded_up(needed / fault_s):,} requests/s",)


def _lower_floor(hold: Fraction, expected: float, bad: int, confidence: float) -> tuple[str, ...]:
    """The highest usual floor that the expected traffic can show."""
    events = math.floor(expected)
    if events <= bad:
        return ()
    shown = 1 - bad_at_most(bad, events, confidence)
    return tuple(f"hold {exact_percent(floor)}" for floor in _FLOORS if floor < hold and floor <= shown)[:1]


def _rounded_up(value: float) -> int:
    """Up to the next figure that a person would set: 1 to 10, then steps of 5, of 10, of 50, of 100, ..."""
    step = 1
    for limit, size in ((10, 5), (50, 10), (500, 50), (1000, 100)):
        if value > limit:
            step = size
    while value > 100 * step:
        step *= 10
    return math.ceil(value / step) * step
