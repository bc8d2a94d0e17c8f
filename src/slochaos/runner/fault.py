"""The fault: open the gate, let the child go, and stop when a condition is met."""

from __future__ import annotations

from collections.abc import Mapping

from slochaos import clock
from slochaos.budget.account import Budget
from slochaos.measurement import watch as newest_counts
from slochaos.measurement.phases import History, cut_before
from slochaos.measurement.samples import Count, NoData
from slochaos.runner import events
from slochaos.runner.budgeting import Traffic, budgets, known
from slochaos.runner.loop import child_is_stopped, result_of, turn, while_turning
from slochaos.runner.progress import report_progress
from slochaos.runner.sampling import check_sources
from slochaos.runner.starting import await_child
from slochaos.runner.state import AbortFacts, RunState
from slochaos.runner.timeline import fault_span
from slochaos.runner.watch import AbortWatch, Condition, Guarded

_SLACK_S = 60.0
_BLIND_S = 10.0
_LOOKS_MISSED = 3


def open_gate(run: RunState) -> None:
    """One last sample, then injections may come."""
    await_child(run)
    if run.recorded is not None:
        result_of(run, run.recorded)
    run.interrupts.check()
    if run.sampler is not None:
        while_turning(run, run.sampler.sample_now, beating=True)
        check_sources(run.sampler)
    run.system.guard.open_gate()


def run_experiment_and_watch(run: RunState) -> None:
    """Let the child go; until it ends, look at every new count and stop when a condition is met."""
    assert run.executor is not None
    experiment = run.system.experiment
    run.stream.emit(events.StepStarted(step="fault", seconds=experiment.method_s))
    deadline = clock.now() + longest_s(run)
    watching = _Watching(run)
    run.executor.go()
    while run.executor.exit_code is None and not _is_done(run):
        turn(run)
        run.interrupts.check()
        condition = _stopped_from_outside(run) or _stopped_child(run) or watching.look()
        if condition is None and clock.now() > deadline:
            what = "experiment" if run.request.measured is None else "command"
            condition = Condition(f"the {what} was still running after {longest_s(run):g} s")
        if condition is not None:
            run.abort = AbortFacts(condition, (clock.now(), clock.wall()))
            run.findings.abort(condition)
            run.stream.emit(events.AbortDecided(condition=condition.text))
            return
    turn(run, 0)


def _is_done(run: RunState) -> bool:
    """Whether the child has nothing left to do. Others' code may still have, until it has exited."""
    return bool(run.toolkit.status) and not run.foreign


def longest_s(run: RunState) -> float:
    """How long the experiment may take: its method, the hypotheses around it, and what foreigners may need."""
    if run.request.measured is not None:
        return run.request.measured.timeout_s
    experiment, caps = run.system.experiment, run.system.environment.caps
    unknown = caps.max_duration_s if run.foreign or not experiment.faults else 0.0
    return experiment.method_s + experiment.recovery_s + unknown + _SLACK_S


def _stopped_child(run: RunState) -> Condition | None:
    """A stopped child ends nothing by itself, and would be waited for until the deadline."""
    return (
        Condition("the process that executes the experiment was stopped") if child_is_stopped(run) else None
    )


def _stopped_from_outside(run: RunState) -> Condition | None:
    """An operator, the terminal, the host, or a service that ended."""
    injections = run.injections
    if injections.stop_requested is not None:
        why = f": {injections.stop_requested}" if injections.stop_requested else ""
        return Condition(f"stopped by an operator{why}")
    if run.interrupts.stop_asked:
        return Condition("stopped from the terminal (SIGTSTP)")
    if run.findings.host_suspended:
        return Condition("this host was suspended during the run (host-suspended)")
    if injections.service_ended is not None:
        return Condition(f"the service {injections.service_ended} ended during the run")
    return None


class _Watching:
    """The abort watch, fed with the newest counts once the fault has begun."""

    def __init__(self, run: RunState) -> None:
        self._run = run
        rules = {rule.objective: rule for rule in run.system.experiment.rules}
        detection_s = run.plan.detection_seconds if run.plan else 0.0
        self._rules = AbortWatch(
            (Guarded(o, rules[o.name]) for o in run.system.environment.objectives if o.name in rules),
            detection_s,
        )
        self._counts: newest_counts.Watch | None = None
        self._newest = self._since = 0.0
        self._blind_s = max(_BLIND_S, _LOOKS_MISSED * detection_s)

    def look(self) -> Condition | None:
        """The first condition that is met now."""
        run, sampler = self._run, self._run.sampler
        if sampler is None:
            report_progress(run, "fault", run.injections.in_force_until, {})
            return None
        begun = fault_span(run.injections, run.toolkit, foreign=run.foreign)
        if begun is None:
            report_progress(run, "fault", None)  # nothing is in force yet
            return None
        history = sampler.watched
        if self._counts is None:
            run.s0, start = sampler.cut_before(begun[0]), cut_before(history, begun[0])
            if run.s0 is None or start is None:
                return None
            self._since = start.finished
            self._counts = newest_counts.since(run.system.environment.objectives, history, start)
            self._newest = clock.now()
        return self._judge(self._counts, history)

    def _judge(self, watch: newest_counts.Watch, history: History) -> Condition | None:
        read = max((samples[-1].finished for samples in history.values() if samples), default=0.0)
        if read <= self._newest:
            return self._blind()
        counts = watch.newest(history)
        self._newest = max(self._newest, *watch.read_until().values())
        budgets = self._budgets(counts, read)
        report_progress(self._run, "fault", self._run.injections.in_force_until, counts, budgets)
        if self._run.toolkit.method[1] is not None:
            return None  # nothing more will be injected, so there is nothing to cut short
        return self._rules.look(counts, budgets, read) or self._blind()

    def _budgets(self, counts: Mapping[str, Count | NoData], read: float) -> dict[str, Budget]:
        """Projected from the baseline, or without one from the run's own traffic so far."""
        run, seconds = self._run, read - self._since
        before, own = Traffic(run.baseline, run.baseline_s, leaps=run.leaps), Traffic(counts, seconds)
        return known(budgets(run.system.environment, before, run.consumed, own, passed=run.passed))

    def _blind(self) -> Condition | None:
        if clock.now() - self._newest < self._blind_s or not self._run.system.experiment.rules:
            return None
        return Condition(f"no source has answered for {self._blind_s:.0f} s, so the rules cannot be watched")
