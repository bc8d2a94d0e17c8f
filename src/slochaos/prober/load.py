"""The open loop: requests start when they are due, never later because earlier ones are slow.

Latency counts from the intended start, so a wait inside the prober is not hidden (no coordinated omission).
A request that the prober itself cannot send in time is `unsent`: its own failure, not the API's.
"""

from __future__ import annotations

import asyncio
import random
from itertools import accumulate

import aiohttp
import yarl

from slochaos import clock
from slochaos.prober.config import Config, Journey
from slochaos.prober.metrics import Metrics
from slochaos.prober.schedule import Schedule
from slochaos.prober.tally import Outcome, Tally

MAX_LAG_S = 0.1
"""A request that could only be sent later than this (the prober was stopped, or starved) is not sent."""

_JSON = {"Content-Type": "application/json"}


class Load:
    """Sends the journeys of a configuration until cancelled."""

    def __init__(self, config: Config, schedule: Schedule, tally: Tally, metrics: Metrics) -> None:
        self._config = config
        self._schedule = schedule
        self._tally = tally
        self._metrics = metrics
        self._random = random.Random(config.seed)
        self._journeys = range(len(config.journeys))
        self._weights = list(accumulate(journey.weight for journey in config.journeys))
        self._urls = [[yarl.URL(url) for url in journey.urls] for journey in config.journeys]
        self._in_flight: set[asyncio.Task[None]] = set()
        metrics.in_flight.set_function(lambda: len(self._in_flight))

    async def run(self) -> None:
        """Start what is due until cancelled, then wait for what is under way (at most its timeout)."""
        timeout = aiohttp.ClientTimeout(total=self._config.timeout_s)
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=60)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False
        ) as session:
            try:
                while True:
                    due = self._schedule.due(self._tally.begun)
                    now = clock.now()
                    if due > now:
                        await asyncio.sleep(due - now)
                    else:
                        self._start(session, due, now - due)
            finally:
                await self._finish()

    def _start(self, session: aiohttp.ClientSession, due: float, lag_s: float) -> None:
        journey = self._random.choices(self._journeys, cum_weights=self._weights)[0]
        number = self._tally.begin(journey)
        if lag_s > MAX_LAG_S or len(self._in_flight) >= self._config.max_in_flight:
            self._end(number, journey, due, "unsent")
            return
        self._metrics.sent(lag_s)
        task = asyncio.create_task(self._send(session, number, journey, due))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def _send(self, session: aiohttp.ClientSession, number: int, journey: int, due: float) -> None:
        url = self._random.choice(self._urls[journey])
        self._end(number, journey, due, await _outcome(session, self._config.journeys[journey], url))

    def _end(self, number: int, journey: int, due: float, outcome: Outcome) -> None:
        latency_s = clock.now() - due
        self._tally.end(number, outcome, latency_s)
        self._metrics.ended(due, journey, outcome, latency_s)

    async def _finish(self) -> None:
        # Each request that reached the system is counted here too, so both ends agree to the request.
        if self._in_flight:
            await asyncio.wait(self._in_flight)


async def _outcome(session: aiohttp.ClientSession, journey: Journey, url: yarl.URL) -> Outcome:
    headers = _JSON if journey.body is not None else None
    try:
        async with session.request(
            journey.method, url, data=journey.body, headers=headers, allow_redirects=False
        ) as response:
            await response.read()
            return "ok" if 200 <= response.status < 300 else "status"
    except TimeoutError:
        return "timeout"
    except aiohttp.ClientConnectorError:
        return "unreachable"
    except (aiohttp.ClientError, OSError):
        return "broken"
