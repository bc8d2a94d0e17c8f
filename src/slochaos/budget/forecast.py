"""What a run may cost: foreseen before anything is injected, and while the fault is in force.

Nothing can fail faster than everything failing, so a full outage bounds the cost by physics; a cost rule
bounds it by aborting, plus what is spent until the abort has taken hold. The smaller of the two is the worst.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

from slochaos.budget.account import Budget
from slochaos.budget.burn import largest_burn_rate
from slochaos.wording import percent


@dataclass(frozen=True)
class Outage:
    """The course of a planned fault, in seconds.

    `recovery_s` is how long the system may stay down after the undo; `detection_s` and `undo_s` are what an
    abort needs until the fault is gone.
    """

    fault_s: float
    recovery_s: float
    detection_s: float = 0.0
    undo_s: float = 0.0

    @property
    def reaction_s(self) -> float:
        """From the first bad event to a verified undo."""
        return self.detection_s + self.undo_s


@dataclass(frozen=True)
class Forecast:
    """The worst share of the budget (1 = all of it) that a run may cost, and for which `reason`.

    Nothing is said of what is expected: how much of the system a fault takes down is what the run is to show.
    `abort_at_s`: seconds into the fault at which the cost rule cuts a full outage short, if it does.
    """

    worst: float
    abort_at_s: float | None = None
    reason: str = ""


def forecast(
    outage: Outage,
    *,
    allowed: Fraction,
    window_s: int,
    cost: Fraction | None = None,
    rate_ratio: float = 1.0,
) -> Forecast:
    """Occurrences: worst = min(full outage over fault + recovery, cost rule + overshoot).

    `rate_ratio` is today's traffic over the window's mean traffic (1 for a projected budget).
    """
    per_second = _share_per_second(allowed, window_s, rate_ratio)
    physics = (outage.fault_s + outage.recovery_s) * per_second
    if cost is None:
        return Forecast(physics, reason=_physics_text(outage))
    ruled = float(cost) + outage.reaction_s * per_second
    abort_at = max(float(cost) / per_second - outage.undo_s, 0.0)
    abort_at_s = None if abort_at >= outage.fault_s else max(abort_at, outage.detection_s)
    if physics <= ruled:
        return Forecast(physics, abort_at_s, _physics_text(outage))
    return Forecast(ruled, abort_at_s, _rule_text(cost, outage))


def forecast_slices(
    outage: Outage,
    *,
    allowed: Fraction,
    window_s: int,
    slice_s: int = 60,
    slice_target: Fraction = Fraction(1),
    cost: Fraction | None = None,
) -> Forecast:
    """Timeslices: the same in whole slices, over every start offset within a slice.

    An abort comes after the slice that breaks the rule is bad already, and its reaction may spoil one more.
    """
    size = allowed * window_s / slice_s
    physics = max(slices_spent(outage.fault_s + outage.recovery_s, slice_s, slice_target))
    spent = slices_spent(outage.fault_s, slice_s, slice_target)
    text = _slices_text(outage.fault_s, spent)
    if cost is None:
        return Forecast(float(physics / size), reason=text)
    ruled = math.floor(cost * size) + 1 + max(slices_spent(outage.reaction_s, slice_s, slice_target))
    return Forecast(float(min(physics, ruled) / size), reason=text)


def slices_spent(outage_s: float, slice_s: int, slice_target: Fraction) -> dict[int, float]:
    """Number of bad slices of a full outage -> its chance over the start offsets, in whole seconds.

    A slice is bad when more than `1 - slice_target` of its seconds are: 20 s at 95 % of a minute spoil one
    minute in 78 % of starts and two in 22 %.
    """
    seconds = math.ceil(outage_s)
    tolerated = (1 - slice_target) * slice_s
    counts = Counter(_bad_slices(offset, seconds, slice_s, tolerated) for offset in range(slice_s))
    return {number: counts[number] / slice_s for number in sorted(counts)}


def _bad_slices(offset: int, seconds: int, slice_s: int, tolerated: Fraction) -> int:
    """Bad slices of an outage that starts `offset` seconds into a slice."""
    first = min(seconds, slice_s - offset)
    whole, last = divmod(seconds - first, slice_s)
    return whole * (slice_s > tolerated) + (first > tolerated) + (last > tolerated)


def detection_cost(detection_s: float, *, allowed: Fraction, window_s: int, rate_ratio: float = 1.0) -> float:
    """Share of the budget that a full outage burns before the first sample can show it."""
    return detection_s * _share_per_second(allowed, window_s, rate_ratio)


def share_when_undone(
    budget: Budget, bad: int | Fraction, recent_bad: int | Fraction, recent_s: float, reaction_s: float
) -> Fraction:
    """The share that this run will have spent if it is aborted now: what it has, plus `reaction_s` at today's pace.

    For the abort watch: abort when it exceeds the cost rule. `bad` is the charge so far (the lower end of an
    uncertain count), `recent_bad` of it in the last `recent_s` seconds; `reaction_s` is the time to the next
    look plus the undo.
    """
    pace = Fraction(recent_bad) / Fraction(recent_s) if recent_s > 0 else Fraction(0)
    return budget.share_exactly(bad + pace * Fraction(reaction_s))


def _share_per_second(allowed: Fraction, window_s: int, rate_ratio: float) -> float:
    """Share of the budget that one second of full outage burns."""
    return float(largest_burn_rate(allowed) / window_s) * rate_ratio


def _physics_text(outage: Outage) -> str:
    return (
        f"everything fails for {outage.fault_s:g} s, and for {outage.recovery_s:g} s until it has recovered"
    )


def _rule_text(cost: Fraction, outage: Outage) -> str:
    return f"aborts at {percent(cost)}, plus {outage.reaction_s:.1f} s until it is noticed and undone"


def _slices_text(fault_s: float, spent: dict[int, float]) -> str:
    """ "20 s cost 1 slice in 78 % of starts, 2 slices in 22 %"."""
    parts = [
        f"{number} slice{'' if number == 1 else 's'}"
        + (f" in {100 * chance:.0f} % of starts" if chance < 1 else "")
        for number, chance in spent.items()
    ]
    return f"{fault_s:g} s cost {', '.join(parts)}"
