"""The steps that decide whether to inject: replay, budget, plan, baseline, policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slochaos import clock, paths
from slochaos.budget import policy
from slochaos.errors import Refused
from slochaos.guard import recovery
from slochaos.measurement import baseline as sources
from slochaos.measurement.leaps import leaps
from slochaos.measurement.phases import Cut, seconds_between
from slochaos.runner import budgeting, events, plan
from slochaos.runner.loop import pause, while_turning
from slochaos.runner.power import refuse_underpowered
from slochaos.runner.progress import report_progress
from slochaos.runner.sampling import baseline_seconds, begin_baseline, check_sources
from slochaos.runner.state import RunState
from slochaos.verdict.decide import baseline_refusal

if TYPE_CHECKING:
    from slochaos.measurement.sampler import Sampler


def replay_leftovers(run: RunState) -> None:
    """Undo what an earlier run of this user left in force, before adding to it."""
    run.stream.emit(events.StepStarted(step="replay"))
    recovered: list[recovery.Recovered] = []
    while_turning(run, lambda: recovered.extend(recovery.recover(paths.state_dir())), beating=True)
    for left in recovered:
        run.stream.emit(
            events.Replayed(run=left.run_id, injection=left.entry, target=left.target, state=left.state)
        )
        if not left.ok:
            run.notes.append(
                f"run {left.run_id} left a fault on {left.target} that could not be undone: {left.detail}"
            )


def hold_targets(run: RunState) -> None:
    """Check the targets against the allow-list and lock them, before time is spent on a baseline."""
    run.system.guard.lock(run.system.experiment.faults)


def make_plan(run: RunState) -> None:
    """What the run may cost; a first look, before traffic is known."""
    run.stream.emit(events.StepStarted(step="plan"))
    run.plan = plan.make_plan(
        run.system.experiment,
        run.system.environment,
        allow_foreign=run.request.allowed_actions(run.system.experiment.foreign_actions),
        placebo=run.request.placebo,
    )
    run.stream.emit(events.Planned(plan=run.plan))


def take_baseline(run: RunState) -> None:
    """Measure the system as it is; refuse when it is broken already or cannot be judged."""
    experiment, sampler = run.system.experiment, run.sampler
    if sampler is None:
        if experiment.rules:
            raise Refused(
                "the environment has no sources, so nothing can be measured",
                hint="add sources to the environment, or take the rules out of the experiment",
                reason="no-data",
            )
        return
    run.stream.emit(events.StepStarted(step="baseline", seconds=experiment.baseline_s))
    begin_baseline(run, sampler)
    lasts_s = baseline_seconds(run, sampler)
    until = clock.now() + lasts_s
    if sampler.history:
        pause(run, lasts_s, lambda: report_progress(run, "baseline", until))
    if experiment.baseline_s > 0:
        _judge_baseline(run, sampler)


def decide_by_policy(run: RunState) -> None:
    """The plan with today's traffic against power and policy. Raises Refused."""
    system = run.system
    watch = run.sampler.choose_watch() if run.sampler is not None else ()
    run.notes += watch
    run.plan = plan.make_plan(
        system.experiment,
        system.environment,
        run.baseline,
        run.baseline_s,
        detection_s=run.sampler.detection_s if run.sampler is not None else None,
        allow_foreign=run.request.allowed_actions(system.experiment.foreign_actions),
        placebo=run.request.placebo,
    )
    before = budgeting.Traffic(run.baseline, run.baseline_s, leaps=run.leaps)
    known = budgeting.known(budgeting.budgets(system.environment, before, run.consumed, passed=run.passed))
    run.plan = run.plan.model_copy(update={"budget": budgeting.standing(run, known), "watch": watch})
    run.stream.emit(events.Planned(plan=run.plan))
    refuse_underpowered(run.plan, allowed=run.request.allow_underpowered)
    decision = policy.decide(
        budgeting.outlooks(system.environment, run.plan, known),
        scope=system.environment.budget.scope,
        mode=system.environment.budget.mode,
        overrides=system.environment.budget.overrides,
        at=clock.wall(),
    )
    run.notes += decision.notices
    run.policy = decision
    if decision.allowed and decision.reason:
        run.notes.append(f"the budget policy advises against this run: {decision.reason}")
    if not decision.allowed:
        raise Refused(decision.reason, hint=decision.way_out, reason="budget")


def _judge_baseline(run: RunState, sampler: Sampler) -> None:
    environment, ruled = run.system.environment, {rule.objective for rule in run.system.experiment.rules}
    while_turning(run, sampler.sample_now, beating=True)
    check_sources(sampler)
    history, end = sampler.history, sampler.cut_before(clock.now())
    if not history:  # a server that has no series of any objective: the reasons say which
        run.baseline_start = end = Cut(clock.now(), {})
    if run.baseline_start is None or end is None:
        raise Refused(
            "no source gave a sample", hint="slochaos doctor says which one answers", reason="no-data"
        )
    start, stop = run.baseline_start, end

    def measured() -> None:
        run.baseline = {o.name: sampler.measure(o, history, start, stop) for o in environment.objectives}

    while_turning(run, measured, beating=True)  # of PromQL a server is asked, which may take its time
    run.baseline_end = end
    run.baseline_s = seconds_between(run.baseline_start, end)
    run.leaps = leaps(environment.objectives, history, run.baseline_start, end)
    for problem in sources.baseline_problems(
        environment.objectives, run.baseline, history, sampler.metric_names()
    ):
        if problem.objective in ruled:
            raise Refused(
                f"{problem.objective}: no data: {problem.detail}", hint=problem.hint, reason="no-data"
            )
        run.notes.append(f"{problem.objective} is not measured: {problem.detail}")
    for objective in environment.objectives:
        refusal = baseline_refusal(
            objective,
            run.baseline[objective.name],
            required=objective.name in ruled,
            objectives=len(environment.objectives),
        )
        if refusal is not None and run.request.measured and objective.name not in ruled:
            run.notes.append(refusal)  # the command comes anyway, and nothing was asked of this one
        elif refusal is not None:
            raise Refused(refusal, hint="nothing was injected: repair the system first", reason="baseline")
