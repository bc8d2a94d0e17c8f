"""The budget of a window of which a server has counted some or all. Pure."""

from __future__ import annotations

from fractions import Fraction

from slochaos.budget import account
from slochaos.budget.account import Budget
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.samples import NoData
from slochaos.spec.objectives import Objective


def budget_of(
    objective: Objective, whole: Window, passed: Measured, own: Fraction = Fraction(0)
) -> Budget | NoData:
    """The budget of the window `whole`, of which `passed` has been counted.

    `own` bad events of it are not called consumed: those of what is being priced. NoData where nothing, or no event,
    was counted.
    """
    if isinstance(passed.count, NoData):
        return passed.count
    seen = passed.traffic(passed.count)
    consumed = max(Fraction(passed.count.bad) - own, Fraction(0))
    budget = account.budget_of(
        objective, round(whole.length_s), seen, consumed=consumed, at_least=seen.events
    )
    return budget if budget.size > 0 else NoData("no-events", "there was no event in the budget's window")
