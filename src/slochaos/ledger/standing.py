"""Where each objective's budget stands, from the charges that are still in its window."""

from __future__ import annotations

from itertools import groupby

from sqlalchemy import select
from sqlalchemy.orm import Session

from slochaos.ledger.entries import moment
from slochaos.ledger.rows import BudgetRow, Refund
from slochaos.ledger.tables import Charged, ChargeTable, RunTable


def percent_of_budget(events: float, charge: Charged) -> float:
    """Events as a share of the charge's budget, (1 - target) x N, in per cent; 0 while N is 0."""
    budget = (1 - charge.target_fraction) * charge.window_events
    return 100 * events / budget if budget > 0 else 0.0


def budget_rows(session: Session, environment: str, at: float) -> list[BudgetRow]:
    """One row per objective that was ever charged in this environment, by name."""
    query = (
        select(ChargeTable)
        .join(RunTable, RunTable.id == ChargeTable.run_id)
        .where(RunTable.environment == environment, RunTable.placebo.is_(False))
        .where(ChargeTable.charged_at <= at)
        .order_by(ChargeTable.objective, ChargeTable.charged_at)
    )
    grouped = groupby(session.scalars(query), key=lambda charge: charge.objective)
    return [_row(objective, list(charges), at) for objective, charges in grouped]


def _row(objective: str, charges: list[ChargeTable], at: float) -> BudgetRow:
    latest = charges[-1]
    inside = [charge for charge in charges if charge.expires_at > at]
    return BudgetRow(
        objective=objective,
        target=_target(latest),
        window=latest.window,
        runs=len(inside),
        caused_events=sum(charge.bad_attributed for charge in inside),
        caused_percent=sum(percent_of_budget(charge.bad_attributed, latest) for charge in inside),
        left_percent=100 - latest.consumed_after_percent,
        seen_at=moment(latest.charged_at),
        seen_by=latest.run_id,
        refunds=tuple(
            Refund(charge.run_id, moment(charge.expires_at), percent_of_budget(charge.bad_attributed, latest))
            for charge in sorted(inside, key=lambda charge: charge.expires_at)
            if charge.bad_attributed > 0
        ),
    )


def _target(charge: ChargeTable) -> str:
    if charge.operator == "lt":
        return f"< {100 * (1 - charge.target_fraction):.4g} %"
    return f"{100 * charge.target_fraction:.6g} %"
