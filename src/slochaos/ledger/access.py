"""One ledger's database: its transactions, in tables that are up to date. What they say is others' business."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy.orm import Session

from slochaos.ledger import database, schema


class LedgerDatabase:
    """Each use is one transaction; nothing is held in between. Failures are StateError, with a way out.

    `location` is a path, `sqlite:///...`, `postgresql://...`, or empty for the user's own. Reading a ledger
    that was never written makes no file.
    """

    def __init__(self, location: str | Path = "") -> None:
        self._url = database.locate(location)
        self._engine = database.connect(self._url)
        self._ready = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def __str__(self) -> str:
        return database.describe(self._url)

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """One transaction that holds the write lock, in tables that are up to date."""
        with database.failures_of(self._url):
            self._make_ready()
            with Session(self._engine.execution_options(writes=True)) as session, session.begin():
                yield session

    @contextmanager
    def _reading(self) -> Iterator[Session | None]:
        """One consistent view; None where nothing was ever written."""
        with database.failures_of(self._url):
            if not self._ready and not self._has_tables():
                yield None
                return
            with Session(self._engine) as session:
                yield session

    def _make_ready(self) -> None:
        if self._ready:
            return
        database.create_file(self._url)
        with self._engine.connect() as connection:
            self._ready = schema.is_current(connection)
        if not self._ready:
            schema.migrate(self._engine)
            self._ready = True

    def _has_tables(self) -> bool:
        """Whether there is something to read; tables of an older version are brought up to date first."""
        if database.is_sqlite(self._url) and not Path(str(self._url.database)).exists():
            return False
        with self._engine.connect() as connection:
            if schema.is_empty(connection):
                return False
            self._ready = schema.is_current(connection)
        self._make_ready()
        return True
