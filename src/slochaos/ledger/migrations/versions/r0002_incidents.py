"""Incidents that were priced without a run. Charges in slices may have parts, so that they are no integers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Make two tables, and room for parts of slices."""
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(63), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Float(53), nullable=False),
        sa.Column("ended_at", sa.Float(53), nullable=False),
        sa.Column("priced_at", sa.Float(53), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_environment_started_at", "incidents", ["environment", "started_at"])
    _create_charges()
    with op.batch_alter_table("charges") as charges:
        charges.alter_column("bad_gross", type_=sa.Float(53), existing_type=sa.BigInteger())


def downgrade() -> None:
    """Drop them; parts of slices are rounded."""
    with op.batch_alter_table("charges") as charges:
        charges.alter_column("bad_gross", type_=sa.BigInteger(), existing_type=sa.Float(53))
    for table in ("incident_charges", "incidents"):
        op.drop_table(table)


def _create_charges() -> None:
    op.create_table(
        "incident_charges",
        sa.Column("incident_id", sa.String(63), nullable=False),
        sa.Column("objective", sa.String(63), nullable=False),
        sa.Column("target_fraction", sa.Float(53), nullable=False),
        sa.Column("operator", sa.String(8), nullable=False),
        sa.Column("window", sa.String(32), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("bad_gross", sa.Float(53), nullable=False),
        sa.Column("gross_low", sa.Float(53), nullable=False),
        sa.Column("gross_high", sa.Float(53)),
        sa.Column("bad_attributed", sa.Float(53), nullable=False),
        sa.Column("attributed_low", sa.Float(53), nullable=False),
        sa.Column("attributed_high", sa.Float(53)),
        sa.Column("window_events", sa.Float(53), nullable=False),
        sa.Column("basis", sa.String(16), nullable=False),
        sa.Column("consumed_after_percent", sa.Float(53), nullable=False),
        sa.Column("charged_at", sa.Float(53), nullable=False),
        sa.Column("expires_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "objective", name="pk_incident_charges"),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["incidents.id"], name="fk_incident_charges_incident_id", ondelete="CASCADE"
        ),
    )
    op.create_index(
        "ix_incident_charges_objective_charged_at", "incident_charges", ["objective", "charged_at"]
    )
