"""The steps before anything is injected: load, system, replay, budget, plan, baseline."""

from __future__ import annotations

import json
import os
from dataclasses import replace

from slochaos import clock, paths
from slochaos.budget import policy
from slochaos.errors import InvalidInput, Refused, StateError
from slochaos.guard import recovery
from slochaos.guard.client import Guard
from slochaos.guard.config import GuardConfig
from slochaos.guard.identity import host
from slochaos.measurement import baseline as sources
from slochaos.measurement.counting import measure
from slochaos.measurement.phases import cut_after, cut_before
from slochaos.measurement.sampler import Sampler
from slochaos.measurement.samples import Count
from slochaos.runner import events, plan
from slochaos.runner.child import Order
from slochaos.runner.executor import Executor, environment_for
from slochaos.runner.folder import RunFolder
from slochaos.runner.loading import admitted, load, resolve
from slochaos.runner.loop import pause, turn, while_turning
from slochaos.runner.progress import report_progress
from slochaos.runner.state import RunState, System
from slochaos.verdict.decide import baseline_refusal

_FIRST_SAMPLE_WITHIN_S = 5.0
_READY_WITHIN_S = 60.0


def load_files(run: RunState) -> None:
    """Read what people wrote; make the run's folder, with room for the record."""
    run.stream.emit(events.StepStarted(step="load"))
    run.loaded = run.system.loaded if run.system_ else load(run.request)
    run.title, run.environment_name = run.loaded.experiment.title, run.loaded.file.name
    run.folder = RunFolder.make(run.id)
    try:
        run.stream.write_to(run.folder.file("events.ndjson"))
        if run.request.events_file and run.system_ is None:
            run.stream.write_also_to(run.request.events_file)
    except OSError as error:
        raise StateError(f"the events cannot be written: {error}") from error
    run.stream.emit(
        events.RunStarted(
            run=run.id, title=run.title, environment=run.environment_name, folder=str(run.folder.path)
        )
    )


def start_system(run: RunState) -> None:
    """Resolve the environment, start the child (it imports meanwhile), the guard, and the services."""
    assert run.loaded is not None
    assert run.folder is not None
    run.stream.emit(events.StepStarted(step="environment"))
    if run.system_ is not None:  # a repeat
        start_child(run)
        begin_record(run)
        prepare_child(run)
        return
    environment = resolve(run.loaded.file, run.request.overrides, run.id, run.folder.path)
    experiment = admitted(run.loaded, environment, run.request)
    run.loaded = replace(run.loaded, experiment=experiment)
    start_child(run)
    config = GuardConfig(
        run_id=run.id,
        environment=environment,
        state_dir=paths.state_dir(),
        run_dir=run.folder.path,
        watch_pid=os.getpid(),
        experiment=experiment.name,
        placebo=run.request.placebo,
    )
    run.system_ = System(run.loaded, environment, experiment, run.folder, Guard.start(config))
    begin_record(run)
    if environment.services:
        progress = run.stream
        while_turning(
            run,
            lambda: run.system.guard.start_services(
                lambda text: progress.emit(events.ServiceProgress(text=text))
            ),
            interruptible=True,
        )
    if environment.sources:
        run.system.sampler = Sampler(environment, run.folder.file("samples.ndjson"))
        run.system.sampler.start()
    prepare_child(run)


def start_child(run: RunState) -> None:
    """Start the process that will execute the experiment."""
    assert run.loaded is not None
    assert run.folder is not None
    experiment = run.loaded.experiment
    environment = environment_for(experiment.document, foreign=bool(experiment.foreign_actions))
    environment["SLOCHAOS_EXPERIMENT"] = str(experiment.path.absolute())
    run.executor = Executor.start(run.folder.file("chaostoolkit.log"), environment)


def prepare_child(run: RunState) -> None:
    """Give the child the experiment and the guard's socket; it validates while we measure."""
    assert run.executor is not None
    assert run.folder is not None
    document = run.system.experiment.document
    try:
        text, language = json.dumps(document), "json"
    except TypeError:  # YAML has dates
        import yaml

        text, language = yaml.safe_dump(document), "yaml"
    run.folder.write(f"experiment.{language}", text)
    run.system.guard.adopt(run.executor.pid)
    run.executor.prepare(
        Order(
            document=text,
            language="json" if language == "json" else "yaml",
            journal=str(run.folder.file("journal.json")),
            variables=run.request.variables,
            variable_files=tuple(str(path.absolute()) for path in run.request.variable_files),
            environment=(("SLOCHAOS_GUARD_SOCKET", str(run.system.guard.socket)),),
        )
    )


