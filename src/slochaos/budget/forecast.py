"""What a run may cost, before anything is injected."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Outage:
    """The course of a planned fault, in seconds. `detection_s` and `undo_s`: what an abort needs to take hold."""

    fault_s: float
    recovery_s: float
    detection_s: float = 0.0
    undo_s: float = 0.0


@dataclass(frozen=True)
class Forecast:
    """Shares of the budget (1 = all of it). `expected` is None when nobody can know.

    `abort_at_s`: seconds into the fault at which the cost rule would cut it short, if it would.
    """

    worst: float
    expected: float | None = None
    abort_at_s: float | None = None
    reason: str = ""


def forecast(
    outage: Outage,
    *,
    allowed: Fraction,
    window_s: int,
    cost: Fraction | None = None,
    expected_bad_share: float | None = None,
    rate_ratio: float = 1.0,
) -> Forecast:
    """Occurrences: worst = min(full outage over fault + recovery, cost rule + overshoot).

    `rate_ratio` is today's traffic over the window's mean traffic (1 for a projected budget).
    """
    raise NotImplementedError


def forecast_slices(
    outage: Outage,
    *,
    allowed: Fraction,
    window_s: int,
    slice_s: int = 60,
    slice_target: Fraction = Fraction(1),
    cost: Fraction | None = None,
    expect_outage: bool = False,
) -> Forecast:
    """Timeslices: the same in whole slices, over every start offset within a slice."""
    raise NotImplementedError


def slices_spent(outage_s: float, slice_s: int, slice_target: Fraction) -> dict[int, float]:
    """Number of bad slices of a full outage -> its probability over the start offsets."""
    raise NotImplementedError


def detection_cost(detection_s: float, *, allowed: Fraction, window_s: int) -> float:
    """Share of the budget that a full outage burns before it can be seen."""
    raise NotImplementedError
