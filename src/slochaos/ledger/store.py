"""The ledger as the rest of slochaos uses it. Each call is one transaction; nothing is held in between.

Every method raises StateError, with a cause and a way out, when the ledger is locked, read-only, damaged,
on a full disk, unreachable, or of a newer version.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session

from slochaos.errors import InvalidInput, StateError
from slochaos.ledger import entries, result_file, standing
from slochaos.ledger.access import LedgerDatabase
from slochaos.ledger.rows import BudgetRow, HistoryRow, OverrideRow, RunningRow
from slochaos.ledger.tables import ChargeTable, DecisionTable, InjectionTable, OverrideTable, RunTable
from slochaos.record import Result

RUNNING = "running"


class Ledger(LedgerDatabase):
    """Runs, charges in events, injections, decisions and overrides. Charges are never added across objectives.

    `location` is a path, `sqlite:///...`, `postgresql://...`, or empty for the user's own. Reading a ledger
    that was never written answers with nothing and makes no file.
    """

    def begin(
        self,
        run_id: str,
        experiment: str,
        environment: str,
        started: str,
        host: str,
        *,
        run_dir: str | Path = "",
        placebo: bool = False,
    ) -> None:
        """Record that a run began (`started`: RFC 3339), before anything is injected.

        Raises InvalidInput if the id belongs to an earlier run: its record is never overwritten.
        """
        row = RunTable(
            id=run_id,
            experiment=experiment,
            environment=environment,
            host=host,
            run_dir=str(run_dir and Path(run_dir).absolute()),
            started_at=entries.instant(started),
            status=RUNNING,
            reason="",
            placebo=placebo,
        )
        with self._writing() as session:
            if session.get(RunTable, run_id) is not None:
                raise InvalidInput(
                    f"a run {run_id} is already in the ledger",
                    hint="choose another --run-id, or leave it out",
                )
            session.add(row)

    def add(self, result: Result) -> None:
        """Record how a run ended. Adding the same result again changes nothing."""
        with self._writing() as session:
            before = session.get(RunTable, result.run.id)
            for table in (ChargeTable, InjectionTable, DecisionTable, OverrideTable):
                session.execute(delete(table).where(table.run_id == result.run.id))
            session.merge(entries.run_of(result, before.run_dir if before else ""))
            session.flush()
            session.add_all(entries.parts_of(result))

    def adopt(self, result_path: Path) -> Result:
        """Record the result that a run left in its folder before it was killed. Raises StateError."""
        result = result_file.read(result_path)
        self.add(result)
        return result

    def reconcile(self, host: str) -> list[str]:
        """Adopt the results of this host's runs that never told the ledger their end; their ids.

        Only folders that the run itself named at its begin are read. An unreadable result is left for
        `running` to show.
        """
        adopted = []
        for run in self.running():
            path = Path(run.run_dir) / "result.json"
            if run.host != host or not run.run_dir or not path.is_file():
                continue
            try:
                result = result_file.read(path)
            except StateError:
                continue
            if result.run.id == run.id:
                self.add(result)
                adopted.append(run.id)
        return adopted

    def running(self) -> list[RunningRow]:
        """Runs that began and whose end is not recorded, oldest first."""
        query = select(RunTable).where(RunTable.status == RUNNING).order_by(RunTable.started_at)
        with self._reading() as session:
            rows = session.scalars(query).all() if session else ()
            return [
                RunningRow(r.id, r.experiment, r.environment, entries.moment(r.started_at), r.host, r.run_dir)
                for r in rows
            ]

    def history(self, limit: int = 20, environment: str = "") -> list[HistoryRow]:
        """The latest runs, newest first; of one environment, or of all."""
        query = select(RunTable).order_by(RunTable.started_at.desc(), RunTable.id).limit(limit)
        if environment:
            query = query.where(RunTable.environment == environment)
        with self._reading() as session:
            if session is None:
                return []
            runs = session.scalars(query).all()
            costs = _costs(session, query)
            return [_history_row(run, costs.get(run.id, ())) for run in runs]

    def get(self, run_id: str) -> Result:
        """The record of one run. Raises InvalidInput if there is none, or not yet."""
        with self._reading() as session:
            run = session.get(RunTable, run_id) if session else None
            if run is None:
                raise InvalidInput(
                    f"there is no run and no incident {run_id} in the ledger",
                    hint="slochaos history lists runs and incidents",
                )
            if run.result is None:
                raise InvalidInput(
                    f"run {run_id} has no result: it still runs, or was killed",
                    hint="slochaos status shows what is in force, slochaos recover puts it back",
                )
            return result_file.parse(run.result, f"the record of run {run_id}")

    def overrides(self, environment: str, limit: int = 10) -> list[OverrideRow]:
        """Objections of the budget policy that somebody overrode for a run, newest first."""
        query = (
            select(OverrideTable)
            .join(RunTable, RunTable.id == OverrideTable.run_id)
            .where(RunTable.environment == environment)
            .order_by(OverrideTable.used_at.desc(), OverrideTable.objective)
            .limit(limit)
        )
        with self._reading() as session:
            rows = session.scalars(query).all() if session else ()
            return [
                OverrideRow(
                    r.run_id,
                    r.objective,
                    r.person,
                    r.reason,
                    r.objection,
                    entries.moment(r.until_at),
                    entries.moment(r.used_at),
                )
                for r in rows
            ]

    def consumed(self, environment: str, objective: str, window_s: float, at: float) -> float:
        """Bad events of one objective that runs caused and that are still in the window ending at `at`.

        `at` is in seconds since the epoch. Placebo runs inject nothing, so that they cause nothing.
        """
        query = (
            select(func.sum(ChargeTable.bad_attributed))
            .join(RunTable, RunTable.id == ChargeTable.run_id)
            .where(RunTable.environment == environment, RunTable.placebo.is_(False))
            .where(ChargeTable.objective == objective)
            .where(ChargeTable.charged_at > at - window_s, ChargeTable.charged_at <= at)
        )
        with self._reading() as session:
            return float(session.scalar(query) or 0.0) if session else 0.0

    def budget(self, environment: str, at: float) -> list[BudgetRow]:
        """What chaos took from each objective of the environment, as of `at` (seconds since the epoch)."""
        with self._reading() as session:
            return standing.budget_rows(session, environment, at) if session else []


def _costs(session: Session, runs: Select[Any]) -> dict[str, tuple[tuple[str, float], ...]]:
    """The charges of these runs as gross shares of the budget, dearest first."""
    ids = select(runs.with_only_columns(RunTable.id).subquery().c.id)
    found: dict[str, list[tuple[str, float]]] = {}
    for charge in session.scalars(select(ChargeTable).where(ChargeTable.run_id.in_(ids))):
        percent = standing.percent_of_budget(charge.bad_gross, charge)
        found.setdefault(charge.run_id, []).append((charge.objective, percent))
    return {run_id: tuple(sorted(costs, key=lambda c: (-c[1], c[0]))) for run_id, costs in found.items()}


def _history_row(run: RunTable, costs: tuple[tuple[str, float], ...]) -> HistoryRow:
    return HistoryRow(
        id=run.id,
        experiment=run.experiment,
        environment=run.environment,
        started=entries.moment(run.started_at),
        ended=None if run.ended_at is None else entries.moment(run.ended_at),
        status=run.status,
        exit_code=run.exit_code,
        reason=run.reason,
        placebo=run.placebo,
        costs=costs,
        # Not parsed, which takes long for many; within a JSON string the quotes would be escaped.
        provisional='"provisional":true' in (run.result or ""),
    )
