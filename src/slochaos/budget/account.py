"""Budgets and charges, in events or slices; per cent is derived, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

Basis = Literal["observed", "projected"]


@dataclass(frozen=True)
class Budget:
    """What one objective allows over its window, in events (Occurrences) or slices (Timeslices).

    `window_events` is how many events the window holds, `consumed` how many bad ones it already has.
    """

    allowed: Fraction
    window_s: int
    window_events: Fraction
    basis: Basis
    strict: bool = False
    consumed: Fraction = Fraction(0)

    @property
    def size(self) -> Fraction:
        """Bad events that the window allows, as a share of it (not rounded)."""
        return self.allowed * self.window_events

    @property
    def left_share(self) -> Fraction:
        """What is left, as a share of the budget; below 0 when overspent."""
        raise NotImplementedError


def allowed_bad(allowed: Fraction, total: int, *, strict: bool) -> int:
    """The largest number of bad events among `total`: ceil(aN) - 1 for `lt`, floor(aN) for `lte`."""
    raise NotImplementedError


def projected(
    allowed: Fraction,
    window_s: int,
    *,
    events: int,
    seconds: float,
    at_least: int = 0,
    strict: bool = False,
    consumed: Fraction = Fraction(0),
) -> Budget:
    """A budget whose window is filled from a baseline of `events` in `seconds`; holds `at_least` events (the run's)."""
    raise NotImplementedError


def observed(
    allowed: Fraction, window_s: int, *, window_events: float, consumed: float, strict: bool = False
) -> Budget:
    """A budget whose window was read from the source."""
    raise NotImplementedError


def in_slices(
    allowed: Fraction, window_s: int, slice_s: int, *, consumed: float = 0, strict: bool = False
) -> Budget:
    """A budget of time slices: their number is known, so the basis is `observed`."""
    raise NotImplementedError


@dataclass(frozen=True)
class Charge:
    """What one run spent of one budget. Intervals are (at least, at most); `math.inf` has no upper end."""

    budget: Budget
    bad_gross: int
    bad_gross_interval: tuple[float, float]
    bad_attributed: float
    attributed_interval: tuple[float, float]
    refund_complete: str = ""

    @property
    def gross_share(self) -> Fraction:
        """Share of the budget (1 = all of it) that was spent while the run lasted."""
        raise NotImplementedError

    @property
    def gross_share_interval(self) -> tuple[Fraction, Fraction | float]:
        """(at least, at most) of `gross_share`."""
        raise NotImplementedError

    @property
    def attributed_share_interval(self) -> tuple[Fraction, Fraction | float]:
        """(at least, at most) of the share that the fault caused."""
        raise NotImplementedError

    def fields(self) -> dict[str, Any]:
        """The fields of `record.Charge`: `record.Charge(**charge.fields())`."""
        raise NotImplementedError


def charge(
    budget: Budget,
    *,
    bad: int,
    bad_interval: tuple[float, float],
    attributed: float,
    attributed_interval: tuple[float, float],
    ended_epoch: float,
) -> Charge:
    """Charge a run that ended at `ended_epoch` (epoch seconds, for the refund) to `budget`."""
    raise NotImplementedError
