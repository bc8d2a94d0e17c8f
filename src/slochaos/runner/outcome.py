"""The run's record, made from everything that was found out: status, objectives, injections, timeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from slochaos import clock, record
from slochaos.clock import timestamp
from slochaos.guard.connection import InjectionState
from slochaos.identity import host
from slochaos.measurement.counting import series_over_time
from slochaos.runner.accounting import Accounted, account_composites, account_objectives
from slochaos.runner.command import CommandProcess
from slochaos.runner.notes import measuring_notes
from slochaos.runner.state import RunState
from slochaos.verdict.status import RunFacts, RunStatus, run_status

_EMPTY = record.Phase(from_="", to="")
_UNDO: dict[str, record.UndoState] = {
    "undone": "verified",
    "refused": "verified",
    "expired": "expired",
    "gone": "gone",
    "superseded": "superseded",
    "waived": "waived",
    "failed": "failed",
}


UNFINISHED = "the run's process had still to end what it had started when this was written"


def make_result(run: RunState, *, provisional: bool = False) -> record.Result:
    """The record of a run, at whatever point it ended; if `provisional`, one that stands in case it never ends."""
    accounted = account_objectives(run)
    facts = _facts(run, accounted)
    status = run_status(replace(facts, errors=(*facts.errors, UNFINISHED)) if provisional else facts)
    about = _run(run, status, _hint(run, status, accounted), clock.wall())
    return record.Result(
        run=about.model_copy(update={"provisional": provisional}),
        objectives=tuple(each.result for each in accounted),
        composites=account_composites(run, accounted),
        plan=run.plan or record.Plan(),
        policy=_policy(run),
        injections=tuple(
            injection_record(each, run.injections.name_of(each.id, each.name))
            for each in run.final_injections
            if each.intended
        ),
        recovery=_recovery(run, accounted),
        abort=_abort(run),
        chaos_toolkit=_toolkit(run),
        measured=_measured(run),
        timeline=_timeline(run),
        notes=(*run.notes, *measuring_notes(run)),
        command=run.request.command,
    )


def _facts(run: RunState, accounted: list[Accounted]) -> RunFacts:
    found = run.findings
    ended_early = found.any
    unknown = _unknown_recoveries(run, accounted)
    reasons = {
        verdict: tuple(each.decision.reason for each in accounted if each.decision.verdict == verdict)
        for verdict in ("breached", "exceeded", "unproven")
    }
    return RunFacts(
        undo_failed=tuple(found.undo_failed),
        invalid=found.invalid,
        refused=found.refused,
        signal=found.signal,
        breached=reasons["breached"],
        exceeded=reasons["exceeded"],
        slow_recovery=() if ended_early else _slow_recovery(run, unknown),
        aborted_by_rule=tuple(found.aborted_by_rule),
        aborted=tuple(found.aborted),
        errors=tuple(found.errors),
        unproven=() if found.refused or found.invalid else (*reasons["unproven"], *unknown.values()),
        not_in_force=tuple(found.not_in_force),
        host_suspended=found.host_suspended,
    )


def _hint(run: RunState, status: RunStatus, accounted: list[Accounted]) -> str:
    """What to do next, where more is known of it than the status: a step's own hint, or the way out of the evidence."""
    found = run.findings
    if found.hint or status.status != "inconclusive":
        return found.hint
    ways = dict.fromkeys(each.decision.way_out for each in accounted if each.decision.way_out)
    if found.host_suspended:
        ways["keep this host awake"] = None
    elif found.not_in_force and not ways:
        ways["clear the reason for which the fault was not in force"] = None
    again = f": {run.request.command}" if run.request.command else ""
    return f"{'; '.join(ways)}, then run it again{again}" if ways else ""


def _run(run: RunState, status: RunStatus, hint: str, ended: float) -> record.Run:
    return record.Run(
        id=run.id,
        experiment=run.loaded.experiment.name if run.loaded else run.request.experiment.stem,
        environment=run.environment_name or run.request.environment,
        started=timestamp(run.started[1]),
        ended=timestamp(ended),
        status=status.status,
        exit_code=status.exit_code,
        reason=status.reason,
        hint=hint,
        also=status.also,
        placebo=run.request.placebo,
        host=host(),
        seed=run.loaded.experiment.seed if run.loaded else None,
    )


def _policy(run: RunState) -> record.PolicyRecord | None:
    decision = run.policy
    if decision is None:
        return None
    return record.PolicyRecord(
        step=decision.step,
        allowed=decision.allowed,
        reason=decision.reason,
        overrides=tuple(
            record.OverrideRecord(
                objective=each.objective,
                objection=each.objection,
                by=each.override.by,
                reason=each.override.reason,
                until=timestamp(each.override.until),
            )
            for each in decision.overridden
        ),
    )


