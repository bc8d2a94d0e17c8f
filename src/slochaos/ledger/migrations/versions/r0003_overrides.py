"""Who overrode the budget policy for which run, why, and until when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "overrides",
        sa.Column("run_id", sa.String(63), nullable=False),
        sa.Column("objective", sa.String(63), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("objection", sa.Text(), nullable=False),
        sa.Column("until_at", sa.Float(53), nullable=False),
        sa.Column("used_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "objective", name="pk_overrides"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_overrides_run_id", ondelete="CASCADE"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("overrides")
