"""Run by Alembic. The connection, with its open transaction, comes from `schema.migrate`."""

from __future__ import annotations

from alembic import context

from slochaos.ledger.schema import VERSION_TABLE
from slochaos.ledger.tables import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite cannot alter most things in place
)
context.run_migrations()
