"""What an interval cost one objective, from what was counted in it, before it, and over the budget's window. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from slochaos import record
from slochaos.budget import account
from slochaos.budget.account import Budget
from slochaos.budget.policy import STEPS
from slochaos.budget.refund import Spent, back_at
from slochaos.clock import timestamp
from slochaos.incident import BackAbove, PricedObjective, Refund
from slochaos.measurement import records
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import Objective
from slochaos.verdict import attribution
from slochaos.wording import count as number
from slochaos.wording import seconds

WHOLE = 0.99
"""The share of its window from which on a budget counts as observed: a scrape more or less is no gap."""
_FELL = Fraction(1, 2)
"""Traffic below this share of the baseline's is said: what does not arrive is not counted as bad."""
_ENOUGH_TO_FALL = 100


@dataclass(frozen=True)
class Evidence:
    """What the source says of one objective. `asked` and `before` are the windows that were asked for.

    `window` was measured over the budget's window as far as the end of the interval; the whole of it is
    `window_s` long and ends at `window_end`.
    """

    asked: Window
    before: Window
    interval: Measured
    baseline: Measured
    window: Measured
    window_s: float
    window_end: float


def price(objective: Objective, found: Evidence) -> PricedObjective:
    """The interval's phases and charge; without a charge `reasons` say why."""
    counted, budget = found.interval.count, _budget(objective, found)
    charge = None
    if isinstance(counted, Count) and isinstance(budget, Budget):
        charge = record.Charge(**_charge(objective, found, counted, budget).fields())
    return PricedObjective(
        **records.promise(objective),
        charge=charge,
        top_contributors=records.contributors(counted),
        interval=_phase(objective, found.asked, found.interval),
        baseline=_phase(objective, found.before, found.baseline),
        exactness=None if isinstance(counted, NoData) else found.interval.exactness,
        refund=None if charge is None else _refund(objective, found),
        reasons=tuple(dict.fromkeys(_reasons(found, budget))),
    )


def _phase(objective: Objective, asked: Window, measured: Measured) -> record.Phase:
    window = measured.observed or asked
    return records.phase(objective, timestamp(window.start), timestamp(window.end), measured.count)


def _budget(objective: Objective, found: Evidence) -> Budget | NoData:
    """The budget as of the end of the interval, `consumed` without what the interval itself took."""
    whole, counted = found.window.count, found.interval.count
    if isinstance(whole, NoData):
        return whole
    own = counted.bad if isinstance(counted, Count) else 0
    consumed = max(Fraction(whole.bad) - Fraction(own), Fraction(0))
    window_s, strict = round(found.window_s), objective.operator == "lt"
    if objective.in_slices:
        budget = account.in_slices(
            objective.allowed, window_s, objective.slice_s, consumed=consumed, strict=strict
        )
    elif (seen_s := _seen_s(found)) >= WHOLE * found.window_s:
        budget = account.observed(
            objective.allowed, window_s, window_events=whole.total, consumed=consumed, strict=strict
        )
    else:
        budget = account.projected(
            objective.allowed,
            window_s,
            events=whole.total,
            seconds=seen_s,
            at_least=whole.total,
            strict=strict,
            consumed=consumed,
        )
    return budget if budget.size > 0 else NoData("no-events", "there was no event in the budget's window")


def _seen_s(found: Evidence) -> float:
    return found.window.observed.length_s if found.window.observed else 0.0


def _charge(objective: Objective, found: Evidence, counted: Count, budget: Budget) -> account.Charge:
    before = found.baseline.count
    caused = (
        attribution.census(counted)
        if objective.in_slices
        else attribution.attribute(
            counted,
            before if isinstance(before, Count) else None,
            (found.interval.observed or found.asked).length_s,
            (found.baseline.observed or found.before).length_s,
        )
    )
    return account.charge(
        budget,
        bad=counted.bad,
        bad_interval=(counted.bad_low, counted.bad_high),
        attributed=caused.bad,
        attributed_interval=caused.interval,
        refunded_epoch=_refunded(objective, found, found.asked.end),
    )


def _refunded(objective: Objective, found: Evidence, happened: float) -> float:
    """Not by the calendar at the interval's end, which may be the first instant of the next window."""
    return found.window_end if objective.calendar else objective.refunded_at(happened)


def _refund(objective: Objective, found: Evidence) -> Refund:
    starts, completes = (_refunded(objective, found, at) for at in (found.asked.start, found.asked.end))
    return Refund(starts=timestamp(starts), completes=timestamp(completes))


def _reasons(found: Evidence, budget: Budget | NoData) -> Iterator[str]:
    """What is uncertain, or why there is no charge. Counts bring their own reasons."""
    counted = found.interval.count
    if isinstance(counted, NoData):
        yield _no_data(counted)
        return
    yield from counted.reasons
    if isinstance(budget, NoData):
        yield f"no budget: {_no_data(budget)}"
    else:
        yield from _about_window(found, budget)
    yield from _about_baseline(found, counted)
    if found.interval.exactness == "extrapolated":
        yield "extrapolated: the count is PromQL's estimate, without bounds"
    for measured in (found.interval, found.baseline, found.window):
        yield from (f"server-warning: {warning}" for warning in measured.warnings)


def _no_data(missing: NoData) -> str:
    return f"{missing.reason}: {missing.detail}" if missing.detail else missing.reason


def _about_window(found: Evidence, budget: Budget) -> Iterator[str]:
    seen_s = _seen_s(found)
    if seen_s >= WHOLE * found.window_s or found.window_end > found.asked.end:
        return
    of = f"{seconds(seen_s)} of the {seconds(found.window_s)} of the window have samples"
    what = "its events are projected at their rate, and " if budget.basis == "projected" else ""
    yield f"short-history: only {of}; {what}what was spent before that is unknown"


def _about_baseline(found: Evidence, counted: Count) -> Iterator[str]:
    before = found.baseline.count
    if isinstance(before, NoData):
        yield f"no-baseline: {_no_data(before)}; what would have failed anyway cannot be told apart"
        return
    length = (found.interval.observed or found.asked).length_s
    base_s = (found.baseline.observed or found.before).length_s
    usual = Fraction(before.total) * Fraction(length) / Fraction(base_s) if base_s > 0 else Fraction(0)
    if usual >= _ENOUGH_TO_FALL and counted.total < _FELL * usual:
        yield (
            f"traffic-fell: {number(counted.total)} events where the baseline had {number(float(usual))} in the "
            "same time; what did not arrive is not counted as bad"
        )


def steps_back(
    objective: Objective, priced: PricedObjective, spent: Sequence[Spent] | None, now: float
) -> tuple[BackAbove, ...]:
    """The policy's steps that are not reached at `now`, and when each will be if nothing else fails; next first.

    `spent` are the bad events of the rolling window that ends now; None for a calendar's window, which starts
    anew all at once.
    """
    assert priced.charge is not None
    size = objective.allowed * Fraction(priced.charge.window_events)
    found = []
    for consumed, _ in STEPS:
        if spent is not None:
            at = back_at(spent, size, objective.window_s, now, 1 - consumed)
        else:
            reached = priced.charge.consumed_after_percent <= 100 * consumed
            at = None if reached else objective.refunded_at(now)
        if at is not None and at > now:
            found.append(BackAbove(left_percent=float(100 * (1 - consumed)), at=timestamp(at)))
    return tuple(sorted(found, key=lambda step: (step.at, step.left_percent)))
