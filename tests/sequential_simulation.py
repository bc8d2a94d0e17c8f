"""How the always-valid test behaves on simulated traffic, seeded: false aborts, and events until it acts."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from slochaos.verdict.sequential import exceeds

RUNS = 4_000
_MOST_BAD = 160
"""Bad events within which every run at twice the allowed share or more has acted."""


Acts = Callable[[int, int, float], bool]
"""Whether a test acts on `bad` of `total` events where a share of `allowed` is allowed."""


def false_aborts(allowed: float, per_look: int, looks: int, acts: Acts = exceeds) -> float:
    """The share of runs, exactly at what is allowed, that are aborted at any of their looks."""
    random = np.random.default_rng(20_240)
    bad = random.binomial(per_look, allowed, size=(RUNS, looks)).cumsum(axis=1)
    boundary = np.array([_bad_to_act(per_look * look, allowed, acts) for look in range(1, looks + 1)])
    return float((bad >= boundary).any(axis=1).mean())


def mean_events_to_act(allowed: float, share: float) -> float:
    """How many events it takes on average until the test acts on a bad share above what is allowed.

    It can act at bad events only, so that one draws the events from one bad event to the next.
    """
    random = np.random.default_rng(7)
    quiet = np.array([_events_to_stay_quiet(bad, allowed) for bad in range(1, _MOST_BAD + 1)])
    at_event = random.geometric(share, size=(RUNS, _MOST_BAD)).cumsum(axis=1)
    acts = at_event <= quiet
    if not acts.any(axis=1).all():
        raise AssertionError(f"some runs at a share of {share} had not acted after {_MOST_BAD} bad events")
    return float(at_event[np.arange(RUNS), acts.argmax(axis=1)].mean())


def wald_events(allowed: float, share: float) -> float:
    """Mean events of Wald's sequential test, which knows the share (alpha 1 %, beta 5 %)."""
    information = share * math.log(share / allowed) + (1 - share) * math.log((1 - share) / (1 - allowed))
    return (0.95 * math.log(0.95 / 0.01) + 0.05 * math.log(0.05 / 0.99)) / information


def _bad_to_act(total: int, allowed: float, acts: Acts) -> int:
    """The fewest bad of `total` at which the test acts."""
    low, high = 0, total
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if acts(middle, total, allowed) else (middle, high)
    return high


def _events_to_stay_quiet(bad: int, allowed: float) -> int:
    """The most events at which `bad` bad ones still act; 0 if they never do."""
    if not exceeds(bad, bad, allowed):
        return 0
    low, high = bad, 2 * bad
    while exceeds(bad, high, allowed):
        low, high = high, 2 * high
    while high - low > 1 + low // 10_000:
        middle = (low + high) // 2
        low, high = (middle, high) if exceeds(bad, middle, allowed) else (low, middle)
    return low
