"""The prober's pages: /metrics, /health, and exact counts of a window by intended start, /counts."""

from __future__ import annotations

import asyncio
import math

from aiohttp import web

from slochaos import clock
from slochaos.prober.metrics import Metrics
from slochaos.prober.schedule import Schedule
from slochaos.prober.tally import Tally

MAX_AHEAD_S = 10.0
_LOOK_EVERY_S = 0.02


class Pages:
    """What the prober answers."""

    def __init__(self, schedule: Schedule, tally: Tally, metrics: Metrics) -> None:
        self._schedule = schedule
        self._tally = tally
        self._metrics = metrics

    def application(self) -> web.Application:
        """The pages as an application."""
        application = web.Application()
        application.router.add_get("/metrics", self.metrics)
        application.router.add_get("/health", self.health)
        application.router.add_get("/counts", self.counts)
        return application

    async def metrics(self, _: web.Request) -> web.Response:
        """GET /metrics."""
        body = self._metrics.page()
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def health(self, _: web.Request) -> web.Response:
        """GET /health: 200 once requests are sent and probe_success has a value."""
        ready = self._metrics.is_ready and self._tally.begun > 0
        return web.json_response({"status": "ok" if ready else "starting"}, status=200 if ready else 503)

    async def counts(self, request: web.Request) -> web.Response:
        """GET /counts?from=&to=: requests with from <= intended start < to, once all of them have ended.

        Instants are seconds of the clock that counts suspend. 400 for what is no window, or ends in the future
        by more than 10 s.
        """
        try:
            start, end = float(request.query["from"]), float(request.query["to"])
        except (KeyError, ValueError):
            return _refused("give from and to, instants in seconds")
        if not (math.isfinite(start) and start <= end <= clock.now() + MAX_AHEAD_S):
            return _refused("from is not before to, or to is too far in the future")
        first, last = self._schedule.first_from(start), self._schedule.first_from(end)
        while not self._tally.is_settled(last):  # noqa: ASYNC110 - an event would cost each request
            await asyncio.sleep(_LOOK_EVERY_S)
        counts = self._tally.counts(first, last)
        return web.json_response(
            {
                "from": start,
                "to": end,
                "outcomes": counts.outcomes,
                "ok_within": {str(bound): count for bound, count in counts.ok_within.items()},
            }
        )


def _refused(why: str) -> web.Response:
    return web.json_response({"error": why}, status=400)
