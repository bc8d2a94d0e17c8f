"""Records of runs and incidents as the ledger's rows, and back to instants. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from slochaos.errors import StateError
from slochaos.incident import Incident
from slochaos.ledger.tables import (
    ChargeTable,
    DecisionTable,
    IncidentChargeTable,
    IncidentTable,
    InjectionTable,
    OverrideTable,
    RunTable,
    Table,
)
from slochaos.record import Charge, ObjectiveResult, Priced, Result


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
        experiment=storable(run.experiment),
        environment=storable(run.environment),
        host=storable(run.host),
        run_dir=storable(run_dir),
        started_at=instant(run.started),
        ended_at=instant(run.ended or run.started),
        status=run.status,
        exit_code=run.exit_code,
        reason=storable(run.reason),
        placebo=run.placebo,
        result=result.model_dump_json(by_alias=True),
    )


def parts_of(result: Result) -> Iterator[Table]:
    """Everything that hangs on the run: decisions, overrides, charges, injections."""
    ended = instant(result.run.ended or result.run.started)
    yield DecisionTable(
        run_id=result.run.id,
        objective="",
        verdict=result.run.status,
        reason=storable(result.run.reason),
        decided_at=ended,
    )
    for override in result.policy.overrides if result.policy else ():
        yield OverrideTable(
            run_id=result.run.id,
            objective=override.objective,
            person=storable(override.by),
            reason=storable(override.reason),
            objection=storable(override.objection),
            until_at=instant(override.until),
            used_at=instant(result.run.started),
        )
    for objective in result.objectives:
        yield _decision(result.run.id, objective, ended)
        if objective.charge is not None:
            yield ChargeTable(run_id=result.run.id, **charged(objective, objective.charge, ended))
    for injection in result.injections:
        yield InjectionTable(
            run_id=result.run.id,
            id=storable(injection.id),
            kind=storable(injection.kind),
            target=storable(injection.target),
            applied_at=_instant_or_none(injection.applied),
            undone_at=_instant_or_none(injection.undone),
            expires_at=_instant_or_none(injection.expires),
            evidence=storable(injection.evidence),
            undo=injection.undo,
            detail=storable(injection.detail),
        )


def _decision(run_id: str, objective: ObjectiveResult, ended: float) -> DecisionTable:
    return DecisionTable(
        run_id=run_id,
        objective=objective.name,
        verdict=objective.verdict,
        reason=storable(objective.reason),
        hold=objective.rule.hold,
        cost=objective.rule.cost,
        decided_at=ended,
    )


def charged(objective: Priced, charge: Charge, at: float) -> dict[str, Any]:
    """The columns of `tables.Charged`; `at` is the end of what is charged."""
    gross_low, gross_high = charge.bad_gross_interval
    attributed_low, attributed_high = charge.attributed_interval
    return {
        "objective": objective.name,
        "target_fraction": objective.target_fraction,
        "operator": objective.operator,
        "window": objective.window,
        "method": objective.budgeting_method,
        "bad_gross": charge.bad_gross,
        "gross_low": gross_low,
        "gross_high": _finite(gross_high),
        "bad_attributed": charge.bad_attributed,
        "attributed_low": attributed_low,
        "attributed_high": _finite(attributed_high),
        "window_events": charge.window_events,
        "basis": charge.basis,
        "consumed_after_percent": charge.consumed_after_percent,
        "charged_at": at,
        "expires_at": _instant_or_none(charge.refund_complete) or at,
    }


def incident_of(document: Incident) -> IncidentTable:
    """The incident itself, with the whole document beside it."""
    asked = document.incident
    return IncidentTable(
        id=asked.id,
        environment=storable(asked.environment),
        server=storable(asked.server),
        started_at=instant(asked.from_),
        ended_at=instant(asked.to),
        priced_at=instant(asked.priced),
        document=document.model_dump_json(by_alias=True),
    )


def charges_of(document: Incident) -> Iterator[IncidentChargeTable]:
    """What it cost each objective that could be counted."""
    for objective in document.objectives:
        if objective.charge is not None:
            fields = charged(objective, objective.charge, instant(document.incident.to))
            yield IncidentChargeTable(incident_id=document.incident.id, **fields)


def _finite(upper_end: float | None) -> float | None:
    return None if upper_end is None or math.isinf(upper_end) else upper_end


def _instant_or_none(text: str | None) -> float | None:
    return instant(text) if text else None


def storable(text: str) -> str:
    """Without what databases refuse in text: NUL, and halves of surrogate pairs (from undecodable paths)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
