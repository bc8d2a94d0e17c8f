"""How bad it may be beyond what was seen: one-sided Clopper-Pearson bounds on a bad share.

Clopper-Pearson and never Wald: at one bad in a thousand the latter's "95 %" covers 18 % (200 events).
"""

from __future__ import annotations

import math
from fractions import Fraction

from slochaos.verdict.beta import log_edge, log_upper_ratio, log_upper_tail
from slochaos.verdict.counts import Counted

CONFIDENCE = 0.95
"""Per side. Never the two-sided 95 %, which needs 23 % more events for the same claim."""

_PRECISION = 1e-12


def bad_at_most(bad: int, total: int, confidence: float = CONFIDENCE) -> float:
    """The bad share, 0-1, above which as few as `bad` of `total` would be rarer than `1 - confidence`.

    1.0 without events.
    """
    _check(bad, total, confidence)
    if bad == total:
        return 1.0
    log_alpha = math.log1p(-confidence)
    if bad == 0:
        return -math.expm1(log_alpha / total)
    return _solve_at_most(bad, total, log_alpha)


def bad_at_least(bad: int, total: int, confidence: float = CONFIDENCE) -> float:
    """The bad share, 0-1, below which as many as `bad` of `total` would be rarer than `1 - confidence`.

    0.0 without events.
    """
    _check(bad, total, confidence)
    if bad == 0:
        return 0.0
    log_alpha = math.log1p(-confidence)
    if bad == total:
        return math.exp(log_alpha / total)
    return _solve_at_least(bad, total, log_alpha)


def is_above(bad: int, total: int, allowed: Fraction | float) -> bool:
    """Whether `bad_at_least(bad, total)` exceeds `allowed`, without solving for it."""
    _check(bad, total, CONFIDENCE)
    if bad <= allowed * total or allowed >= 1:
        return False
    if allowed <= 0:
        return True
    p = float(allowed)
    return log_upper_tail(total - bad + 1, bad, 1 - p, p) < math.log1p(-CONFIDENCE)


def interval(counted: Counted) -> tuple[float, float]:
    """(bad at least, bad at most), each one-sided, from the least favourable corner of an uncertain count."""
    return at_least(counted), at_most(counted)


def at_least(counted: Counted, confidence: float = CONFIDENCE) -> float:
    """`bad_at_least` of the fewest bad among the most events that the count allows."""
    if math.isinf(counted.total_high):
        return 0.0
    total = math.ceil(counted.total_high)
    return bad_at_least(min(max(math.floor(counted.bad_low), 0), total), total, confidence)


def at_most(counted: Counted, confidence: float = CONFIDENCE) -> float:
    """`bad_at_most` of the most bad among the fewest events that the count allows."""
    total = max(math.floor(counted.total_low), 0)
    if counted.bad_high >= total:
        return 1.0
    return bad_at_most(math.ceil(counted.bad_high), total, confidence)


def _check(bad: int, total: int, confidence: float) -> None:
    if not (0 <= bad <= total and 0 < confidence < 1):
        raise ValueError(f"no bound for {bad} bad of {total} at a confidence of {confidence}")


def _solve_at_most(bad: int, total: int, log_alpha: float) -> float:
    """Newton on the log of the tail, which is concave: after one step it only comes closer, from above."""
    a, b = bad + 1, total - bad
    p = _score_bound(bad, total, log_alpha, 1)
    for _ in range(100):
        log_ratio = log_upper_ratio(a, b, p, 1 - p)
        excess = log_ratio + log_edge(a, b, p, 1 - p) - log_alpha
        step = excess * _slope_inverse(log_ratio, p)
        following = min(p + step, (1 + p) / 2)
        if abs(following - p) <= _PRECISION * p:
            return following
        p = max(following, p / 2)
    return p


def _solve_at_least(bad: int, total: int, log_alpha: float) -> float:
    """The mirror image, in terms of p itself, so that a share of 10^-9 keeps its digits."""
    a, b = total - bad + 1, bad
    p = _score_bound(bad, total, log_alpha, -1)
    for _ in range(100):
        log_ratio = log_upper_ratio(a, b, 1 - p, p)
        excess = log_ratio + log_edge(a, b, 1 - p, p) - log_alpha
        step = excess * _slope_inverse(log_ratio, p)
        following = max(p - step, p / 2)
        if abs(following - p) <= _PRECISION * p:
            return following
        p = min(following, (1 + p) / 2)
    return p


def _slope_inverse(log_ratio: float, p: float) -> float:
    """1 / |d ln tail / dp|: tail and density share the edge term, so that it cancels."""
    return math.exp(min(log_ratio, 700)) * p * (1 - p)


def _score_bound(bad: int, total: int, log_alpha: float, side: int) -> float:
    """A start a little outside the bound: Wilson's score with a generous normal quantile."""
    z2 = -2 * log_alpha
    half = math.sqrt(z2 * (bad * (total - bad) / total + z2 / 4))
    return (bad + z2 / 2 + side * half) / (total + z2)
