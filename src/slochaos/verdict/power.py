"""Can the traffic decide a `hold` at all? Asked before anything is injected."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from slochaos.verdict.bounds import CONFIDENCE, bad_at_most
from slochaos.wording import exact_percent

_FLOORS = tuple(
    Fraction(f) for f in ("0.9995", "0.999", "0.995", "0.99", "0.98", "0.95", "0.9", "0.8", "0.5")
)
"""Good shares that people set as floors, for the way out "hold 99 %"."""

_MOST_EVENTS = 1 << 40
"""A year at 30,000 a second: nobody waits for more."""


@dataclass(frozen=True)
class Power:
    """Whether a `hold` can be decided, and the cheapest ways out where it cannot.

    At the baseline's rate `expected_bad` of the `expected_events` fail; `needed_clean` events show the floor if
    no other does, 0 where no number can. `ways_out` read like "130 s longer",
    "load at 150 requests/s", "hold 99 %".
    """

    needed_clean: int
    expected_events: float
    expected_bad: int
    decidable: bool
    ways_out: tuple[str, ...] = ()


def needed_events(bad: int, allowed: Fraction | float, confidence: float = CONFIDENCE) -> int:
    """The fewest events among which `bad` bad ones still show a bad share of at most `allowed` (0-1, not 0)."""
    if not 0 < allowed <= 1:
        raise ValueError(f"no number of events shows a bad share of at most {allowed}")
    return _fewest(bad, max(2 * bad, 1), lambda events: bad_at_most(bad, events, confidence) <= allowed)


def check(
    hold: Fraction,
    rate_per_s: float,
    fault_s: float,
    bad_share: Fraction = Fraction(0),
) -> Power:
    """Judge a floor `hold` (good share, 0-1) against the forecast traffic of `fault_s` seconds.

    `bad_share` is the baseline's: more traffic brings more of these failures along, so that a floor which the
    baseline itself does not keep can be shown by no traffic, just as a floor of 100 %. For Occurrences only:
    slices are a census and need no power.
    """
    expected = max(rate_per_s * fault_s, 0.0)
    bad = round(bad_share * Fraction(expected))
    needed = _needed_at(bad_share, 1 - hold)
    if needed and expected >= needed:
        return Power(needed, expected, bad, True)
    traffic = (*_longer(needed - expected, rate_per_s), *_more_load(needed, fault_s)) if needed else ()
    return Power(needed, expected, bad, False, (*traffic, *_lower_floor(hold, expected, bad)))


def _needed_at(bad_share: Fraction, allowed: Fraction) -> int:
    """Events that show `allowed` when this share of them is bad; 0 where no number does.

    The fewest up to one whole bad event: the expected number is rounded, so that the bound falls in steps.
    """
    if bad_share >= allowed:
        return 0

    def shown(events: int) -> bool:
        return bad_at_most(round(bad_share * events), events) <= allowed

    return _fewest(0, 1, shown, most=_MOST_EVENTS)


def _fewest(low: int, high: int, shown: Callable[[int], bool], most: int | None = None) -> int:
    """The fewest events above `low` with which it is `shown`, first tried with `high`; 0 if not with `most`."""
    while not shown(high):
        low, high = high, 2 * high
        if most is not None and high > most:
            return 0
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high


def _longer(missing: float, rate_per_s: float) -> tuple[str, ...]:
    if rate_per_s <= 0:
        return ()
    return (f"{_rounded_up(missing / rate_per_s):,} s longer",)


def _more_load(needed: int, fault_s: float) -> tuple[str, ...]:
    if fault_s <= 0:
        return ()
    return (f"load at {_rounded_up(needed / fault_s):,} requests/s",)


def _lower_floor(hold: Fraction, expected: float, bad: int) -> tuple[str, ...]:
    """The highest usual floor that the expected traffic can show."""
    events = math.floor(expected)
    if events <= bad:
        return ()
    shown = 1 - bad_at_most(bad, events)
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
