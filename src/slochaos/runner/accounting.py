"""Each objective after the run: its phases, its charge, and what is decided about its rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from slochaos import record
from slochaos.budget import account
from slochaos.budget.account import Budget
from slochaos.clock import timestamp
from slochaos.measurement import records
from slochaos.measurement.composing import compose
from slochaos.measurement.dilution import Asked
from slochaos.measurement.leaps import leaps
from slochaos.measurement.phases import Cut, History, doubt_between, seconds_between
from slochaos.measurement.samples import Count, NoData
from slochaos.runner.budgeting import Traffic, budgets, not_charged
from slochaos.runner.state import RunState
from slochaos.runner.timeline import fault_span
from slochaos.spec.experiment import Rule
from slochaos.spec.objectives import Objective
from slochaos.verdict import attribution
from slochaos.verdict.decide import Decision, decide_objective
from slochaos.verdict.repeats import would_hold_again

if TYPE_CHECKING:
    from slochaos.measurement.sampler import Sampler

Counted = Count | NoData
PhaseName = Literal["baseline", "fault", "recovery"]
JUDGED = ("kept", "exceeded", "breached")
_NOT_REACHED = NoData("not-reached", "the run ended before this phase")


@dataclass(frozen=True)
class Counts:
    """What one objective counted. `charged` is [S0, S2), `with_drain` the fault plus the clients' timeouts."""

    baseline: Counted
    fault: Counted
    recovery: Counted
    with_drain: Counted
    charged: Counted


@dataclass(frozen=True)
class Accounted:
    """One objective's record, the decision behind it, and what that rests on."""

    decision: Decision
    fault: Counted
    spent: account.Charge | None
    result: record.ObjectiveResult


def account_objectives(run: RunState) -> list[Accounted]:
    """Every objective of the environment; none before there was a system, or without sources."""
    if run.system_ is None or run.sampler is None:
        return []
    environment, sampler, history = run.system.environment, run.sampler, run.sampler.history
    rules = {rule.objective: rule for rule in run.system.experiment.rules}
    counts = {each.name: _count(each, sampler, history, run) for each in environment.objectives}
    found = budgets(environment, _before(run, counts), run.consumed, _own(run, counts), passed=run.passed)
    return [
        _account(run, each, rules.get(each.name), counts[each.name], found[each.name])
        for each in environment.objectives
    ]


def _before(run: RunState, counts: Mapping[str, Counts]) -> Traffic:
    baseline = {name: count.baseline for name, count in counts.items()}
    start, leapt = run.baseline_start, run.leaps
    if run.sampler is not None and start is not None and run.s0 is not None:
        leapt = leaps(run.system.environment.objectives, run.sampler.history, start, run.s0)
    return Traffic(baseline, _baseline_seconds(run), _baseline_doubt(run), leapt)


def _own(run: RunState, counts: Mapping[str, Counts]) -> Traffic:
    return Traffic({name: count.charged for name, count in counts.items()}, _charged_seconds(run))


def account_composites(run: RunState, accounted: list[Accounted]) -> tuple[record.CompositeResult, ...]:
    """The composites of the environment, during the fault and as charged."""
    if not accounted:
        return ()
    counts = {each.result.name: each.fault for each in accounted}
    charges = {each.result.name: each.spent for each in accounted}
    return tuple(compose(each, counts, charges) for each in run.system.environment.composites)


def _count(objective: Objective, sampler: Sampler, history: History, run: RunState) -> Counts:
    end, missing = run.s2 or run.s1, _missing(run)

    def measured(start: Cut | None, stop: Cut | None, asked: Asked | None = None) -> Counted:
        if start is None or stop is None:
            return missing
        return _unless_partial(sampler.measure(objective, history, start, stop, asked), run)

    # The baseline goes on until the fault begins: what lies between belongs to no other phase.
    before = (
        measured(run.baseline_start, run.s0)
        if run.s0 is not None
        else run.baseline.get(objective.name, _NOT_REACHED)
    )
    asked = _asked(run, before)
    drained = run.drained or (None if run.unmeasured else run.s1)
    # A cost is counted from cut to cut; only what is said of the fault's own events depends on where the cuts lie.
    return Counts(
        baseline=before,
        fault=measured(run.s0, run.s1, asked),
        recovery=missing if run.unmeasured else measured(run.s1, end),
        with_drain=measured(run.s0, drained, _up_to(asked, run.drained)),
        charged=missing if run.unmeasured else measured(run.s0, end),
    )


def _asked(run: RunState, before: Counted) -> Asked | None:
    """From the first intent to the last verified undo, with the traffic of the baseline."""
    span = fault_span(run.injections, run.toolkit, foreign=run.foreign)
    if span is None or run.undone is None:
        return None
    lasted_s = _baseline_seconds(run)
    usual_per_s = before.total / lasted_s if isinstance(before, Count) and lasted_s > 0 else math.inf
    return Asked(span[0], run.undone[0], usual_per_s)


def _up_to(asked: Asked | None, drained: Cut | None) -> Asked | None:
    return replace(asked, end=drained.instant) if asked is not None and drained is not None else asked


