"""What the prober exposes, and a log of every event for independent checks. Page and log are one instant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from slochaos import clock
from slochaos.prober.tally import BOUNDS_S, OUTCOMES, Outcome

LAG_BOUNDS_S = (0.001, 0.005, 0.02, 0.1)

disable_created_metrics()  # type: ignore[no-untyped-call]  # process_start_time_seconds says the same for all


class Metrics:
    """The prober's metrics, on a registry of their own. Every series starts at zero."""

    def __init__(self, journeys: Sequence[str], queries: Sequence[str], log: str = "") -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        requests = Counter(
            "probe_requests_total",
            "Requests of user journeys that were sent, by what became of them",
            ["journey", "outcome"],
            registry=self.registry,
        )
        seconds = Histogram(
            "probe_request_duration_seconds",
            "Time from a request's intended start to the last byte of its answer",
            ["outcome"],
            buckets=BOUNDS_S,
            registry=self.registry,
        )
        sent: list[Outcome] = [outcome for outcome in OUTCOMES if outcome != "unsent"]
        self._names = tuple(journeys)
        self._requests = [{o: requests.labels(name, o) for o in sent} for name in journeys]
        self._seconds = {o: seconds.labels(o) for o in sent}
        self._unsent = Counter(
            "prober_unsent_total",
            "Requests that the prober itself could not send in time",
            registry=self.registry,
        )
        self._lag = Histogram(
            "prober_start_lag_seconds",
            "How late requests were sent, which their latency includes",
            buckets=LAG_BOUNDS_S,
            registry=self.registry,
        )
        self.in_flight = Gauge("prober_in_flight", "Requests that are under way", registry=self.registry)
        sql = Counter("probe_sql_total", "Key SQL queries", ["query", "outcome"], registry=self.registry)
        self._sql = {
            name: {ok: sql.labels(name, "ok" if ok else "error") for ok in (True, False)} for name in queries
        }
        self._success: Gauge | None = None
        self._file: TextIO | None = None
        if log:
            self._file = Path(log).open("a", buffering=1, encoding="utf-8")  # noqa: SIM115 - closed by close()

    def sent(self, lag_s: float) -> None:
        """A request went out, this late."""
        self._lag.observe(lag_s)

    def ended(self, due: float, journey: int, outcome: Outcome, latency_s: float) -> None:
        """A request ended; `due` is the instant of its intended start."""
        if outcome == "unsent":
            self._unsent.inc()
        else:
            self._requests[journey][outcome].inc()
            self._seconds[outcome].observe(latency_s)
        self._log("request", f"{due:.6f}", self._names[journey], outcome, f"{latency_s:.6f}")

    def checked_uptime(self, success: bool, seconds: float) -> None:
        """An uptime check ended."""
        if self._success is None:
            # Not before the first check: a 0 or 1 that nobody measured must not become a sample.
            self._success = Gauge("probe_success", "Last uptime check: 1 up, 0 down", registry=self.registry)
            self._duration = Gauge(
                "probe_duration_seconds", "Time of the last uptime check", registry=self.registry
            )
        self._success.set(success)
        self._duration.set(seconds)
        self._log("uptime", int(success), f"{seconds:.6f}")

    def checked_sql(self, query: str, success: bool) -> None:
        """A key query ended."""
        self._sql[query][success].inc()
        self._log("sql", query, "ok" if success else "error")

    @property
    def is_ready(self) -> bool:
        """Whether an uptime check has ended."""
        return self._success is not None

    def page(self) -> bytes:
        """The metrics as text, in Prometheus' exposition format."""
        self._log("page")
        return generate_latest(self.registry)

    def close(self) -> None:
        """Close the log."""
        if self._file is not None:
            self._file.close()

    def _log(self, *words: object) -> None:
        if self._file is not None:
            self._file.write(f"{clock.now():.6f} {' '.join(map(str, words))}\n")
