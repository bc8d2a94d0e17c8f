"""Runs, what they were charged, what they injected, what was decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None


def upgrade() -> None:
    """Make the first four tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(63), nullable=False),
        sa.Column("experiment", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("run_dir", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Float(53), nullable=False),
        sa.Column("ended_at", sa.Float(53)),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("exit_code", sa.Integer()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placebo", sa.Boolean(), nullable=False),
        sa.Column("result", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_environment_started_at", "runs", ["environment", "started_at"])
    _create_charges()
    _create_injections()
    _create_decisions()


def downgrade() -> None:
    """Drop them all."""
    for table in ("decisions", "injections", "charges", "runs"):
        op.drop_table(table)


def _create_charges() -> None:
    op.create_table(
        "charges",
        sa.Column("run_id", sa.String(63), nullable=False),
        sa.Column("objective", sa.String(63), nullable=False),
        sa.Column("target_fraction", sa.Float(53), nullable=False),
        sa.Column("operator", sa.String(8), nullable=False),
        sa.Column("window", sa.String(32), nullable=False),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("bad_gross", sa.BigInteger(), nullable=False),
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
        sa.PrimaryKeyConstraint("run_id", "objective", name="pk_charges"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_charges_run_id", ondelete="CASCADE"),
    )
    op.create_index("ix_charges_objective_charged_at", "charges", ["objective", "charged_at"])


def _create_injections() -> None:
    op.create_table(
        "injections",
        sa.Column("run_id", sa.String(63), nullable=False),
        sa.Column("id", sa.String(128), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.Float(53)),
        sa.Column("undone_at", sa.Float(53)),
        sa.Column("expires_at", sa.Float(53)),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("undo", sa.String(16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "id", name="pk_injections"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_injections_run_id", ondelete="CASCADE"),
    )


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("run_id", sa.String(63), nullable=False),
        sa.Column("objective", sa.String(63), nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("hold", sa.Float(53)),
        sa.Column("cost", sa.Float(53)),
        sa.Column("decided_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "objective", name="pk_decisions"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_decisions_run_id", ondelete="CASCADE"),
    )
