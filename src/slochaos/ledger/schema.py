"""Brings a ledger's tables to this version, and refuses those of a newer one.

Alembic takes longer to import than a run takes to be recorded, so that it is loaded only when something has
to change: what it would find is read first with one plain query.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, column, inspect, select, table, text

from slochaos.errors import StateError

REVISIONS = ("0001", "0002", "0003")
"""All revisions of `migrations/versions`, oldest first."""

VERSION_TABLE = "slochaos_ledger_version"
"""Not Alembic's default name, which another application in a shared database may use."""

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK_KEY = 0x510C4A05


def is_empty(connection: Connection) -> bool:
    """Whether nothing was ever stored here."""
    return _revision(connection) is None


def is_current(connection: Connection) -> bool:
    """Whether the tables are those of this version. Raises StateError if they are of a newer one."""
    return _known(_revision(connection)) == REVISIONS[-1]


def migrate(engine: Engine) -> None:
    """Make or upgrade the tables in one transaction; one process does, others wait."""
    with engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        if not is_current(connection):
            _upgrade(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision = connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()
    return None if revision is None else str(revision)


def _known(revision: str | None) -> str | None:
    if revision is None or revision in REVISIONS:
        return revision
    raise StateError(
        f"the ledger was written by a newer slochaos (its tables are at revision {revision[:40]})",
        hint="upgrade with: pip install --upgrade slochaos",
    )


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
