"""Each objective's budget: what its window holds, what of it is consumed, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from slochaos import clock
from slochaos.budget.account import Budget, budget_of
from slochaos.budget.policy import Outlook
from slochaos.budget.traffic import Seen
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


@dataclass(frozen=True)
class Passed:
    """What the source counted over the budget's window until now: the bad, whoever caused it, and the traffic."""

    bad: Fraction
    seen: Seen


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
            run.passed[name] = Passed(Fraction(measured.count.bad), measured.traffic(measured.count))
        else:
            why = measured.count.detail or measured.count.reason
            run.notes.append(
                f"{name}: what its budget has lost so far is not known, only what runs took of it ({why})"
            )


@dataclass(frozen=True)
class Traffic:
    """What a stretch of the run counted by objective, and how long it lasted, give or take `doubt_s`, seconds.

    `leaps` are events by objective that came in one step, far too fast to be taken for the usual rate.
    """

    counts: Mapping[str, Count | NoData]
    seconds: float
    doubt_s: float = 0.0
    leaps: Mapping[str, int] = field(default_factory=dict)

    def of(self, name: str) -> Seen | NoData:
        """One objective's traffic; NoData where nothing was counted, or no event was."""
        count = self.counts.get(name, _NOT_COUNTED)
        if isinstance(count, NoData):
            return count
        if self.seconds <= 0 or not count.total_high:
            return NoData("no-events", "no event was there to tell how many its budget's window has")
        leapt, reasons = self.leaps.get(name, 0), count.reasons
        if leapt:
            reasons = (*reasons, f"leap: {leapt:,} of the events before the fault came within one step")
        certain = max(count.total_low - leapt, 0.0)
        return Seen(certain, self.seconds, count.total_high, self.doubt_s, reasons)


_NOT_COUNTED = NoData("not-counted", "nothing was counted before the fault")
NO_TRAFFIC = Traffic({}, 0.0)


def budgets(
    environment: Environment,
    baseline: Traffic,
    consumed: Mapping[str, float],
    charged: Traffic = NO_TRAFFIC,
    *,
    passed: Mapping[str, Passed] | None = None,
) -> dict[str, Budget | NoData]:
    """Each objective's budget: slices by the clock, events as `passed` or projected from the baseline's rate.

    A calendar's window is as long as the present one. What `passed` in the window holds what runs consumed too.
    A window is filled with what is certain of the baseline, which makes the largest cost, and has the range of its
    count. Where that is open, or where there was no baseline, what the run itself `charged` fills in; an objective
    of which neither is known has no budget here, and NoData says why.
    """
    now = clock.wall()
    return {
        each.name: _budget(
            each,
            each.window_seconds(now),
            _filling(each.name, baseline, charged, passed or {}),
            charged.counts.get(each.name),
            _consumed(each.name, consumed, passed or {}),
        )
        for each in environment.objectives
    }


def known(found: Mapping[str, Budget | NoData]) -> dict[str, Budget]:
    """Those of which there is a budget that can be spent."""
    return {name: each for name, each in found.items() if isinstance(each, Budget) and each.size > 0}


def not_charged(budget: Budget | NoData) -> str:
    """What is said, after what else is, of an objective that has no budget; empty for one that has."""
    return "" if isinstance(budget, Budget) else f"; nothing was charged: {budget.detail or budget.reason}"


def _consumed(name: str, by_runs: Mapping[str, float], passed: Mapping[str, Passed]) -> Fraction | float:
    return passed[name].bad if name in passed else by_runs.get(name, 0.0)


def _filling(name: str, baseline: Traffic, charged: Traffic, passed: Mapping[str, Passed]) -> Seen | NoData:
    """The traffic that fills the window, the surest first: what passed in it, the baseline, the run's own."""
    if name in passed and passed[name].seen.events and passed[name].seen.seconds > 0:
        return passed[name].seen
    before, own = baseline.of(name), charged.of(name)
    if isinstance(before, Seen) and before.bounded:
        return before
    if isinstance(own, NoData):
        return before
    return own if isinstance(before, NoData) else before.filled_in_by(own)


def _budget(
    objective: Objective,
    window_s: int,
    filling: Seen | NoData,
    own: Count | NoData | None,
    consumed: Fraction | float,
) -> Budget | NoData:
    """The window has at least the events of the run itself."""
    if objective.in_slices:
        return budget_of(objective, window_s, Seen(0, 0.0), consumed=consumed)
    if isinstance(filling, NoData):
        return filling
    if not filling.events:
        why = f": {'; '.join(filling.reasons)}" if filling.reasons else ""
        return NoData("window-unknown", f"how many events its budget's window has is not certain{why}")
    at_least = own.total_low if isinstance(own, Count) else 0
    return budget_of(objective, window_s, filling, consumed=consumed, at_least=at_least)


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
