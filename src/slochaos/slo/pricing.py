"""What an interval cost one objective, from what was counted in it, before it, and over the budget's window. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from slochaos import record
from slochaos.budget import account
from slochaos.budget.account import Budget
from slochaos.budget.policy import STEPS
from slochaos.budget.refund import Spent, back_at
from slochaos.clock import timestamp
from slochaos.incident import BackAbove, PricedComposite, PricedObjective, Refund
from slochaos.measurement import records
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.samples import Count, NoData
from slochaos.slo.doubts import WHOLE, doubts
from slochaos.slo.evidence import Evidence
from slochaos.spec.composites import Composite
from slochaos.spec.objectives import Objective
from slochaos.verdict import attribution


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
        interval=_phase(objective, found.windows.asked, found.interval),
        baseline=_phase(objective, found.windows.before, found.baseline),
        exactness=None if isinstance(counted, NoData) else found.interval.exactness,
        refund=None if charge is None else _refund(objective, found),
        reasons=tuple(dict.fromkeys(doubts(objective, found, budget))),
    )


def _phase(objective: Objective, asked: Window, measured: Measured) -> record.Phase:
    window = measured.observed or asked
    return records.phase(objective, timestamp(window.start), timestamp(window.end), measured.count)


def _budget(objective: Objective, found: Evidence) -> Budget | NoData:
    """The budget as of the end of the interval, `consumed` without what the interval itself took."""
    passed, counted = found.window.count, found.interval.count
    if isinstance(passed, NoData):
        return passed
    own = counted.bad if isinstance(counted, Count) else 0
    consumed = max(Fraction(passed.bad) - Fraction(own), Fraction(0))
    budget = _whole(objective, found, passed, consumed)
    return budget if budget.size > 0 else NoData("no-events", "there was no event in the budget's window")


def _whole(objective: Objective, found: Evidence, passed: Count, consumed: Fraction) -> Budget:
    """The budget of the whole window: as observed where all of it was, else projected at the rate observed."""
    whole_s, strict = found.windows.whole.length_s, objective.operator == "lt"
    if objective.in_slices:
        return account.in_slices(
            objective.allowed, round(whole_s), objective.slice_s, consumed=consumed, strict=strict
        )
    if found.window_seen_s >= WHOLE * whole_s:
        return account.observed(
            objective.allowed, round(whole_s), window_events=passed.total, consumed=consumed, strict=strict
        )
    return account.projected(
        objective.allowed,
        round(whole_s),
        events=round(passed.total),
        seconds=found.window_seen_s,
        at_least=round(passed.total),
        strict=strict,
        consumed=consumed,
    )


def _charge(objective: Objective, found: Evidence, counted: Count, budget: Budget) -> account.Charge:
    before = found.baseline.count if isinstance(found.baseline.count, Count) else None
    caused = (
        attribution.census(counted)
        if objective.in_slices
        else attribution.attribute(counted, before, found.interval_s, found.baseline_s)
    )
    return account.charge(
        budget,
        bad=counted.bad,
        bad_interval=(counted.bad_low, counted.bad_high),
        attributed=caused.bad,
        attributed_interval=caused.interval,
        refunded_epoch=_refunded(objective, found, found.windows.asked.end),
    )


def _refunded(objective: Objective, found: Evidence, happened: float) -> float:
    """Not by the calendar at the interval's end, which may be the first instant of the next window."""
    return found.windows.whole.end if objective.calendar else objective.refunded_at(happened)


def _refund(objective: Objective, found: Evidence) -> Refund:
    starts, completes = (
        _refunded(objective, found, at) for at in (found.windows.asked.start, found.windows.asked.end)
    )
    return Refund(starts=timestamp(starts), completes=timestamp(completes))


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


def composites(
    wanted: Iterable[Composite], priced: Mapping[str, PricedObjective]
) -> tuple[PricedComposite, ...]:
    """What the parts' charges are of each composite's budget; None where a part has none."""
    charges = {name: each.charge for name, each in priced.items() if each.charge is not None}
    cost = {name: Fraction(charge.cost_percent) for name, charge in charges.items()}
    consumed = {name: Fraction(charge.consumed_after_percent) for name, charge in charges.items()}
    return tuple(
        PricedComposite(
            name=each.name,
            display_name=each.display_name,
            parts=tuple(part.objective.name for part in each.parts),
            cost_percent=_float(each.spent(cost)),
            consumed_after_percent=_float(each.spent(consumed)),
        )
        for each in wanted
    )


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
