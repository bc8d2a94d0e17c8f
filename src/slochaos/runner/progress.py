"""Live progress, four times a second: phase, time left, each objective's counts and cost, the faults in force."""

from __future__ import annotations

from collections.abc import Mapping

from slochaos import clock
from slochaos.budget.account import Budget
from slochaos.measurement import records, watch
from slochaos.measurement.samples import Count, NoData
from slochaos.runner.events import Measured, Reading
from slochaos.runner.state import RunState

_EVERY_S = 0.25


def report_progress(
    run: RunState,
    phase: str,
    until: float | None,
    counts: Mapping[str, Count | NoData] | None = None,
    budgets: Mapping[str, Budget] | None = None,
) -> None:
    """Emit one `measured` event unless there was one just now. `counts` since S0; else since the phase began.

    `until` is the instant at which the phase is planned to end, or during a fault the fault.
    """
    now = clock.now()
    if now - run.last_progress < _EVERY_S:
        return
    if phase != run.phase:
        run.phase, run.phase_started, run.live = phase, now, None
    run.last_progress = now
    found = _since_the_phase_began(run) if counts is None else counts
    rules = {rule.objective: rule for rule in run.system.experiment.rules}
    limits = {name: rule.cost for name, rule in rules.items()}
    run.stream.emit(
        Measured(
            phase=phase,
            elapsed_s=now - run.phase_started,
            left_s=None if until is None else max(0.0, until - now),
            readings=tuple(
                _reading(name, count, (budgets or {}).get(name), limits.get(name))
                for name, count in found.items()
            ),
            in_force=run.injections.in_force,
        )
    )


def _since_the_phase_began(run: RunState) -> dict[str, Count | NoData]:
    """Each sample is looked at once, however long the phase lasts."""
    start = run.s1 or run.baseline_start
    if run.sampler is None or start is None:
        return {}
    history = run.sampler.history
    if run.live is None:
        run.live = watch.since(run.system.environment.objectives, history, start)
    return run.live.newest(history)


def _reading(name: str, count: Count | NoData, budget: Budget | None, limit: object) -> Reading:
    limit_percent = None if limit is None else 100 * float(limit)  # type: ignore[arg-type]
    if isinstance(count, NoData):
        return Reading(name, None, None, None, limit_percent, count.detail or count.reason)
    cost = None if budget is None or budget.size <= 0 else 100 * float(budget.share_exactly(count.bad))
    return Reading(name, records.number(count.good), count.total, cost, limit_percent)
