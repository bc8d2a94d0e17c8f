"""When a rolling budget comes back: old errors leave the window one window after they happened."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

Spent = tuple[float, float]
"""Bad events and the instant (epoch seconds) by which all of them had happened."""


def back_at(
    spent: Iterable[Spent], size: Fraction, window_s: float, now: float, left: Fraction
) -> float | None:
    """The earliest instant from `now` on at which `left` (0-1) of the budget is there, if nothing fails meanwhile.

    `size` is the budget in events, taken to stay as it is. None where not even an empty window would do.
    """
    may_use = (1 - left) * size
    if may_use < 0:
        return None
    newest_first = sorted(((at, bad) for bad, at in spent if bad > 0 and at + window_s > now), reverse=True)
    used = Fraction(0)
    for at, bad in newest_first:
        used += Fraction(bad)
        if used > may_use:
            return at + window_s
    return now
