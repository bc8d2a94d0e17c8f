"""A run's record as the ledger's rows, and back to instants. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime

from slochaos.errors import StateError
from slochaos.ledger.tables import ChargeTable, DecisionTable, InjectionTable, RunTable, Table
from slochaos.record import Charge, ObjectiveResult, Result


def instant(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time; without a zone it is UTC. Raises StateError."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise StateError(f"the run's record holds no time where one belongs: {text[:60]!r}") from error
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def moment(at: float) -> datetime:
    """The inverse of `instant`, in UTC."""
    return datetime.fromtimestamp(at, tz=UTC)


def run_of(result: Result, run_dir: str) -> RunTable:
    """The run itself, with the whole record beside it."""
    run = result.run
    return RunTable(
        id=run.id,
        experiment=_storable(run.experiment),
        environment=_storable(run.environment),
        host=_storable(run.host),
        run_dir=_storable(run_dir),
        started_at=instant(run.started),
        ended_at=instant(run.ended or run.started),
        status=run.status,
        exit_code=run.exit_code,
        reason=_storable(run.reason),
        placebo=run.placebo,
        result=result.model_dump_json(by_alias=True),
    )


def parts_of(result: Result) -> Iterator[Table]:
    """Everything that hangs on the run: charges, decisions, injections."""
    ended = instant(result.run.ended or result.run.started)
    yield DecisionTable(
        run_id=result.run.id,
        objective="",
        verdict=result.run.status,
        reason=_storable(result.run.reason),
        decided_at=ended,
    )
    for objective in result.objectives:
        yield _decision(result.run.id, objective, ended)
        if objective.charge is not None:
            yield _charge(result.run.id, objective, objective.charge, ended)
    for injection in result.injections:
        yield InjectionTable(
            run_id=result.run.id,
            id=_storable(injection.id),
            kind=_storable(injection.kind),
            target=_storable(injection.target),
            applied_at=_instant_or_none(injection.applied),
            undone_at=_instant_or_none(injection.undone),
            expires_at=_instant_or_none(injection.expires),
            evidence=_storable(injection.evidence),
            undo=injection.undo,
            detail=_storable(injection.detail),
        )


def _decision(run_id: str, objective: ObjectiveResult, ended: float) -> DecisionTable:
    return DecisionTable(
        run_id=run_id,
        objective=objective.name,
        verdict=objective.verdict,
        reason=_storable(objective.reason),
        hold=objective.rule.hold,
        cost=objective.rule.cost,
        decided_at=ended,
    )


def _charge(run_id: str, objective: ObjectiveResult, charge: Charge, ended: float) -> ChargeTable:
    gross_low, gross_high = charge.bad_gross_interval
    attributed_low, attributed_high = charge.attributed_interval
    return ChargeTable(
        run_id=run_id,
        objective=objective.name,
        target_fraction=objective.target_fraction,
        operator=objective.operator,
        window=objective.window,
        method=objective.budgeting_method,
        bad_gross=charge.bad_gross,
        gross_low=gross_low,
        gross_high=_finite(gross_high),
        bad_attributed=charge.bad_attributed,
        attributed_low=attributed_low,
        attributed_high=_finite(attributed_high),
        window_events=charge.window_events,
        basis=charge.basis,
        consumed_after_percent=charge.consumed_after_percent,
        charged_at=ended,
        expires_at=_instant_or_none(charge.refund_complete) or ended,
    )


def _finite(upper_end: float | None) -> float | None:
    return None if upper_end is None or math.isinf(upper_end) else upper_end


def _instant_or_none(text: str | None) -> float | None:
    return instant(text) if text else None


def _storable(text: str) -> str:
    """Without what databases refuse in text: NUL, and halves of surrogate pairs (from undecodable paths)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
