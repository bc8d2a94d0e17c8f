"""Which burn rates, over which windows, alert whom: derived from the objective's own window.

An alert "p of the budget within L" has the threshold p x window / L (`burn.burn_threshold`). The familiar 14.4, 6, 3
and 1 are that for 30 days and would be wrong for these objectives: over 7 days the same lookbacks give 13.44, 3.5,
1.4 and 0.98, over 24 hours 4.8, 3.6 and 2.4 over shorter ones. Each long window has a short one, a twelfth of it, so
that an alert ends soon after its cause (Google's SRE workbook, "Alerting on SLOs").
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from slochaos.alerts import promql
from slochaos.budget.burn import largest_burn_rate
from slochaos.spec.alerting import Severity
from slochaos.spec.objectives import Objective

HOUR_S = 3_600
DAY_S = 86_400
PAGING_TIERS = 2
"""The fastest burns of a ladder page, if they burn faster than allowed; the others are tickets."""
SHORTEST_S = 180
"""Three minutes: below, one slow evaluation decides."""
LEAST_SCRAPES = 4
"""In a short window. Two scrapes are needed for a rate at all, and one of them may be missed."""

_MONTH = ((2, HOUR_S), (5, 6 * HOUR_S), (10, DAY_S), (10, 3 * DAY_S))
_WEEK = ((8, HOUR_S), (Fraction(25, 2), 6 * HOUR_S), (20, DAY_S), (42, 3 * DAY_S))
_DAY = ((5, Fraction(1, 96)), (15, Fraction(1, 24)), (30, Fraction(1, 8)))
"""Per cent of the budget, and the lookback: in seconds, for a day and its like as a share of the window."""


@dataclass(frozen=True)
class Tier:
    """An alert when `share` of the budget burns within `long_s`, and still does so over `short_s`."""

    share: Fraction
    long_s: int
    short_s: int
    factor: Fraction
    severity: Severity

    @property
    def name(self) -> str:
        """ "13.44x over 1h and 5m"."""
        windows = f"{promql.duration(self.long_s)} and {promql.duration(self.short_s)}"
        return f"{promql.number(self.factor)}x over {windows}"


@dataclass(frozen=True)
class LeftOut:
    """A tier that is not exported, and why."""

    tier: Tier
    reason: str


def tiers(objective: Objective, unit_s: int) -> tuple[tuple[Tier, ...], tuple[LeftOut, ...]]:
    """The tiers that can do their duty for this objective, and those that cannot.

    `unit_s`: seconds between two scrapes, or of one slice, whichever is longer.
    """
    kept, left_out = [], []
    for tier in _ladder(objective.window_s, unit_s):
        reason = _useless(tier, objective)
        if reason:
            left_out.append(LeftOut(tier, reason))
        else:
            kept.append(tier)
    return tuple(kept), tuple(left_out)


def factor_problem(factor: Fraction, objective: Objective) -> str:
    """Why an alert on this burn rate can never fire; empty if it can."""
    largest = largest_burn_rate(objective.allowed)
    if factor < largest:
        return ""
    return (
        f"it can never fire: with everything failing, the burn rate of {promql.number(objective.target * 100)} % is "
        f"{float(largest):.4g}"
    )


def severity_of(factor: Fraction, *, fast: bool) -> Severity:
    """A burn below 1 leaves the objective on course: whatever was asked for, it pages nobody."""
    return "critical" if fast and factor >= 1 else "warning"


def _useless(tier: Tier, objective: Objective) -> str:
    if 2 * tier.short_s > tier.long_s:
        return (
            f"its short window has to be {promql.duration(tier.short_s)} at least (four scrapes), which is not short "
            f"beside {promql.duration(tier.long_s)}"
        )
    return factor_problem(tier.factor, objective)


def _ladder(window_s: int, unit_s: int) -> Iterator[Tier]:
    """The tiers of a window, fastest first. `unit_s`: what the short windows have to hold four of."""
    for place, (percent, long_s) in enumerate(_steps(window_s)):
        share = Fraction(percent) / 100
        factor = share * window_s / long_s
        short_s = max(math.ceil(Fraction(long_s, 12)), SHORTEST_S, LEAST_SCRAPES * unit_s)
        yield Tier(share, long_s, short_s, factor, severity_of(factor, fast=place < PAGING_TIERS))


def _steps(window_s: int) -> list[tuple[Fraction | int, int]]:
    if window_s >= 28 * DAY_S:
        return list(_MONTH)
    if window_s >= 7 * DAY_S:
        return list(_WEEK)
    return [(percent, max(round(part * window_s), 1)) for percent, part in _DAY]
