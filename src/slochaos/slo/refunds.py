"""When budgets come back: which bad events leave the window at what time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from slochaos.budget.policy import STEPS
from slochaos.budget.refund import Spent, back_at
from slochaos.clock import timestamp
from slochaos.incident import BackAbove
from slochaos.measurement.prometheus.coarse import bad_by_part
from slochaos.measurement.prometheus.estimates import is_query
from slochaos.measurement.prometheus.evaluation import evaluate
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.samples import Count
from slochaos.spec.objectives import Objective

NOTIFY = Fraction(1, 2)
"""From which consumed share on it is asked when the budget comes back."""

_PARTS = 24
"""Into how many parts the window is cut to see when which errors leave it."""


@dataclass(frozen=True)
class Tight:
    """A budget of which much is spent: its size in events, and which share of it (1 = all)."""

    objective: Objective
    size: Fraction
    consumed: Fraction


def back_above(
    server: PrometheusServer, tight: Iterable[Tight], now: float, cuts: Sequence[float] = ()
) -> Mapping[str, tuple[BackAbove, ...]]:
    """By objective, the policy's steps that are not reached at `now`, and when each will be; next first.

    If nothing else fails, that is. Rolling windows are cut at `cuts` too: when what happened there comes back
    has to be right. Raises SourceError.
    """
    budgets = tuple(tight)
    rolling = [each.objective for each in budgets if each.objective.calendar is None]
    spent = _spent_by_part(server, rolling, now, cuts)
    return {each.objective.name: steps_back(each, spent.get(each.objective.name), now) for each in budgets}


def steps_back(tight: Tight, spent: Sequence[Spent] | None, now: float) -> tuple[BackAbove, ...]:
    """The steps of one budget.

    `spent` are the bad events of the rolling window that ends now; None for a calendar's window, which starts
    anew all at once.
    """
    objective, found = tight.objective, []
    for consumed, _ in STEPS:
        if spent is not None:
            at = back_at(spent, tight.size, objective.window_s, now, 1 - consumed)
        else:
            at = None if tight.consumed <= consumed else objective.refunded_at(now)
        if at is not None and at > now:
            found.append(BackAbove(left_percent=float(100 * (1 - consumed)), at=timestamp(at)))
    return tuple(sorted(found, key=lambda step: (step.at, step.left_percent)))


def _spent_by_part(
    server: PrometheusServer, objectives: Sequence[Objective], now: float, cuts: Sequence[float]
) -> dict[str, list[Spent]]:
    """Each objective's bad events of the window that ends now, by part of it."""
    spent: dict[str, list[Spent]] = {}
    by_ends: dict[tuple[float, ...], list[Objective]] = {}
    for each in objectives:
        by_ends.setdefault(_ends(Window(now - each.window_s, now), cuts), []).append(each)
    for ends, some in by_ends.items():
        plain = {each.name: not each.in_slices and not is_query(each.indicator) for each in some}
        spent |= bad_by_part(server, [each for each in some if plain[each.name]], ends)
        spent |= _counted(server, [each for each in some if not plain[each.name]], ends)
    return spent


def _counted(
    server: PrometheusServer, objectives: Sequence[Objective], ends: Sequence[float]
) -> dict[str, list[Spent]]:
    """The same of slices and of queries, part by part."""
    asked = [(each, Window(start, end)) for each in objectives for start, end in pairwise(ends)]
    spent: dict[str, list[Spent]] = {each.name: [] for each in objectives}
    for (objective, part), measured in zip(asked, evaluate(server, asked), strict=True):
        if isinstance(measured.count, Count):
            spent[objective.name].append((float(measured.count.bad), part.end))
    return spent


def _ends(window: Window, cuts: Sequence[float]) -> tuple[float, ...]:
    """The ends of equal parts of the window, and `cuts`."""
    step = window.length_s / _PARTS
    ends = {window.start + number * step for number in range(_PARTS)} | {window.end}
    return tuple(sorted(ends | {at for at in cuts if window.start < at < window.end}))
