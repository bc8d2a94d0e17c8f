"""After the fault: measure until every objective holds again and late failures have drained."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from slochaos import clock
from slochaos.measurement.counting import series_over_time
from slochaos.measurement.samples import Count
from slochaos.runner import events
from slochaos.runner.loop import pause
from slochaos.runner.progress import report_progress
from slochaos.runner.sampling import await_late_samples, sampled_after
from slochaos.runner.state import RunState
from slochaos.spec.objectives import Objective, Query
from slochaos.verdict.recovery import Recovered, recovered_at

if TYPE_CHECKING:
    from slochaos.measurement.sampler import Sampler

_HOLD_FOR_S = 2.0


def await_recovery(run: RunState) -> None:
    """Measure until every objective holds again and late failures have drained, or time is up."""
    sampler, experiment, environment = run.sampler, run.system.experiment, run.system.environment
    if sampler is None or run.s0 is None or run.s1 is None or run.undone is None:
        return
    run.s2 = run.s1
    run.stream.emit(events.StepStarted(step="recovery", seconds=experiment.recovery_s))
    undone_at = run.undone[0]
    drained_at, until = undone_at + environment.drain_s, undone_at + experiment.recovery_s
    judged = [o for o in environment.objectives if not o.in_slices]
    while clock.now() < max(until, drained_at) + sampler.delay_s:
        pause(run, 0.1, lambda: report_progress(run, "recovery", until))
        run.recovered = {
            o.name: _recovered(run, sampler, o, undone_at) for o in judged if _has_events(run, sampler, o)
        }
        if clock.now() >= drained_at and None not in run.recovered.values():
            break
    shown = [each.shown_at for each in run.recovered.values() if each is not None]
    everyone = None not in run.recovered.values()
    held_at = max(shown, default=undone_at) if everyone else until
    run.drained = sampled_after(run, sampler, drained_at)
    last = sampled_after(run, sampler, max(held_at, drained_at))
    run.s2, run.unmeasured = last or run.s1, last is None
    await_late_samples(run, sampler)


def _has_events(run: RunState, sampler: Sampler, objective: Objective) -> bool:
    """Whether the objective saw traffic during the fault; without any, silence is no sign of recovery.

    What PromQL estimates has no points that could show one.
    """
    if isinstance(objective.indicator.total, Query):
        return False
    baseline = run.baseline.get(objective.name)
    return bool(isinstance(baseline, Count) and baseline.total) or bool(
        run.s0
        and run.s1
        and any(p.total for p in series_over_time(objective, sampler.history, run.s0, run.s1))
    )


def _recovered(run: RunState, sampler: Sampler, objective: Objective, undone_at: float) -> Recovered | None:
    assert run.s1 is not None
    history = sampler.history
    end = sampler.cut_before(clock.now())
    if end is None:
        return None
    allowed: Fraction = objective.allowed
    baseline = run.baseline.get(objective.name)
    if isinstance(baseline, Count) and baseline.total:
        allowed = max(allowed, Fraction(baseline.bad, baseline.total))
    points = series_over_time(objective, history, run.s1, end)
    return recovered_at(points, undone_at, allowed, _HOLD_FOR_S, counted_from=run.s1.finished)
