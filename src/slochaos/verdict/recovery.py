"""When did the indicator hold again?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Recovered:
    """The indicator held from `at` (an instant) on; the truth lies within `resolution_s` before it."""

    at: float
    seconds: float
    resolution_s: float


def recovered_at(
    points: Iterable[tuple[float, int, int]],
    undone_at: float,
    allowed: Fraction | float,
    hold_for_s: float,
) -> Recovered | None:
    """The first instant from which the bad share stayed within `allowed` for `hold_for_s`; None if never (yet).

    `points` are (instant, bad, total): events between the previous instant (first: `undone_at`) and this one,
    in order; points at or before `undone_at` are ignored. May be asked again and again as points arrive.
    Pass the larger of the allowed share and the baseline's own bad share as `allowed`.
    """
    raise NotImplementedError
