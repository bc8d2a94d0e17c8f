"""A real Prometheus with eight days of a shop's samples, known to the last: somebody else's metrics."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from tests.prometheus_history import lay_down
from tests.prometheus_servers import Binaries, start_prometheus

DAY, WEEK = 86_400, 7 * 86_400
RATE, FAILING = 10, 3
"""Requests a second, and how many of them fail during the outage."""
OUTAGE_S = 420
BAD = FAILING * OUTAGE_S
COST = 100 * BAD / (0.001 * RATE * WEEK)


def iso(at: float) -> str:
    """RFC 3339, as it is typed."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Shop:
    """A server that has watched a shop for eight days, in which seven minutes went wrong."""

    def __init__(self, found: Binaries, folder: Path) -> None:
        self.now = int(time.time()) // 60 * 60
        self.outage = self.now - 3_600
        self.end = self.outage + OUTAGE_S
        days = range(self.now - 8 * DAY, self.now - 3 * 3_600, 60)
        self.instants = [*days, *range(self.now - 3 * 3_600, self.now + 1, 15)]
        self.begin = self.instants[0]
        lay_down(found, folder, self.series())
        self.server = start_prometheus(found, folder, [], "--storage.tsdb.retention.time=30d")

    def series(self) -> dict[str, list[tuple[float, float]]]:
        """Requests by status, of a healthy target; a probe that saw the outage; and checkouts of whose time one
        in ten was from 0.25 to 0.5 s."""
        shop = 'job="shop",instance="shop:80"'
        bad = [FAILING * min(max(at - self.outage, 0), OUTAGE_S) for at in self.instants]
        total = [RATE * (at - self.begin) for at in self.instants]
        good = [float(whole - part) for whole, part in zip(total, bad, strict=True)]
        took = list(zip(self.instants, total, strict=True))
        fast = [(at, whole * 0.9) for at, whole in took]
        checkouts = {"0.1": fast, "0.25": fast, "0.5": took, "+Inf": took}
        probe = [float(not self.outage < at <= self.end) for at in self.instants]
        return {
            f'http_requests_total{{{shop},code="200"}}': list(zip(self.instants, good, strict=True)),
            f'http_requests_total{{{shop},code="503"}}': list(
                zip(self.instants, map(float, bad), strict=True)
            ),
            f"up{{{shop}}}": [(at, 1.0) for at in self.instants],
            **{f'checkout_seconds_bucket{{{shop},le="{le}"}}': upto for le, upto in checkouts.items()},
            f"checkout_seconds_count{{{shop}}}": took,
            'probe_success{job="probes",instance="https://shop"}': list(
                zip(self.instants, probe, strict=True)
            ),
        }

    @property
    def url(self) -> str:
        """What is typed after --prometheus."""
        return f"http://127.0.0.1:{self.server.port}"

    @property
    def during(self) -> tuple[str, ...]:
        """The outage, exactly."""
        return "--from", iso(self.outage), "--to", iso(self.end)
