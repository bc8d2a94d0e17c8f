"""What a run may cost and can decide, foreseen before anything is injected."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from slochaos import clock, faults
from slochaos.budget import forecast
from slochaos.measurement.samples import Count, NoData
from slochaos.measurement.watch import detection_seconds
from slochaos.record import ForecastRecord, HostDiesRecord, Plan
from slochaos.runner.permissions import limits, locks, permissions
from slochaos.runner.power import assumptions, judge_power
from slochaos.runner.watch import UNDO_S
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import Experiment, Rule
from slochaos.spec.objectives import Objective
from slochaos.wording import seconds

_UNFORESEEN = "what others' actions do is not foreseen"
_EXPIRY_GRACE_S = 5.0
"""By how much an injection's own expiry outlasts its duration (the guard's figure)."""


def make_plan(
    experiment: Experiment,
    environment: Environment,
    baseline: Mapping[str, Count | NoData] | None = None,
    baseline_s: float = 0.0,
    *,
    detection_s: float | None = None,
    allow_foreign: Collection[str] = (),
    placebo: bool = False,
) -> Plan:
    """Forecast, power, detection, and what stays if this host dies. `baseline`: counts of `baseline_s` seconds.

    Before a baseline nothing is said about power, but what is assumed: only traffic can tell. `detection_s` is what
    the sources were seen to take (Sampler.detection_s); without, what the files tell. `allow_foreign` are actions of
    others that the command line allows.
    """
    rules = {rule.objective: rule for rule in experiment.rules}
    detection_s = detection_seconds(environment) if detection_s is None else detection_s
    harmless = placebo or (
        not experiment.foreign_actions and all(f.kind == "nothing" for f in experiment.faults)
    )
    fault_s = 0.0 if harmless else fault_seconds(experiment)
    outage = forecast.Outage(fault_s, 0.0 if harmless else experiment.recovery_s, detection_s, UNDO_S)
    unforeseen = bool(experiment.foreign_actions) and fault_s <= 0 and not placebo
    # How long others' actions last nobody knows, so neither whether the traffic suffices for them.
    power = (
        ()
        if unforeseen
        else judge_power(experiment, environment, baseline or {}, baseline_s, fault_seconds(experiment))
    )
    return Plan(
        assumptions=assumptions(
            experiment, environment, power, fault_seconds(experiment), harmless=fault_s <= 0
        ),
        forecast=tuple(
            _forecast(each, rules.get(each.name), outage, _UNFORESEEN if unforeseen else "nothing is broken")
            for each in environment.objectives
        ),
        detection_seconds=detection_s,
        detection_cost_percent={
            each.name: 100
            * forecast.detection_cost(detection_s, allowed=each.allowed, window_s=each.window_s)
            for each in environment.objectives
            if not each.in_slices
        },
        power=power,
        if_host_dies=() if placebo else _if_host_dies(experiment),
        permissions=permissions(experiment, environment, allow_foreign),
        limits=limits(experiment, environment),
        locks=locks(experiment, environment),
        watch=_watch(environment),
        faults=tuple(
            {
                "name": each.name,
                "kind": each.kind,
                "target": each.target,
                "parameters": each.parameters,
                "duration_seconds": each.duration_s,
                "background": each.background,
            }
            for each in experiment.faults
        ),
    )


def _watch(environment: Environment) -> tuple[str, ...]:
    """What the abort watch is going to look at on servers, as far as files tell."""
    return tuple(
        f"{each.name}: the server's own samples, taken to be scraped every 15 s (watch: off); --live asks it"
        if each.watch_s is None
        else f"{each.name}: the targets' own pages, every {seconds(each.watch_s)}; where they cannot be read "
        "from here, the server's samples, which are later"
        for each in environment.prometheus_servers
    )


def _if_host_dies(experiment: Experiment) -> tuple[HostDiesRecord, ...]:
    ours = [
        HostDiesRecord(
            fault=each.name,
            target=each.target,
            outcome=faults.if_host_dies(each.kind, each.parameters, each.duration_s + _EXPIRY_GRACE_S),
        )
        for each in experiment.faults
    ]
    foreign = [
        HostDiesRecord(fault=action, target="", outcome="foreign: outside the undo promise")
        for action in experiment.foreign_actions
    ]
    return (*ours, *foreign)


def fault_seconds(experiment: Experiment) -> float:
    """From the first planned injection to the last planned undo; the whole method for foreign actions."""
    if experiment.foreign_actions or not experiment.faults:
        return experiment.method_s
    return max(f.starts_s + f.duration_s for f in experiment.faults) - min(
        f.starts_s for f in experiment.faults
    )


def _forecast(
    objective: Objective, rule: Rule | None, outage: forecast.Outage, without_fault: str
) -> ForecastRecord:
    cost = rule.cost if rule else None
    if outage.fault_s <= 0:
        return ForecastRecord(
            objective=objective.name, worst_percent=0.0, expected_percent=0.0, reason=without_fault
        )
    window_s = objective.window_seconds(clock.wall())
    if objective.in_slices:
        # Of slices of ratios, whose target is 1 here, this is the worst: all of a touched slice fails.
        foreseen = forecast.forecast_slices(
            outage,
            allowed=objective.allowed,
            window_s=window_s,
            slice_s=objective.slice_s,
            slice_target=objective.slice_target,
            cost=cost,
        )
    else:
        foreseen = forecast.forecast(outage, allowed=objective.allowed, window_s=window_s, cost=cost)
    return ForecastRecord(
        objective=objective.name,
        worst_percent=100 * foreseen.worst,
        abort_at_seconds=foreseen.abort_at_s,
        reason=foreseen.reason,
    )
