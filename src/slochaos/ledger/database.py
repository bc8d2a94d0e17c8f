"""Where a ledger is, how to connect to it, and what its failures mean to a user.

The rest of the ledger sees a SQLAlchemy engine and StateError; nothing here knows a table.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url
from sqlalchemy.pool import NullPool

from slochaos.errors import InvalidInput, StateError
from slochaos.paths import state_dir

BUSY_TIMEOUT_S = 5.0
_POSTGRES = "postgresql+psycopg"

_CAUSES = (
    (
        "database is locked",
        "is locked by another process",
        "wait until the other run has ended, then try again",
    ),
    (
        "readonly database",
        "is read-only",
        "give this user write access, or set another ledger in the environment",
    ),
    ("database or disk is full", "cannot be written: the disk is full", "free some space, then try again"),
    ("disk i/o error", "cannot be read or written: the disk failed or is full", "check the disk"),
    (
        "unable to open database",
        "cannot be opened",
        "check that the folder exists and that you can write to it",
    ),
    (
        "not a database",
        "is not a ledger: the file is damaged or something else",
        "move it away: a new one is made",
    ),
    (
        "malformed",
        "is damaged",
        "move it away: a new one is made; `sqlite3 FILE .recover` may save the old one",
    ),
    ("password authentication failed", "refused the user name or the password", "check the ledger's URL"),
    ("could not translate host", "cannot be reached: unknown host name", "check the ledger's URL"),
    ("failed to resolve host", "cannot be reached: unknown host name", "check the ledger's URL"),
    ("connection refused", "cannot be reached: connection refused", "check that PostgreSQL listens there"),
    ("timeout", "did not answer in time", "check that PostgreSQL is reachable and not blocked"),
)


def locate(location: str | Path = "") -> URL:
    """The URL of a ledger: of the state folder's `ledger.db`, of a path, or as given.

    `postgresql://` and `postgres://` use psycopg 3. Raises InvalidInput for what is neither SQLite in a file
    nor PostgreSQL, StateError without a usable state folder.
    """
    text = str(location)
    if not text:
        return URL.create("sqlite", database=str(state_dir() / "ledger.db"))
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser().absolute()))
    try:
        url = make_url(text)
    except exc.ArgumentError as error:
        raise InvalidInput(
            "the ledger's URL cannot be read", hint="write postgresql://user@host/name"
        ) from error
    backend = url.drivername.partition("+")[0]
    if backend in ("postgresql", "postgres"):
        return url.set(drivername=_POSTGRES)
    if backend == "sqlite" and url.database and url.database != ":memory:":
        return URL.create("sqlite", database=str(Path(url.database).absolute()))
    raise InvalidInput(
        f"the ledger's URL names {url.drivername}, which is not supported",
        hint="use a file path, sqlite:////absolute/path, or postgresql://user@host/name",
    )


def describe(url: URL) -> str:
    """The ledger in words for messages, without a password."""
    if is_sqlite(url):
        return f"the ledger {url.database}"
    return f"the ledger {url.set(drivername='postgresql').render_as_string(hide_password=True)}"


def is_sqlite(url: URL) -> bool:
    """Whether the ledger is a local file."""
    return url.get_backend_name() == "sqlite"


def connect(url: URL) -> Engine:
    """An engine without a pool: a run opens the ledger a few times and must hold nothing in between."""
    if not is_sqlite(url):
        return _postgres_engine(url)
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _on_sqlite_connect)
    event.listen(engine, "begin", _on_sqlite_begin)
    return engine


def _postgres_engine(url: URL) -> Engine:
    milliseconds = int(BUSY_TIMEOUT_S * 1000)
    limits = {
        "connect_timeout": int(BUSY_TIMEOUT_S),
        "application_name": "slochaos",
        "options": f"-c lock_timeout={milliseconds} -c statement_timeout={3 * milliseconds}",
    }
    limits = {name: value for name, value in limits.items() if name not in url.query}
    try:
        return create_engine(url, poolclass=NullPool, connect_args=limits)
    except ModuleNotFoundError as error:
        raise StateError(
            f"{describe(url)} needs the PostgreSQL driver", hint='pip install "slochaos[postgres]"'
        ) from error


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    # The driver's own transactions begin late and make DDL commit early; ours are explicit (see below).
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")


def _on_sqlite_begin(connection: Connection) -> None:
    # A writer takes the lock at once: upgrading a read lock later fails without waiting.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def create_file(url: URL) -> None:
    """Make SQLite's file with mode 0600 before SQLite does it by the umask (its journal follows the file)."""
    if not is_sqlite(url):
        return
    path = Path(str(url.database))
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StateError(
            f"{describe(url)} cannot be made: {error.strerror}",
            hint="check that the folder exists and that you can write to it",
        ) from error


@contextmanager
def failures_of(url: URL) -> Iterator[None]:
    """Turn the database library's errors into StateError with a cause and a way out."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        original = getattr(error, "orig", None) or error
        text = " ".join(str(original).split())
        for words, cause, hint in _CAUSES:
            if words in text.lower():
                raise StateError(f"{describe(url)} {cause}", hint=hint) from error
        raise StateError(
            f"{describe(url)} failed: {text[:300]}",
            hint="check that it is a ledger of slochaos and can be written",
        ) from error
