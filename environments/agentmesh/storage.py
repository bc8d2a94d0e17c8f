"""Queries: a connection pool with deadlines, behind a circuit breaker, every query counted.

Each operation is one statement that takes and gives JSON made by PostgreSQL, so an answer is one text.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import select
import socket
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.abc import Params
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from .breaker import Breaker
from .telemetry import Telemetry

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Pool = AsyncConnectionPool[Connection]

POOL_SIZE = 64
"""Room for 320 queries a second at 100 ms each, twice: a full pool turns a slow database into an outage."""

WAIT_S = 1.0
"""Longest wait for a free connection."""

QUERY_S = 1.0
"""Longest time for a query, then its connection is given up."""

PROBE_S = 1.0
REOPEN_S = 3.0
START_S = 10.0
START_EVERY_S = 0.2

APPLY = {
    "agent": (
        "INSERT agents",
        """INSERT INTO agents (id, name, model)
           SELECT id, name, model FROM jsonb_to_recordset(%s::jsonb) AS e (id text, name text, model text)
           ON CONFLICT (id) DO NOTHING""",
    ),
    "task": (
        "INSERT tasks",
        """INSERT INTO tasks (id, agent_id, prompt)
           SELECT e.id, e.agent_id, e.prompt
           FROM jsonb_to_recordset(%s::jsonb) AS e (id text, agent_id text, prompt text)
           JOIN agents ON agents.id = e.agent_id
           ON CONFLICT (id) DO NOTHING""",
    ),
    # The newest run wins, in whatever order runs are applied.
    "run": (
        "UPDATE tasks",
        """UPDATE tasks SET status = e.status, result = e.result, run_at = e.at
           FROM (SELECT DISTINCT ON (id) * FROM jsonb_to_recordset(%s::jsonb)
                 AS r (id text, status text, result text, at double precision) ORDER BY id, at DESC) AS e
           WHERE tasks.id = e.id AND (tasks.run_at IS NULL OR tasks.run_at < e.at)""",
    ),
}
"""How to store entries of a kind (a JSON list of them), idempotently. In the order in which they depend."""

logging.getLogger("psycopg.pool").setLevel(logging.ERROR)


class DatabaseUnavailable(Exception):
    """The query failed because of the database, or was rejected by the open breaker."""


class Database:
    """PostgreSQL as the API sees it. Without a breaker every query is tried, and waits."""

    def __init__(self, conninfo: str, password: str, telemetry: Telemetry, *, with_breaker: bool) -> None:
        self._conninfo = conninfo
        self._options: dict[str, Any] = {
            "password": password,
            "autocommit": True,
            "prepare_threshold": None,
            "connect_timeout": 2,
        }
        self._telemetry = telemetry
        self._pool = self._new_pool()
        self._last_failure = ""
        self._leaving: set[asyncio.Task[None]] = set()
        self.breaker = Breaker(on_open=self._drop_pool) if with_breaker else None

    def _new_pool(self) -> Pool:
        return AsyncConnectionPool(
            self._conninfo,
            kwargs=self._options,
            min_size=POOL_SIZE,
            timeout=WAIT_S,
            open=False,
        )

    async def open(self) -> None:
        """Connect. Raises DatabaseUnavailable if that takes more than 10 s."""
        give_up = time.monotonic() + START_S
        while not await self.is_back():
            if time.monotonic() > give_up:
                raise DatabaseUnavailable(
                    f"the database did not answer within {START_S:.0f} s: {self._last_failure}"
                )
            await asyncio.sleep(START_EVERY_S)

    async def close(self) -> None:
        """Disconnect."""
        await self._pool.close()
        await asyncio.gather(*self._leaving)

    def _drop_pool(self) -> None:
        # Its connections are dead or stuck, and it would look for new ones ever more seldom.
        # Who still waits for one of them is told at once.
        task = asyncio.create_task(self._pool.close())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def is_back(self) -> bool:
        """The breaker's probe: one connection and query, then a whole new pool, before requests come back."""
        try:
            async with asyncio.timeout(PROBE_S):
                connection = await psycopg.AsyncConnection.connect(self._conninfo, **self._options)
                async with connection:
                    await connection.execute("SELECT 1")
        except (psycopg.Error, TimeoutError, OSError) as error:
            self._last_failure = " ".join(str(error).split()) or "no answer in time"
            return False
        pool = self._new_pool()
        try:
            await pool.open(wait=True, timeout=REOPEN_S)
        except PoolTimeout:
            await pool.close()
            return False
        self._pool = pool
        return True

    async def fetch(self, operation: str, statement: str, parameters: Params = ()) -> str | None:
        """The one text that the statement selects; None if it selects no row."""
        row = await self._query(operation, statement, parameters)
        return None if row is None else str(row[0])

    async def apply(self, kind: str, entries: Sequence[dict[str, Any]]) -> int:
        """Store entries of one kind idempotently: how many changed something."""
        operation, statement = APPLY[kind]
        counting = f"WITH changed AS ({statement} RETURNING 1) SELECT count(*) FROM changed"  # noqa: S608 - constants
        row = await self._query(operation, counting, (json.dumps(entries),))
        assert row is not None
        return int(row[0])

    async def _query(self, operation: str, statement: str, parameters: Params) -> tuple[Any, ...] | None:
        if self.breaker is not None and not self.breaker.allows:
            self._telemetry.query(operation, "rejected")
            raise DatabaseUnavailable("the circuit breaker is open")
        try:
            async with self._pool.connection() as connection:
                with _Deadline(connection, QUERY_S):
                    cursor = await connection.execute(statement, parameters)
                    row = await cursor.fetchone()
        except psycopg.Error as error:
            self._telemetry.query(operation, "error")
            if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
                raise
            if self.breaker is not None:
                self.breaker.failed()
            raise DatabaseUnavailable(str(error)) from error
        self._telemetry.query(operation, "ok")
        if self.breaker is not None:
            self.breaker.succeeded()
        return row


class _Deadline:
    """Hang up if the block takes longer: its query then fails at once.

    Cancelling instead would first ask the server, over a new connection, to cancel the query, and that
    server is the one that does not answer.
    """

    def __init__(self, connection: Connection, seconds: float) -> None:
        self._connection = connection
        self._seconds = seconds

    def __enter__(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._expire)

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _expire(self) -> None:
        if select.select([self._connection.fileno()], [], [], 0)[0]:
            self.__enter__()  # an answer is here: it is this process that is late
        else:
            _hang_up(self._connection)


def _hang_up(connection: Connection) -> None:
    with socket.socket(fileno=os.dup(connection.fileno())) as transport, contextlib.suppress(OSError):
        transport.shutdown(socket.SHUT_RDWR)
