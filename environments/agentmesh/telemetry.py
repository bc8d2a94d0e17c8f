"""What the API tells about itself: Prometheus metrics, and a log of every event for independent checks.

Counter and log are written at the same instant of the one event loop that also renders the page, so the
log cut at a page's rendering equals the page, to the event.
"""

from __future__ import annotations

import time
from contextlib import suppress
from io import RawIOBase
from pathlib import Path
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

Outcome = Literal["ok", "error", "rejected"]

# Few buckets, because the page is read several times a second; 0.3 and 0.4 are the objectives' thresholds.
BUCKETS_S = (0.05, 0.1, 0.2, 0.3, 0.4, 1.0)

OPERATIONS = (
    "SELECT agents",
    "SELECT tasks",
    "INSERT agents",
    "INSERT tasks",
    "UPDATE tasks",
    "SELECT 1",
)


disable_created_metrics()  # type: ignore[no-untyped-call]  # process_start_time_seconds says the same for all series


class EventLog:
    """Lines of `instant word...`; instants are seconds of the clock that counts suspend. "" logs nothing.

    What a full disk does not take is lost: no request fails for its line in a log.
    """

    def __init__(self, path: str) -> None:
        self._file: RawIOBase | None = None
        if path:
            self._file = Path(path).open("ab", buffering=0)  # noqa: SIM115 - closed by close()

    def write(self, *words: object) -> None:
        """Log one event that happened now."""
        if self._file is not None:
            with suppress(OSError):
                self._file.write(f"{boottime():.6f} {' '.join(map(str, words))}\n".encode())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def boottime() -> float:
    """Seconds of the clock that all processes of this host share and that counts suspend."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Telemetry:
    """The API's metrics, on a registry of their own."""

    def __init__(self, access_log: str = "", query_log: str = "") -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # process_start_time_seconds tells a restart
        self._requests = Counter(
            "http_requests_total", "Requests answered", ["method", "route", "code"], registry=self.registry
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time from a request's arrival to the last byte of its answer",
            ["code"],
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        self._queries = Counter(
            "db_queries_total", "Queries asked for", ["operation", "outcome"], registry=self.registry
        )
        self.outbox_entries = Gauge(
            "outbox_entries", "Writes waiting for the database", registry=self.registry
        )
        self._access = EventLog(access_log)
        self._query = EventLog(query_log)
        for operation in OPERATIONS:
            for outcome in ("ok", "error", "rejected"):
                self._queries.labels(operation, outcome)

    def expect(self, method: str, route: str) -> None:
        """Start the route's series at zero: one born during an outage would miss its first events."""
        for code in ("200", "201", "202", "500", "503"):
            self._requests.labels(method, route, code)
            self._seconds.labels(code)

    def request(self, method: str, route: str, code: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, route, str(code)).inc()
        self._seconds.labels(str(code)).observe(seconds)
        self._access.write(route, code, f"{seconds:.6f}", method)

    def query(self, operation: str, outcome: Outcome) -> None:
        """Count one query: `rejected` if the open breaker turned it away, which is an error for its caller."""
        self._queries.labels(operation, outcome).inc()
        self._query.write(outcome, operation)

    def page(self) -> bytes:
        """The metrics as text, in Prometheus' exposition format."""
        self._access.write("/metrics")
        self._query.write("/metrics")
        return generate_latest(self.registry)

    def close(self) -> None:
        """Close the logs."""
        self._access.close()
        self._query.close()
