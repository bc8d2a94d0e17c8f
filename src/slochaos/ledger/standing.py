"""Where each objective's budget stands, from the charges that are still in its window."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from slochaos.ledger.entries import moment
from slochaos.ledger.rows import BudgetRow, Refund
from slochaos.ledger.tables import Charged, ChargeTable, IncidentChargeTable, IncidentTable, RunTable

AnyCharge = TypeVar("AnyCharge", bound=Charged)


def percent_of_budget(events: float, charge: Charged) -> float:
    """Events as a share of the charge's budget, (1 - target) x N, in per cent; 0 while N is 0."""
    budget = (1 - charge.target_fraction) * charge.window_events
    return 100 * events / budget if budget > 0 else 0.0


def budget_rows(session: Session, environment: str, at: float) -> list[BudgetRow]:
    """One row per objective that was ever charged in this environment, by name."""
    by_runs = _by_objective(
        session.scalars(
            select(ChargeTable)
            .join(RunTable, RunTable.id == ChargeTable.run_id)
            .where(RunTable.environment == environment, RunTable.placebo.is_(False))
            .where(ChargeTable.charged_at <= at)
        )
    )
    by_incidents = _by_objective(
        session.scalars(
            select(IncidentChargeTable)
            .join(IncidentTable, IncidentTable.id == IncidentChargeTable.incident_id)
            .where(IncidentTable.environment == environment)
            .where(IncidentChargeTable.charged_at <= at)
        )
    )
    return [
        _row(objective, by_runs.get(objective, []), by_incidents.get(objective, []), at)
        for objective in sorted({*by_runs, *by_incidents})
    ]


def _by_objective(charges: Iterable[AnyCharge]) -> dict[str, list[AnyCharge]]:
    found: dict[str, list[AnyCharge]] = {}
    for charge in charges:
        found.setdefault(charge.objective, []).append(charge)
    return found


def _row(
    objective: str, by_runs: list[ChargeTable], by_incidents: list[IncidentChargeTable], at: float
) -> BudgetRow:
    every: list[Charged] = [*by_runs, *by_incidents]
    latest = max(every, key=lambda charge: charge.charged_at)
    runs = [charge for charge in by_runs if charge.expires_at > at]
    incidents = [charge for charge in by_incidents if charge.expires_at > at]
    inside = sorted((charge for charge in every if charge.expires_at > at), key=lambda c: c.expires_at)
    return BudgetRow(
        objective=objective,
        target=_target(latest),
        window=latest.window,
        runs=len(runs),
        caused_events=sum(charge.bad_attributed for charge in runs),
        caused_percent=sum(percent_of_budget(charge.bad_attributed, latest) for charge in runs),
        incidents=len(incidents),
        incidents_percent=sum(percent_of_budget(charge.bad_attributed, latest) for charge in incidents),
        left_percent=100 - latest.consumed_after_percent,
        seen_at=moment(latest.charged_at),
        seen_by=latest.charged_to,
        refunds=tuple(
            Refund(
                charge.charged_to,
                moment(charge.expires_at),
                percent_of_budget(charge.bad_attributed, latest),
            )
            for charge in inside
            if charge.bad_attributed > 0
        ),
    )


def _target(charge: Charged) -> str:
    if charge.operator == "lt":
        return f"< {100 * (1 - charge.target_fraction):.4g} %"
    return f"{100 * charge.target_fraction:.6g} %"
