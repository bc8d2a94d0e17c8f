"""Each objective's budget: what its window holds, what of it is consumed, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from slochaos import clock
from slochaos.budget import account
from slochaos.budget.account import Budget
from slochaos.budget.policy import Outlook
from slochaos.measurement.samples import Count, NoData
from slochaos.record import BudgetRecord, Plan
from slochaos.runner import events
from slochaos.runner.loop import result_of, while_turning
from slochaos.runner.state import RunState
from slochaos.spec.environment import Environment
from slochaos.spec.objectives import Objective

if TYPE_CHECKING:
    from slochaos.ledger.store import Ledger
    from slochaos.measurement.prometheus.windows import Measured

_WHOLE = 0.99
"""The share of its window from which on a budget counts as observed: a scrape more or less is no gap."""


@dataclass(frozen=True)
class Passed:
    """What the source counted over the budget's window until now: all that was bad, whoever caused it.

    `seen_s` is how much of the window its samples cover, seconds.
    """

    bad: Fraction
    total: int
    seen_s: float


def read_budget(run: RunState) -> None:
    """What is consumed already: of a rolling budget, what the source counted and what the ledger says of runs."""
    run.stream.emit(events.StepStarted(step="budget"))
    environment, at = run.system.environment, clock.wall()
    if environment.budget.scope != "rolling":
        return
    for objective in environment.objectives:
        name, window_s = objective.name, at - objective.window_at(at)[0]
        asked = run.bookkeeper.ask(partial(_by_chaos, environment.name, name, window_s, at))
        run.consumed[name] = result_of(run, asked)
    if environment.prometheus_servers:
        found: dict[str, Measured] = {}
        while_turning(run, lambda: found.update(_measured(environment, at)), interruptible=True, beating=True)
        _remember(run, found)


def _by_chaos(environment: str, objective: str, window_s: float, at: float, ledger: Ledger) -> float:
    return ledger.consumed(environment, objective, window_s, at)


def _measured(environment: Environment, at: float) -> dict[str, Measured]:
    """Each objective over its window so far, by the first server that has counted it. Raises SourceError."""
    from slochaos.measurement.prometheus.evaluation import evaluate
    from slochaos.measurement.prometheus.server import PrometheusServer
    from slochaos.measurement.prometheus.windows import Window

    found: dict[str, Measured] = {}
    for source in environment.prometheus_servers:
        left = [o for o in environment.objectives if not isinstance(_count_of(found, o), Count)]
        with PrometheusServer(source) as server:
            now = at + server.clock().skew_s
            asked = [(each, Window(each.window_at(now)[0], now)) for each in left]
            found |= {o.name: answer for (o, _), answer in zip(asked, evaluate(server, asked), strict=True)}
    return found


def _count_of(found: Mapping[str, Measured], objective: Objective) -> Count | NoData | None:
    return found[objective.name].count if objective.name in found else None


def _remember(run: RunState, found: Mapping[str, Measured]) -> None:
    for name, measured in found.items():
        if isinstance(measured.count, Count):
            seen_s = measured.observed.length_s if measured.observed else 0.0
            run.passed[name] = Passed(Fraction(measured.count.bad), measured.count.total, seen_s)
        else:
            why = measured.count.detail or measured.count.reason
            run.notes.append(
                f"{name}: what its budget has lost so far is not known, only what runs took of it ({why})"
            )


def budgets(
    environment: Environment,
    baseline: Mapping[str, Count | NoData],
    baseline_s: float,
    consumed: Mapping[str, float],
    charged: Mapping[str, tuple[int, float]] | None = None,
    *,
    passed: Mapping[str, Passed] | None = None,
    doubt_s: float = 0.0,
) -> dict[str, Budget]:
    """Each objective's budget: slices by the clock, events as `passed` or projected from the baseline's rate.

    `doubt_s`: by how much `baseline_s` may be wrong, where pages take long.
    A calendar's window is as long as the present one. What `passed` in the window holds what runs consumed too.
    `charged` (events, seconds) of the run itself fills in where there was no baseline; an objective of which
    neither is known has no budget here.
    """
    found, now = {}, clock.wall()
    for objective in environment.objectives:
        seen = (passed or {}).get(objective.name)
        count, own = baseline.get(objective.name), (charged or {}).get(objective.name, (0, 0.0))
        spent = seen.bad if seen else consumed.get(objective.name, 0.0)
        rate = _Rate(*own, doubt_s)
        if seen and seen.total and seen.seen_s > 0:
            rate = _Rate(seen.total, seen.seen_s)
        elif isinstance(count, Count) and baseline_s > 0 and count.total:
            rate = _Rate(count.total, baseline_s, doubt_s)
        budget = _budget(objective, objective.window_seconds(now), rate, own[0], spent)
        if budget is not None:
            found[objective.name] = budget
    return found


class _Rate(NamedTuple):
    """So many events in so many seconds, give or take `doubt_s`."""

    events: int
    seconds: float
    doubt_s: float = 0.0


def _budget(
    objective: Objective, window_s: int, rate: _Rate, at_least: int, spent: Fraction | float
) -> Budget | None:
    """`rate` fills the window; where it was seen whole, it is what was observed."""
    allowed, strict, (held, seconds, doubt_s) = objective.allowed, objective.operator == "lt", rate
    if objective.in_slices:
        return account.in_slices(allowed, window_s, objective.slice_s, consumed=spent, strict=strict)
    if held <= 0 or seconds <= 0:
        return None
    if seconds >= _WHOLE * window_s:
        return account.observed(allowed, window_s, window_events=held, consumed=spent, strict=strict)
    return account.projected(
        allowed,
        window_s,
        events=held,
        seconds=seconds,
        doubt_s=doubt_s,
        at_least=at_least,
        strict=strict,
        consumed=spent,
    )


def standing(run: RunState, known: Mapping[str, Budget]) -> tuple[BudgetRecord, ...]:
    """What of each budget is consumed, and how much of that runs caused; the rest is organic."""
    return tuple(
        BudgetRecord(
            objective=name,
            consumed_percent=float(100 * budget.consumed_share),
            chaos_percent=float(100 * budget.share_exactly(run.consumed.get(name, 0.0))),
            organic_percent=float(
                100 * budget.share_exactly(max(float(passed.bad) - run.consumed.get(name, 0.0), 0.0))
            ),
            basis=budget.basis,
        )
        for name, budget in known.items()
        if budget.size > 0 and (passed := run.passed.get(name)) is not None
    )


def outlooks(environment: Environment, plan: Plan, known: Mapping[str, Budget]) -> list[Outlook]:
    """What the policy looks at: per objective its consumed share and its worst case."""
    worst = {record.objective: record.worst_percent / 100 for record in plan.forecast}
    return [
        Outlook(each.name, float(known[each.name].consumed_share), worst[each.name], each.window_s)
        for each in environment.objectives
        if each.name in known and each.name in worst
    ]
