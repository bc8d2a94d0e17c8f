"""Incidents in the ledger: what an interval cost in which nothing was injected by us.

They stand beside runs and never among them: no count of what chaos caused can take one in by mistake.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from slochaos.errors import InvalidInput
from slochaos.incident import Incident
from slochaos.ledger import entries, standing
from slochaos.ledger.access import LedgerDatabase
from slochaos.ledger.result_file import parse_as
from slochaos.ledger.rows import IncidentRow
from slochaos.ledger.tables import IncidentChargeTable, IncidentTable, RunTable

INCIDENT_ID = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
"""What an incident's id has to match, whole: those of tickets and pages do, and those of runs."""


class Incidents(LedgerDatabase):
    """Incidents by their id, which is somebody else's: a ticket's, a page's."""

    def keep(self, document: Incident, *, replace: bool = False) -> None:
        """Keep a priced interval under its id; the same interval priced anew takes the place of the old one.

        Raises InvalidInput where the id belongs to a run, or, unless `replace`, to another interval, server
        or environment.
        """
        row = entries.incident_of(document)
        with self._writing() as session:
            if session.get(RunTable, row.id) is not None:
                raise InvalidInput(f"{row.id} is a run's id", hint="name the incident otherwise")
            before = session.get(IncidentTable, row.id)
            if before is not None:
                if not replace and _what(before) != _what(row):
                    raise _other_interval(before)
                session.delete(before)
                session.flush()
            session.add(row)
            session.flush()
            session.add_all(entries.charges_of(document))

    def get(self, incident_id: str) -> Incident | None:
        """The document of one incident; None where there is none of that id. Raises StateError."""
        with self._reading() as session:
            row = session.get(IncidentTable, incident_id) if session else None
            return None if row is None else parse_as(Incident, row.document, f"the incident {incident_id}")

    def latest(self, limit: int = 20, environment: str = "") -> list[IncidentRow]:
        """The latest incidents, newest first; of one environment, or of all."""
        query = select(IncidentTable).order_by(IncidentTable.started_at.desc(), IncidentTable.id).limit(limit)
        if environment:
            query = query.where(IncidentTable.environment == environment)
        with self._reading() as session:
            if session is None:
                return []
            incidents = session.scalars(query).all()
            costs = _costs(session, [each.id for each in incidents])
            return [_row(each, costs.get(each.id, [])) for each in incidents]


def _what(row: IncidentTable) -> tuple[float, float, str, str]:
    return row.started_at, row.ended_at, row.server, row.environment


def _other_interval(before: IncidentTable) -> InvalidInput:
    start, end = (f"{entries.moment(at):%Y-%m-%d %H:%M:%S}" for at in (before.started_at, before.ended_at))
    return InvalidInput(
        f"incident {before.id} is already in the ledger, with {start} to {end} UTC of {before.server}",
        hint="--replace puts this interval in its place, another --incident keeps both",
    )


def _costs(session: Session, ids: Sequence[str]) -> dict[str, list[tuple[str, float]]]:
    """The charges of these incidents as gross shares of the budget."""
    found: dict[str, list[tuple[str, float]]] = {}
    for charge in session.scalars(
        select(IncidentChargeTable).where(IncidentChargeTable.incident_id.in_(ids))
    ):
        share = standing.percent_of_budget(charge.bad_gross, charge)
        found.setdefault(charge.incident_id, []).append((charge.objective, share))
    return found


def _row(incident: IncidentTable, costs: list[tuple[str, float]]) -> IncidentRow:
    return IncidentRow(
        id=incident.id,
        environment=incident.environment,
        server=incident.server,
        started=entries.moment(incident.started_at),
        ended=entries.moment(incident.ended_at),
        priced=entries.moment(incident.priced_at),
        costs=tuple(sorted(costs, key=lambda cost: (-cost[1], cost[0]))),
    )
