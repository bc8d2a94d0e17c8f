"""Budgets and charges, in events or slices; per cent is derived, never stored.

What decides is exact: fractions of the text, never floats (`1 - 0.999` would let exactly 0.1 % pass `<`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from typing import Any, Literal, Protocol

from slochaos.budget.traffic import Seen

Basis = Literal["observed", "projected"]
Interval = tuple[float | Fraction, float | Fraction]
ShareInterval = tuple[Fraction, Fraction | float]


WHOLE = 0.99
"""The share of its window from which on a budget counts as observed: a scrape more or less is no gap."""


class Promise(Protocol):
    """What a budget has to know of its objective; `spec.objectives.Objective` is one."""

    @property
    def allowed(self) -> Fraction: ...
    @property
    def operator(self) -> Literal["lte", "lt"]: ...
    @property
    def in_slices(self) -> bool: ...
    @property
    def slice_s(self) -> int: ...


@dataclass(frozen=True)
class Budget:
    """What one objective allows over its window, in events (Occurrences) or slices (Timeslices).

    `window_events` is how many events the window holds, `consumed` how many bad ones it already has; `basis`
    says whether the former was read from a source or projected from the baseline's rate. Where that is not exact,
    `window_events` is what is certain, so that costs are rather said too high, and `window_interval` holds the
    truth: at least and at most so many (`math.inf`: nobody knows), for `reasons`.
    """

    allowed: Fraction
    window_s: int
    window_events: Fraction
    basis: Basis
    strict: bool = False
    consumed: Fraction = Fraction(0)
    window_interval: ShareInterval | None = None
    reasons: tuple[str, ...] = ()

    @property
    def size(self) -> Fraction:
        """Bad events that are the whole budget, not rounded."""
        return self.allowed * self.window_events

    @property
    def events_interval(self) -> ShareInterval:
        """(at least, at most) so many events are in the window."""
        return self.window_interval or (self.window_events, self.window_events)

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
        least, most = self.events_interval
        low = (
            Fraction(0)
            if math.isinf(most) or not bad[0]
            else Fraction(bad[0]) / (self.allowed * Fraction(most))
        )
        if math.isinf(bad[1]) or (bad[1] and not least):
            return low, math.inf
        return low, Fraction(bad[1]) / (self.allowed * least) if bad[1] else Fraction(0)


def allowed_bad(allowed: Fraction, total: int, *, strict: bool) -> int:
    """The largest number of bad events among `total`: ceil(aN) - 1 for `lt`, floor(aN) for `lte`.

    Never below 0: no bad event at all meets every objective.
    """
    return max(math.ceil(allowed * total) - 1, 0) if strict else math.floor(allowed * total)


def budget_of(
    promise: Promise,
    window_s: int,
    seen: Seen,
    *,
    consumed: Fraction | float = 0,
    at_least: Fraction | float = 0,
) -> Budget:
    """The budget of a window: slices by the clock; events as they were seen where all of it was, else projected.

    The window holds `at_least` so many events. A window without events has a budget of size 0.
    """
    allowed, strict = promise.allowed, promise.operator == "lt"
    if promise.in_slices:
        return in_slices(allowed, window_s, promise.slice_s, consumed=consumed, strict=strict)
    make = observed if seen.seconds >= WHOLE * window_s else partial(projected, at_least=at_least)
    return make(allowed, window_s, seen, strict=strict, consumed=consumed)


def projected(
    allowed: Fraction,
    window_s: int,
    seen: Seen,
    *,
    at_least: Fraction | float = 0,
    strict: bool = False,
    consumed: Fraction | float = 0,
) -> Budget:
    """A budget whose window is filled at the rate of what was `seen`, of the baseline mostly.

    The window holds `at_least` so many events (those of the run itself), so that a run after a silent baseline
    still has a budget.
    """
    floor = Fraction(at_least)
    least, used, most = seen.over(window_s)
    least, used, most = max(least, floor), max(used, floor), max(most, floor)
    return Budget(
        allowed,
        window_s,
        used,
        "projected",
        strict,
        Fraction(consumed),
        _unless_exact(least, used, most),
        seen.reasons,
    )


def observed(
    allowed: Fraction, window_s: int, seen: Seen, *, consumed: Fraction | float, strict: bool = False
) -> Budget:
    """A budget whose window was read from the source."""
    used, most = Fraction(seen.events), seen.most
    return Budget(
        allowed,
        window_s,
        used,
        "observed",
        strict,
        Fraction(consumed),
        _unless_exact(used, used, most),
        seen.reasons,
    )


def _unless_exact(least: Fraction, used: Fraction, most: Fraction | float) -> ShareInterval | None:
    return None if least == used == most else (least, most)


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
    def consumed_share_interval(self) -> ShareInterval:
        """(at least, at most) of the budget is used after this: by what was bad before, and by this charge."""
        before, (low, high) = self.budget.consumed, self.bad_gross_interval
        return self.budget.share_interval(
            (before + Fraction(low), high if math.isinf(high) else before + Fraction(high))
        )

    @property
    def window_doubts(self) -> tuple[str, ...]:
        """Why it is not certain how many events the window has; empty where it is."""
        return self.budget.reasons if self.budget.window_interval else ()

    @property
    def equivalent_outage_s(self) -> float:
        """Seconds of complete outage that would have cost as much."""
        return float(self.gross_share * self.budget.allowed * self.budget.window_s)

    def fields(self) -> dict[str, Any]:
        """The fields of `record.Charge`: `record.Charge(**charge.fields())`. JSON has no infinity: None."""
        before = 100 * self.budget.consumed_share
        return {
            "bad_gross": _number(self.bad_gross),
            "bad_gross_interval": _pair(self.bad_gross_interval),
            "bad_attributed": self.bad_attributed,
            "attributed_interval": _pair(self.attributed_interval),
            "window_events": float(self.budget.window_events),
            "window_events_interval": _pair(self.budget.events_interval),
            "basis": self.budget.basis,
            "cost_percent": float(100 * self.gross_share),
            "cost_percent_interval": _percentages(self.gross_share_interval),
            "attributed_percent": float(100 * self.attributed_share),
            "attributed_percent_interval": _percentages(self.attributed_share_interval),
            "consumed_before_percent": float(before),
            "consumed_after_percent": float(before + 100 * self.gross_share),
            "consumed_after_percent_interval": _percentages(self.consumed_share_interval),
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


def _pair(interval: Interval) -> tuple[float, float | None]:
    low, high = interval
    return float(low), float(high) if math.isfinite(high) else None


def _percentages(shares: ShareInterval) -> tuple[float, float | None]:
    low, high = shares
    return _pair((100 * low, 100 * high))


def _number(value: Fraction | float) -> int | float:
    """Events as JSON has them: whole ones whole."""
    return int(value) if Fraction(value).denominator == 1 else float(value)
