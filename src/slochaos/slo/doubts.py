"""What may be wrong with a price, each as a stable word and a sentence. Counts bring their own reasons. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from slochaos.budget.account import WHOLE, Budget
from slochaos.clock import timestamp
from slochaos.measurement.samples import Count, NoData
from slochaos.slo.evidence import Evidence
from slochaos.spec.objectives import Objective
from slochaos.verdict import bounds
from slochaos.wording import count as number
from slochaos.wording import percent, seconds

_FELL = Fraction(1, 2)
"""Traffic below this share of the baseline's is said: what does not arrive is not counted as bad."""
_ENOUGH_TO_FALL = 100


def doubts(objective: Objective, found: Evidence, budget: Budget | NoData) -> Iterator[str]:
    """Why there is no charge, or how it may be off."""
    counted = found.interval.count
    if isinstance(counted, NoData):
        yield no_data(counted)
        return
    yield from _about_interval(found, counted)
    if isinstance(budget, NoData):
        yield f"no budget: {no_data(budget)}"
    else:
        yield from _about_window(found, budget)
    yield from _about_baseline(objective, found, counted)
    for measured in (found.interval, found.baseline, found.window):
        yield from (f"server-warning: {warning}" for warning in measured.warnings)


def no_data(missing: NoData) -> str:
    """The reason as one text."""
    return f"{missing.reason}: {missing.detail}" if missing.detail else missing.reason


def _about_interval(found: Evidence, counted: Count) -> Iterator[str]:
    yield from counted.reasons
    if found.windows.clipped:
        yield f"clipped: what was before {timestamp(found.windows.asked.start)} is no part of this budget's window"
    if found.interval.exactness == "extrapolated":
        yield "extrapolated: the count is PromQL's estimate, without bounds"


def _about_window(found: Evidence, budget: Budget) -> Iterator[str]:
    if found.window_seen_s >= WHOLE * found.window_passed_s:
        return
    of = f"{seconds(found.window_seen_s)} of the {seconds(found.window_passed_s)} of the window have samples"
    events = "its events are projected at their rate, and " if budget.basis == "projected" else ""
    yield f"short-history: only {of}; {events}what was spent before that is unknown"


def _about_baseline(objective: Objective, found: Evidence, counted: Count) -> Iterator[str]:
    before = found.baseline.count
    if isinstance(before, NoData):
        yield f"no-baseline: {no_data(before)}; what would have failed anyway cannot be told apart"
        return
    if objective.in_slices:
        return
    if bounds.is_above(round(before.bad), round(before.total), objective.allowed):
        share = percent(Fraction(before.bad) / before.total)
        yield f"bad-baseline: {share} of it were bad already; an earlier --from or a longer --baseline tells more"
    usual = before.total * found.interval_s / found.baseline_s if found.baseline_s > 0 else 0.0
    if usual >= _ENOUGH_TO_FALL and counted.total < _FELL * Fraction(usual):
        yield (
            f"traffic-fell: {number(counted.total)} events where the baseline had {number(usual)} in the "
            "same time; what did not arrive is not counted as bad"
        )
