"""Checks at a fixed pace: is the system up, does its database answer key queries."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from slochaos import clock
from slochaos.prober.config import SqlCheck, UptimeCheck
from slochaos.prober.metrics import Metrics


async def check_uptime(check: UptimeCheck, metrics: Metrics) -> None:
    """Check until cancelled. Each check opens a connection, as a new user would."""
    timeout = aiohttp.ClientTimeout(total=check.timeout_s)
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def once() -> None:
            started = clock.now()
            metrics.checked_uptime(await _answers(session, check.url), clock.now() - started)

        await _at_pace(check.every_s, once)


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url, allow_redirects=False) as response:
            await response.read()
            return 200 <= response.status < 300
    except (aiohttp.ClientError, OSError):
        return False


async def check_sql(check: SqlCheck, password: str, metrics: Metrics) -> None:
    """Ask the key queries until cancelled, over a connection that is made anew after a failure."""
    database = _Database(check, password)
    try:

        async def once() -> None:
            for name, query in check.queries:
                metrics.checked_sql(name, await database.answers(query))

        await _at_pace(check.every_s, once)
    finally:
        await database.disconnect()


class _Database:
    """One connection, made when it is needed and given up when it fails."""

    def __init__(self, check: SqlCheck, password: str) -> None:
        self._check = check
        self._password = password
        self._connection: Any = None

    async def answers(self, query: str) -> bool:
        """Whether the query succeeds in time."""
        import psycopg

        try:
            if self._connection is None:
                async with asyncio.timeout(self._check.timeout_s):
                    self._connection = await psycopg.AsyncConnection.connect(
                        self._check.url, password=self._password or None, autocommit=True
                    )
            await self._ask(query)
        except (psycopg.Error, OSError):
            await self.disconnect()
            return False
        return True

    async def _ask(self, query: str) -> None:
        # A timeout hangs up: cancelling would ask the server, which does not answer, to cancel.
        asking = asyncio.ensure_future(self._connection.execute(query))
        done, _ = await asyncio.wait({asking}, timeout=self._check.timeout_s)
        if not done:
            with socket.socket(fileno=os.dup(self._connection.fileno())) as transport:
                transport.shutdown(socket.SHUT_RDWR)
        await asking

    async def disconnect(self) -> None:
        """Give the connection up."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


async def _at_pace(every_s: float, once: Callable[[], Awaitable[None]]) -> None:
    """Call at first + n x every. What was missed is skipped, never made up for."""
    due = clock.now()
    while True:
        await once()
        now = clock.now()
        while due <= now:
            due += every_s
        await asyncio.sleep(due - now)
