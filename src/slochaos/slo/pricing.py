"""What an interval cost one objective, from what was counted in it, before it, and over the budget's window. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from slochaos import record
from slochaos.budget import account
from slochaos.budget.account import Budget
from slochaos.clock import timestamp
from slochaos.incident import PricedComposite, PricedObjective, Refund
from slochaos.measurement import records
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.samples import Count, NoData
from slochaos.slo.budgets import budget_of
from slochaos.slo.doubts import doubts
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
    counted = found.interval.count
    own = Fraction(counted.bad) if isinstance(counted, Count) else Fraction(0)
    return budget_of(objective, found.windows.whole, found.window, own)


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