def begin_record(run: RunState) -> None:
    """Tell the ledger that a run begins; it answers before the gate opens."""
    system, started = run.system, events.timestamp(run.started[1])
    run.bookkeeper.location = system.environment.ledger
    run.recorded = run.bookkeeper.ask(
        lambda ledger: ledger.begin(
            run.id,
            system.experiment.name,
            system.environment.name,
            started,
            host(),
            run_dir=system.folder.path,
            placebo=run.request.placebo,
        )
    )


def replay_leftovers(run: RunState) -> None:
    """Undo what an earlier run of this user left in force, before adding to it."""
    run.stream.emit(events.StepStarted(step="replay"))
    for left in recovery.recover(paths.state_dir()):
        run.stream.emit(
            events.Replayed(run=left.run_id, injection=left.entry, target=left.target, state=left.state)
        )
        if not left.ok:
            run.notes.append(
                f"run {left.run_id} left a fault on {left.target} that could not be undone: {left.detail}"
            )


def read_budget(run: RunState) -> None:
    """What is consumed already, and whether the policy lets a run spend more."""
    run.stream.emit(events.StepStarted(step="budget"))
    environment, at = run.system.environment, clock.wall()
    if environment.budget.scope == "rolling":
        for objective in environment.objectives:
            name, window_s = objective.name, objective.window_s
            run.consumed[name] = run.bookkeeper.ask(
                lambda ledger, name=name, window_s=window_s: ledger.consumed(
                    environment.name, name, window_s, at
                )  # type: ignore[misc]
            ).result()


def make_plan(run: RunState) -> None:
    """What the run may cost; a first look, before traffic is known."""
    run.stream.emit(events.StepStarted(step="plan"))
    run.plan = plan.make_plan(run.system.experiment, run.system.environment, placebo=run.request.placebo)
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
    _first_samples(run, sampler)
    until = clock.now() + experiment.baseline_s
    pause(run, experiment.baseline_s, lambda: report_progress(run, "baseline", until))
    if experiment.baseline_s > 0:
        _judge_baseline(run, sampler)


def decide_by_policy(run: RunState) -> None:
    """The plan with today's traffic against power and policy. Raises Refused."""
    system = run.system
    seconds = run.baseline_s
    rates = {
        name: count.total / seconds
        for name, count in run.baseline.items()
        if isinstance(count, Count) and seconds > 0
    }
    run.plan = plan.make_plan(system.experiment, system.environment, rates, placebo=run.request.placebo)
    run.stream.emit(events.Planned(plan=run.plan))
    plan.refuse_underpowered(run.plan, allowed=run.request.allow_underpowered)
    budgets = plan.budgets(system.environment, run.baseline, seconds, run.consumed)
    decision = policy.decide(
        plan.outlooks(system.environment, run.plan, budgets),
        scope=system.environment.budget.scope,
        mode=system.environment.budget.mode,
    )
    run.notes += decision.notices
    if not decision.allowed:
        raise Refused(decision.reason, hint=decision.way_out, reason="budget")


def await_child(run: RunState) -> None:
    """The child has validated the experiment as `chaos run` would. Raises InvalidInput, StateError."""
    assert run.executor is not None
    until = clock.now() + _READY_WITHIN_S
    while not run.toolkit.ready:
        turn(run)
        run.interrupts.check()
        if run.toolkit.invalid:
            raise InvalidInput(
                f"{run.request.experiment}: Chaos Toolkit does not accept it: {run.toolkit.invalid}"
            )
        if run.executor.exit_code is not None or clock.now() > until:
            raise StateError(
                "the executor ended before it was ready", hint="see chaostoolkit.log in the run's folder"
            )


def _first_samples(run: RunState, sampler: Sampler) -> None:
    """The cut at which the baseline begins: one sample of every source."""
    began = clock.now()
    until = began + _FIRST_SAMPLE_WITHIN_S + max(source.every_s for source in run.system.environment.sources)
    while run.baseline_start is None and clock.now() < until:
        turn(run)
        run.interrupts.check()
        run.baseline_start = cut_after(sampler.history, began)
    if run.baseline_start is None:
        run.baseline_start = cut_before(sampler.history, clock.now())


def _judge_baseline(run: RunState, sampler: Sampler) -> None:
    environment, ruled = run.system.environment, {rule.objective for rule in run.system.experiment.rules}
    history = sampler.history
    end = cut_before(history, clock.now())
    if run.baseline_start is None or end is None:
        raise Refused(
            "no source gave a sample", hint="slochaos doctor says which one answers", reason="no-data"
        )
    run.baseline = {o.name: measure(o, history, run.baseline_start, end) for o in environment.objectives}
    run.baseline_end = end
    run.baseline_s = end.finished - run.baseline_start.finished
    for problem in sources.baseline_problems(
        environment.objectives, history, run.baseline_start, end, sampler.metric_names()
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
        if refusal is not None:
            raise Refused(refusal, hint="nothing was injected: repair the system first", reason="baseline")
