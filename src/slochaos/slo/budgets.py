"""The budget of a window of which a server has counted some or all. Pure."""

from __future__ import annotations

from fractions import Fraction

from slochaos.budget import account
from slochaos.budget.account import Budget
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.samples import NoData
from slochaos.spec.objectives import Objective

WHOLE = 0.99
"""The share of its window from which on a budget counts as observed: a scrape more or less is no gap."""


def budget_of(
    objective: Objective, whole: Window, passed: Measured, own: Fraction = Fraction(0)
) -> Budget | NoData:
    """The budget of the window `whole`, of which `passed` has been counted.

    As observed where all of the window was, else projected at the rate observed. `own` bad events of it are not
    called consumed: those of what is being priced. NoData where nothing, or no event, was counted.
    """
    counted = passed.count
    if isinstance(counted, NoData):
        return counted
    seen_s = passed.observed.length_s if passed.observed else 0.0
    consumed = max(Fraction(counted.bad) - own, Fraction(0))
    allowed, whole_s, strict = objective.allowed, round(whole.length_s), objective.operator == "lt"
    if objective.in_slices:
        budget = account.in_slices(allowed, whole_s, objective.slice_s, consumed=consumed, strict=strict)
    elif seen_s >= WHOLE * whole.length_s:
        budget = account.observed(
            allowed, whole_s, window_events=counted.total, consumed=consumed, strict=strict
        )
    else:
        events = round(counted.total)
        budget = account.projected(
            allowed, whole_s, events=events, seconds=seen_s, at_least=events, strict=strict, consumed=consumed
        )
    return budget if budget.size > 0 else NoData("no-events", "there was no event in the budget's window")
