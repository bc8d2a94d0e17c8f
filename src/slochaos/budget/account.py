"""Budgets and charges, in events or slices; per cent is derived, never stored.

What decides is exact: fractions of the text, never floats (`1 - 0.999` would let exactly 0.1 % pass `<`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Literal

Basis = Literal["observed", "projected"]
Interval = tuple[float | Fraction, float | Fraction]
ShareInterval = tuple[Fraction, Fraction | float]


@dataclass(frozen=True)
class Budget:
    """What one objective allows over its window, in events (Occurrences) or slices (Timeslices).

    `window_events` is how many events the window holds, `consumed` how many bad ones it already has; `basis`
    says whether the former was read from a source or projected from the baseline's rate. `window_doubt` is by what
    share the baseline may have lasted shorter or longer, where it is not exact when its readings were made.
    """

    allowed: Fraction
    window_s: int
    window_events: Fraction
    basis: Basis
    strict: bool = False
    consumed: Fraction = Fraction(0)
    window_doubt: Fraction = Fraction(0)

    @property
    def size(self) -> Fraction:
        """Bad events that are the whole budget, not rounded."""
        return self.allowed * self.window_events

    @property
    def most_bad(self) -> int:
        """The largest number of bad events with which the objective is still met."""
        return allowed_bad(self.allowed, math.floor(self.window_events), strict=self.strict)

    @property
    def consumed_share(self) -> Fraction:
        """What the window has already used, as a share of the budget."""
        return self.share_exactly(self.consumed)

    @property
    def left_share(self) -> Fraction:
        """What is left, as a share of the budget; below 0 when overspent."""
        return 1 - self.consumed_share

    def share_exactly(self, bad: Fraction | float) -> Fraction:
        """`bad` (finite) events as a share of the budget."""
        if not bad:
            return Fraction(0)
        if self.size <= 0:
            raise ValueError("a budget of no events cannot be spent")
        return Fraction(bad) / self.size

    def share(self, bad: Fraction | float) -> Fraction | float:
        """`bad` events as a share of the budget; `math.inf` for an unknown number."""
        return math.inf if math.isinf(bad) else self.share_exactly(bad)

    def share_interval(self, bad: Interval) -> ShareInterval:
        """(at least, at most) so many events as shares of a budget whose window is in doubt itself."""
        low, high = self.share_exactly(bad[0]), self.share(bad[1])
        return low * (1 - self.window_doubt), high * (1 + self.window_doubt)


def allowed_bad(allowed: Fraction, total: int, *, strict: bool) -> int:
    """The largest number of bad events among `total`: ceil(aN) - 1 for `lt`, floor(aN) for `lte`.

    Never below 0: no bad event at all meets every objective.
    """
    return max(math.ceil(allowed * total) - 1, 0) if strict else math.floor(allowed * total)


def projected(
    allowed: Fraction,
    window_s: int,
    *,
    events: int,
    seconds: float,
    doubt_s: float = 0.0,
    at_least: int = 0,
    strict: bool = False,
    consumed: Fraction | float = 0,
) -> Budget:
    """A budget whose window is filled at the baseline's rate: `events` in `seconds`, give or take `doubt_s`.

    The window holds `at_least` so many events (those of the run itself), so that a run after a silent baseline
    still has a budget.
    """
    rate = Fraction(events) / Fraction(seconds) if seconds > 0 else Fraction(0)
    window_events = max(rate * window_s, Fraction(at_least))
    by_rate = seconds > 0 and window_events > at_least
    doubt = min(Fraction(doubt_s) / Fraction(seconds), Fraction(1)) if by_rate else Fraction(0)
    return Budget(allowed, window_s, window_events, "projected", strict, Fraction(consumed), doubt)


def observed(
    allowed: Fraction,
    window_s: int,
    *,
    window_events: float,
    consumed: Fraction | float,
    strict: bool = False,
) -> Budget:
    """A budget whose window was read from the source."""
    return Budget(allowed, window_s, Fraction(window_events), "observed", strict, Fraction(consumed))


def in_slices(
    allowed: Fraction, window_s: int, slice_s: int, *, consumed: Fraction | float = 0, strict: bool = False
) -> Budget:
    """A budget of time slices: how many the window holds is known, so the basis is `observed`."""
    return Budget(allowed, window_s, Fraction(window_s, slice_s), "observed", strict, Fraction(consumed))


@dataclass(frozen=True)
class Charge:
    """What one run spent of one budget. Intervals are (at least, at most); `math.inf` has no upper end."""

    budget: Budget
    bad_gross: int | Fraction
    bad_gross_interval: Interval
    bad_attributed: float
    attributed_interval: Interval
    refund_complete: str

    @property
    def gross_share(self) -> Fraction:
        """Share of the budget (1 = all of it) that was spent while the run lasted, whatever the reason."""
        return self.budget.share_exactly(self.bad_gross)

    @property
    def gross_share_interval(self) -> ShareInterval:
        """(at least, at most) of `gross_share`."""
        return self.budget.share_interval(self.bad_gross_interval)

    @property
    def attributed_share(self) -> Fraction:
        """Share of the budget that the fault caused."""
        return self.budget.share_exactly(self.bad_attributed)

    @property
    def attributed_share_interval(self) -> ShareInterval:
        """(at least, at most) of `attributed_share`."""
        return self.budget.share_interval(self.attributed_interval)

    @property
    def equivalent_outage_s(self) -> float:
        """Seconds of complete outage that would have cost as much."""
        return float(self.gross_share * self.budget.allowed * self.budget.window_s)

    def fields(self) -> dict[str, Any]:
        """The fields of `record.Charge`: `record.Charge(**charge.fields())`. JSON has no infinity: None."""
        before = 100 * self.budget.consumed_share
        low, high = self.attributed_share_interval
        return {
            "bad_gross": _number(self.bad_gross),
            "bad_gross_interval": (float(self.bad_gross_interval[0]), _finite(self.bad_gross_interval[1])),
            "bad_attributed": self.bad_attributed,
            "attributed_interval": (float(self.attributed_interval[0]), _finite(self.attributed_interval[1])),
            "window_events": float(self.budget.window_events),
            "basis": self.budget.basis,
            "cost_percent": float(100 * self.gross_share),
            "attributed_percent": float(100 * self.attributed_share),
            "attributed_percent_interval": (float(100 * low), _finite(float(100 * high))),
            "consumed_before_percent": float(before),
            "consumed_after_percent": float(before + 100 * self.gross_share),
            "equivalent_outage_seconds": self.equivalent_outage_s,
            "refund_complete": self.refund_complete,
        }


def charge(
    budget: Budget,
    *,
    bad: int | Fraction,
    bad_interval: Interval,
    attributed: float,
    attributed_interval: Interval,
    refunded_epoch: float,
) -> Charge:
    """Charge `budget`; at `refunded_epoch` (epoch seconds, see Objective.refunded_at) all of it is back."""
    refunded = datetime.fromtimestamp(math.ceil(refunded_epoch), UTC)
    return Charge(
        budget, bad, bad_interval, attributed, attributed_interval, refunded.strftime("%Y-%m-%dT%H:%M:%SZ")
    )


def _finite(value: Fraction | float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _number(value: Fraction | float) -> int | float:
    """Events as JSON has them: whole ones whole."""
    return int(value) if Fraction(value).denominator == 1 else float(value)