def _unknown_recoveries(run: RunState, accounted: list[Accounted]) -> dict[str, str]:
    """Objectives with a rule that had not recovered because nothing came that could have shown it, and why."""
    recoveries = _recoveries(accounted)
    ruled = {rule.objective for rule in run.system.experiment.rules} if run.system_ else set()
    return {
        name: f"{name}: {_why_unknown(recoveries.get(name, _EMPTY))}, so whether it recovered is not known"
        for name, recovered in run.recovered.items()
        if recovered is None and name in ruled and not recoveries.get(name, _EMPTY).total
    }


def _recoveries(accounted: list[Accounted]) -> dict[str, record.Phase]:
    return {each.result.name: each.result.phases.get("recovery") or _EMPTY for each in accounted}


def _why_unknown(recovery: record.Phase) -> str:
    uncounted = recovery.total is None and recovery.reason
    return "what came after the undo could not be counted" if uncounted else "no traffic after the undo"


def _slow_recovery(run: RunState, unknown: Mapping[str, str]) -> tuple[str, ...]:
    ruled = {rule.objective for rule in run.system.experiment.rules} if run.system_ else set()
    limit_s = run.system.experiment.recovery_s if run.system_ else 0.0
    return tuple(
        f"{name} had not recovered {limit_s:g} s after the undo"
        for name, recovered in run.recovered.items()
        if recovered is None and name in ruled and name not in unknown
    )


def injection_record(state: InjectionState, name: str) -> record.InjectionRecord:
    """One injection as result.json has it."""
    undoing = state.times.get("undoing")
    took_ms = 1000 * (state.undone[0] - undoing[0]) if state.undone and undoing else None
    return record.InjectionRecord(
        id=state.id,
        name=name,
        kind=state.kind,
        target=state.target,
        applied=timestamp(state.applied[1]) if state.applied else None,
        undone=timestamp(state.undone[1]) if state.undone else None,
        expires=timestamp(state.expires_wall),
        evidence=state.evidence,
        undo=_UNDO.get(state.state, "open"),
        undo_milliseconds=took_ms,
        by_hand=state.by_hand,
        detail=state.detail,
    )


def _recovery(run: RunState, accounted: list[Accounted]) -> record.Recovery | None:
    if not run.recovered or run.sampler is None:
        return None
    slowest = [each for each in run.recovered.values() if each is not None]
    resolution = run.sampler.resolution_s
    if len(slowest) < len(run.recovered):
        seen = {name for name, phase in _recoveries(accounted).items() if phase.total}
        missed = [name for name, each in run.recovered.items() if each is None]
        return record.Recovery(
            seconds=None,
            resolution_seconds=resolution,
            not_recovered=tuple(name for name in missed if name in seen),
            unknown=tuple(name for name in missed if name not in seen),
        )
    last = max(slowest, key=lambda each: each.seconds)
    return record.Recovery(seconds=last.seconds, resolution_seconds=last.resolution_s)


def _abort(run: RunState) -> record.Abort | None:
    if run.abort is None:
        return None
    undone = run.injections.last_undone
    return record.Abort(
        condition=run.abort.condition.text,
        detected=timestamp(run.abort.detected[1]),
        undone=timestamp(undone[1]) if undone else None,
        latency_ms=1000 * max(0.0, undone[0] - run.abort.detected[0]) if undone else None,
    )


def _toolkit(run: RunState) -> record.ToolkitVerdict | None:
    if run.folder is None or not run.toolkit.events or run.request.measured is not None:
        return None
    status = run.toolkit.status or ("interrupted" if run.toolkit.method[0] is not None else "")
    if not status:
        return None
    return record.ToolkitVerdict(
        status=status, deviated=run.toolkit.deviated, journal=str(run.folder.file("journal.json"))
    )


def _measured(run: RunState) -> record.MeasuredCommand | None:
    if run.request.measured is None:
        return None
    process = run.executor if isinstance(run.executor, CommandProcess) else None
    return record.MeasuredCommand(
        arguments=run.request.measured.arguments,
        exit_status=process.status if process else None,
        seconds=process.took_s if process else None,
    )


def _timeline(run: RunState) -> record.Timeline:
    began = run.started[0]
    ends = [each for each in run.recovered.values() if each is not None]
    marks = {
        "baseline": run.baseline_start.finished if run.baseline_start else None,
        "fault": run.s0.finished if run.s0 else run.injections.first_intended,
        "abort": run.abort.detected[0] if run.abort else None,
        "undone": run.undone[0] if run.undone else None,
        "recovered": max(each.at for each in ends) if ends and len(ends) == len(run.recovered) else None,
        "end": clock.now(),
    }
    return record.Timeline(
        marks={name: at - began for name, at in marks.items() if at is not None}, points=_points(run, began)
    )


def _points(run: RunState, began: float) -> dict[str, tuple[record.TimelinePoint, ...]]:
    end = run.s2 or run.s1
    if run.sampler is None or run.baseline_start is None or end is None:
        return {}
    history, start = run.sampler.history, run.baseline_start
    return {
        objective.name: tuple(
            record.TimelinePoint(at=point.instant - began, good=point.good, total=point.total)
            for point in series_over_time(objective, history, start, end)
        )
        for objective in run.system.environment.objectives
    }
