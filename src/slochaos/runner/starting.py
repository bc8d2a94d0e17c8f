"""The first steps: read the files, start the processes, the services and the sampling."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module

from slochaos import clock, paths
from slochaos.errors import InvalidInput, StateError
from slochaos.guard.client import Guard
from slochaos.guard.config import GuardConfig
from slochaos.identity import host
from slochaos.runner import events
from slochaos.runner.child import Order
from slochaos.runner.command import CommandProcess
from slochaos.runner.executor import Executor, environment_for
from slochaos.runner.folder import RunFolder
from slochaos.runner.loading import admitted, load, resolve
from slochaos.runner.loop import child_is_stopped, turn, while_turning
from slochaos.runner.outputs import events_unwritable
from slochaos.runner.state import RunState, System
from slochaos.runner.stream import Watcher

_READY_WITHIN_S = 60.0
_ROOM_S = 300.0
_NEEDED_LATER = ("slochaos.runner.deciding", "slochaos.runner.fault", "slochaos.runner.recording")
"""Slow to import, and not needed to start the others."""
_NEEDED_TO_MEASURE = ("slochaos.measurement.sampler",)


def load_files(run: RunState) -> None:
    """Read what people wrote; make the run's folder, with room for the record."""
    run.stream.emit(events.StepStarted(step="load"))
    run.loaded = run.system.loaded if run.system_ else load(run.request)
    run.title, run.environment_name = run.loaded.experiment.title, run.loaded.file.name
    run.folder = RunFolder.make(run.id)
    try:
        run.stream.write_to(run.folder.file("events.ndjson"))
    except OSError as error:
        raise StateError(f"the events cannot be written: {error}") from error
    if run.request.events_file and run.system_ is None:
        try:
            run.stream.write_also_to(run.request.events_file)
        except OSError as error:
            raise events_unwritable(run.request.events_file, str(error.strerror)) from error
    run.stream.emit(
        events.RunStarted(
            run=run.id, title=run.title, environment=run.environment_name, folder=str(run.folder.path)
        )
    )


def start_processes(run: RunState) -> None:
    """Resolve the environment; start the child and the guard. All three processes import at the same time."""
    assert run.loaded is not None
    assert run.folder is not None
    run.stream.emit(events.StepStarted(step="environment"))
    if run.system_ is not None:  # a repeat
        start_child(run)
        return
    environment = run.request.given or resolve(
        run.loaded.file, run.request.overrides, run.id, run.folder.path, run.secret
    )
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
        kinds=tuple(sorted({fault.kind for fault in experiment.faults})),
        longest_s=_longest_s(run, environment.caps.max_duration_s),
        lasting_allowed=bool(run.request.allow_lasting),
        seed=run.request.seed,
    )
    with ThreadPoolExecutor(1) as starter:
        arming = starter.submit(Guard.start, config)
        run.bookkeeper.begin_import()
        for module in (*_NEEDED_LATER, *(_NEEDED_TO_MEASURE if environment.sources else ())):
            import_module(module)
        guard = arming.result()
    run.system_ = System(run.loaded, environment, experiment, guard)
    if isinstance(
        run.executor, Executor
    ):  # after it is known whose log to take over, should the guard be dead already
        guard.adopt(run.executor.pid)


def _longest_s(run: RunState, longest_fault_s: float) -> float:
    """How long the run may hold its targets: what it plans, and room for services, undo and foreign actions."""
    assert run.loaded is not None
    experiment = run.loaded.experiment
    one_s = experiment.baseline_s + experiment.method_s + experiment.recovery_s + _ROOM_S
    return (one_s + (longest_fault_s if experiment.foreign_actions else 0.0)) * run.request.repeat


def start_system(run: RunState) -> None:
    """Start the environment's services and the sampling; hand the experiment to the child."""
    from slochaos.measurement.sampler import Sampler

    assert run.folder is not None
    begin_record(run)
    system = run.system
    if not system.started:
        system.started = True
        while_turning(run, lambda: system.guard.start_services(_progress(run)), interruptible=True)
        if system.environment.alerts.pushgateway:
            run.stream.watch(_marks(run))
        if system.environment.sources:
            system.sampler = Sampler(system.environment, run.folder.file("samples.ndjson"))
            system.sampler.start()
    prepare_child(run)


def _marks(run: RunState) -> Watcher:
    """What tells dashboards which faults are in force."""
    from slochaos.runner.marks import Marks

    environment, experiment = run.system.environment, run.system.experiment
    return Marks(
        environment.alerts.pushgateway,
        environment.name,
        experiment.name,
        run.id,
        lambda text: run.stream.emit(events.Notice(text=text)),
    )


def _progress(run: RunState) -> Callable[[str], None]:
    return lambda text: run.stream.emit(events.ServiceProgress(text=text))


def start_child(run: RunState) -> None:
    """Start the process that will execute the experiment."""
    assert run.loaded is not None
    assert run.folder is not None
    experiment = run.loaded.experiment
    if run.request.measured is not None:
        run.executor = CommandProcess(run.request.measured)
        return
    run.injections.planned, run.injections.placebo = experiment.faults, run.request.placebo
    environment = environment_for(experiment.document, foreign=bool(experiment.foreign_actions))
    environment["SLOCHAOS_EXPERIMENT"] = str(experiment.path.absolute())
    run.executor = Executor.start(run.folder.file("chaostoolkit.log"), environment)


def prepare_child(run: RunState) -> None:
    """Give the child the experiment and the guard's socket; it validates while we measure."""
    if not isinstance(run.executor, Executor):
        return  # a command needs nothing
    assert run.folder is not None
    document = run.system.experiment.document
    try:
        name, text = "experiment.json", json.dumps(document, indent=2)
    except TypeError:  # YAML has dates
        import yaml

        name, text = "experiment.yaml", yaml.safe_dump(document)
    run.folder.write(name, text)
    run.system.guard.adopt(run.executor.pid)
    run.executor.prepare(
        Order(
            experiment=str(run.folder.file(name)),
            journal=str(run.folder.file("journal.json")),
            journal_room=str(run.folder.journal_room),
            variables=run.request.variables,
            variable_files=tuple(str(path.absolute()) for path in run.request.variable_files),
            environment=(("SLOCHAOS_GUARD_SOCKET", str(run.system.guard.socket)),),
        )
    )


def begin_record(run: RunState) -> None:
    """Tell the ledger that a run begins; it answers before the gate opens."""
    assert run.folder is not None
    system, folder, started = run.system, run.folder, clock.timestamp(run.started[1])
    run.bookkeeper.location = system.environment.ledger
    run.recorded = run.bookkeeper.ask(
        lambda ledger: ledger.begin(
            run.id,
            system.experiment.name,
            system.environment.name,
            started,
            host(),
            run_dir=folder.path,
            placebo=run.request.placebo,
        )
    )


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
        if child_is_stopped(run):
            raise StateError(
                "the executor was stopped (SIGSTOP) before it was ready",
                hint="nothing was injected; run it again",
            )
        if run.executor.exit_code is not None or clock.now() > until:
            raise StateError(
                "the executor ended before it was ready", hint="see chaostoolkit.log in the run's folder"
            )
