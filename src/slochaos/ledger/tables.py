"""The ledger's tables. Instants are seconds since the epoch, charges are in events, shares are 0-1.

Percentages are derived when read: the events of a window change, what was spent does not. A change here
needs a migration in `migrations/versions` and its name at the end of `schema.REVISIONS`.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Float, ForeignKey, Index, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(DeclarativeBase):
    """The base of all tables. Constraints have names, so that later migrations can change them."""

    metadata = MetaData(naming_convention=_NAMES)


def _of_run() -> Mapped[str]:
    return mapped_column(String(63), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)


class RunTable(Table):
    """One run. `status` is `running` from its begin until its result is known."""

    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_environment_started_at", "environment", "started_at"),)

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    experiment: Mapped[str] = mapped_column(Text)
    environment: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(Text)
    run_dir: Mapped[str] = mapped_column(Text)
    started_at: Mapped[float] = mapped_column(Float(53))
    ended_at: Mapped[float | None] = mapped_column(Float(53))
    status: Mapped[str] = mapped_column(String(32))
    exit_code: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text)
    placebo: Mapped[bool] = mapped_column(Boolean)
    result: Mapped[str | None] = mapped_column(Text)


class Charged:
    """The columns of a charge: what was spent of one objective's budget, in events (slices for slice methods).

    `window_events` is the window's N at that time, `basis` how N is known; the charge counts until
    `expires_at`. An upper end that is NULL is unknown, not zero.
    """

    objective: Mapped[str] = mapped_column(String(63), primary_key=True)
    target_fraction: Mapped[float] = mapped_column(Float(53))
    operator: Mapped[str] = mapped_column(String(8))
    window: Mapped[str] = mapped_column(String(32))
    method: Mapped[str] = mapped_column(String(32))
    bad_gross: Mapped[float] = mapped_column(Float(53))
    gross_low: Mapped[float] = mapped_column(Float(53))
    gross_high: Mapped[float | None] = mapped_column(Float(53))
    bad_attributed: Mapped[float] = mapped_column(Float(53))
    attributed_low: Mapped[float] = mapped_column(Float(53))
    attributed_high: Mapped[float | None] = mapped_column(Float(53))
    window_events: Mapped[float] = mapped_column(Float(53))
    basis: Mapped[str] = mapped_column(String(16))
    consumed_after_percent: Mapped[float] = mapped_column(Float(53))
    charged_at: Mapped[float] = mapped_column(Float(53))
    expires_at: Mapped[float] = mapped_column(Float(53))

    @property
    def charged_to(self) -> str:
        """The id of what spent it."""
        raise NotImplementedError


class ChargeTable(Charged, Table):
    """What one run spent of one objective's budget."""

    __tablename__ = "charges"
    __table_args__ = (Index("ix_charges_objective_charged_at", "objective", "charged_at"),)

    run_id: Mapped[str] = _of_run()

    @property
    def charged_to(self) -> str:
        """The run's id."""
        return self.run_id


class IncidentTable(Table):
    """An interval in which somebody else broke something, priced; `server` is where its counters were read."""

    __tablename__ = "incidents"
    __table_args__ = (Index("ix_incidents_environment_started_at", "environment", "started_at"),)

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    environment: Mapped[str] = mapped_column(Text)
    server: Mapped[str] = mapped_column(Text)
    started_at: Mapped[float] = mapped_column(Float(53))
    ended_at: Mapped[float] = mapped_column(Float(53))
    priced_at: Mapped[float] = mapped_column(Float(53))
    document: Mapped[str] = mapped_column(Text)


class IncidentChargeTable(Charged, Table):
    """What one incident spent of one objective's budget."""

    __tablename__ = "incident_charges"
    __table_args__ = (Index("ix_incident_charges_objective_charged_at", "objective", "charged_at"),)

    incident_id: Mapped[str] = mapped_column(
        String(63), ForeignKey("incidents.id", ondelete="CASCADE"), primary_key=True
    )

    @property
    def charged_to(self) -> str:
        """The incident's id."""
        return self.incident_id


class InjectionTable(Table):
    """One injection, from intent to verified undo."""

    __tablename__ = "injections"

    run_id: Mapped[str] = _of_run()
    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    target: Mapped[str] = mapped_column(Text)
    applied_at: Mapped[float | None] = mapped_column(Float(53))
    undone_at: Mapped[float | None] = mapped_column(Float(53))
    expires_at: Mapped[float | None] = mapped_column(Float(53))
    evidence: Mapped[str] = mapped_column(Text)
    undo: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(Text)


class OverrideTable(Table):
    """An objection of the budget policy to one run that a person overrode, until `until_at`."""

    __tablename__ = "overrides"

    run_id: Mapped[str] = _of_run()
    objective: Mapped[str] = mapped_column(String(63), primary_key=True)
    person: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    objection: Mapped[str] = mapped_column(Text)
    until_at: Mapped[float] = mapped_column(Float(53))
    used_at: Mapped[float] = mapped_column(Float(53))


class DecisionTable(Table):
    """What was decided of one objective; of the run itself where `objective` is empty."""

    __tablename__ = "decisions"

    run_id: Mapped[str] = _of_run()
    objective: Mapped[str] = mapped_column(String(63), primary_key=True)
    verdict: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(Text)
    hold: Mapped[float | None] = mapped_column(Float(53))
    cost: Mapped[float | None] = mapped_column(Float(53))
    decided_at: Mapped[float] = mapped_column(Float(53))