def _unless_partial(count: Counted, run: RunState) -> Counted:
    """A count of answers that were not whole has no upper end: what the other stores have is not known."""
    warnings = run.sampler.warnings if run.sampler is not None else ()
    if isinstance(count, NoData) or not warnings:
        return count
    reasons = (*count.reasons, *(f"partial-answer: {warning}" for warning in warnings))
    return replace(count, bad_high=math.inf, total_high=math.inf, reasons=reasons)


def _missing(run: RunState) -> NoData:
    """Why a phase has no end: it was not reached, or no sample came that could close it."""
    troubles = run.sampler.troubles if run.sampler is not None else {}
    if troubles:
        return NoData("source-down", "; ".join(f"{name}: {why}" for name, why in troubles.items()))
    if run.undone is not None:
        return NoData("no-sample", "no sample came in time after the phase")
    if run.toolkit.status == "completed":
        return NoData("no-fault", "nothing was injected, so there was no fault to judge")
    return _NOT_REACHED


def _baseline_seconds(run: RunState) -> float:
    if run.baseline_start is None:
        return 0.0
    return seconds_between(run.baseline_start, run.s0) if run.s0 is not None else run.baseline_s


def _baseline_doubt(run: RunState) -> float:
    end = run.s0 or run.baseline_end
    return (
        doubt_between(run.baseline_start, end) if run.baseline_start is not None and end is not None else 0.0
    )


def _charged_seconds(run: RunState) -> float:
    end = run.s2 or run.s1
    return seconds_between(run.s0, end) if run.s0 is not None and end is not None else 0.0


def _account(
    run: RunState, objective: Objective, rule: Rule | None, counts: Counts, budget: Budget | NoData
) -> Accounted:
    spent = _charge(objective, counts, budget, run)
    decision = decide_objective(
        objective,
        fault=counts.fault,
        with_drain=counts.with_drain,
        spent=_uncharged(counts, budget) if spent is None else spent,
        hold=rule.hold if rule else None,
        cost=rule.cost if rule else None,
        objectives=sum(each.hold is not None for each in run.system.experiment.rules),
        rate_per_s=_rate(counts, run),
    )
    again = _would_hold_again(run, objective, rule, counts.fault, decision)
    silent = decision.verdict != "unproven" and isinstance(counts.charged, Count)
    return Accounted(
        decision,
        counts.fault,
        spent,
        record.ObjectiveResult(
            **records.promise(objective),
            rule=_rule(rule),
            phases=_phases(objective, counts, run),
            charge=None if spent is None else record.Charge(**spent.fields()),
            top_contributors=records.contributors(counts.charged),
            verdict=decision.verdict,
            reason=decision.reason + (not_charged(budget) if silent else ""),
            would_hold_again=again,
        ),
    )


def _uncharged(counts: Counts, budget: Budget | NoData) -> NoData | None:
    """Why there is no charge."""
    return next((each for each in (counts.charged, budget) if isinstance(each, NoData)), None)


def _would_hold_again(
    run: RunState, objective: Objective, rule: Rule | None, fault: Counted, decision: Decision
) -> str:
    """What this run, and the repeats before it on the same system, let one expect; nothing after a run cut short."""
    whole = not (run.findings.any or run.abort or run.request.placebo)
    if objective.in_slices or rule is None or not whole:
        return ""
    held, runs = run.held_before.get(objective.name, (0, 0))
    if decision.verdict in JUDGED:
        run.judged[objective.name] = held, runs = held + (decision.verdict == "kept"), runs + 1
    return would_hold_again(fault, held, runs)


def _charge(
    objective: Objective, counts: Counts, budget: Budget | NoData, run: RunState
) -> account.Charge | None:
    charged = counts.charged
    if not isinstance(charged, Count) or isinstance(budget, NoData) or budget.size <= 0:
        return None
    end = run.s2 or run.s1
    assert end is not None
    before = counts.baseline if isinstance(counts.baseline, Count) else None
    caused = (
        attribution.census(charged)
        if objective.in_slices
        else attribution.attribute(charged, before, _charged_seconds(run), _baseline_seconds(run))
    )
    return account.charge(
        budget,
        bad=charged.bad,
        bad_interval=(charged.bad_low, charged.bad_high),
        attributed=caused.bad,
        attributed_interval=caused.interval,
        refunded_epoch=objective.refunded_at(end.wall),
    )


def _rate(counts: Counts, run: RunState) -> float:
    """Events per second since S0; 0 when unknown."""
    seconds = _charged_seconds(run)
    return counts.charged.total / seconds if isinstance(counts.charged, Count) and seconds > 0 else 0.0


def _rule(rule: Rule | None) -> record.RuleRecord:
    if rule is None:
        return record.RuleRecord()
    return record.RuleRecord(
        hold=None if rule.hold is None else float(rule.hold),
        cost=None if rule.cost is None else float(rule.cost),
    )


def _phases(objective: Objective, counts: Counts, run: RunState) -> dict[PhaseName, record.Phase]:
    end = run.s2 or run.s1
    spans: dict[PhaseName, tuple[Cut | None, Cut | None, Counted]] = {
        "baseline": (run.baseline_start, run.s0 or run.baseline_end, counts.baseline),
        "fault": (run.s0, run.s1, counts.fault),
        "recovery": (run.s1, end, counts.recovery),
    }
    return {
        name: records.phase(objective, timestamp(start.wall), timestamp(stop.wall), count)
        for name, (start, stop, count) in spans.items()
        if start is not None and stop is not None
    }
