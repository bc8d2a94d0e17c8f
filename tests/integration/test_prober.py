"""The synthetic prober, against a real HTTP server that can be made slow, silent or wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from slochaos import clock
from tests.agentmesh_system import Series, call, end, metrics, start, total, wait_until
from tests.toxiproxy_servers import free_port

CONFIG = """
variables: {rate: "100", limit: "200"}
rate: "${rate}"
timeout: 1s
max_in_flight: "${limit}"
journeys:
  - {name: read, weight: 3, get: "${api}/read/{1-9}"}
  - {name: write, weight: 1, post: "${api}/write", json: {text: hello}}
uptime: {url: "${api}/health", every: 200ms, timeout: 200ms}
"""


class System(ThreadingHTTPServer):
    """Answers everything with `status` after `delay_s`, and counts by path what it answered."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.delay_s = 0.0
        self.answered: Counter[str] = Counter()
        self.lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: System

    def do_GET(self) -> None:
        """Answer after the delay."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        time.sleep(self.server.delay_s)
        with self.server.lock:
            self.server.answered[self.path.split("/")[1]] += 1
        self.send_response(self.server.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: Any) -> None:
        """Stay silent."""

    def handle(self) -> None:
        """A prober that hangs up is no error."""
        try:
            super().handle()
        except OSError:
            self.close_connection = True


@dataclass
class Prober:
    """A running prober and what it probes."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    system: System

    def metrics(self) -> dict[Series, float]:
        """Its /metrics page."""
        return metrics(self.port)

    def counts(self, start_at: float, end_at: float) -> tuple[int, Any]:
        """Its exact counts of a window."""
        return call(self.port, "GET", f"/counts?from={start_at!r}&to={end_at!r}")

    def logged(self, start_at: float, end_at: float) -> Counter[tuple[str, str]]:
        """Journey and outcome of the requests in its log that were due in the window."""
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return Counter((w[3], w[4]) for w in lines if w[1] == "request" and start_at <= float(w[2]) < end_at)


@pytest.fixture
def system() -> Iterator[System]:
    """The system that is probed."""
    server = System()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def probing(folder: Path, system: System, *settings: str) -> Iterator[Prober]:
    """A prober at work on the system."""
    config, log, port = folder / "prober.yaml", folder / "probe.log", free_port()
    config.write_text(CONFIG, encoding="utf-8")
    api = f"api=http://127.0.0.1:{system.server_address[1]}"
    overrides = [word for setting in (api, *settings) for word in ("--set", setting)]
    process = start(
        "slochaos.prober",
        "--config",
        str(config),
        "--port",
        str(port),
        *overrides,
        log=folder / "prober.log",
        PROBE_LOG=str(log),
    )
    try:
        wait_until(lambda: call(port, "GET", "/health")[0] == 200, "the prober is ready")
        yield Prober(port, process, log, system)
    finally:
        end(process)


@pytest.fixture
def prober(tmp_path: Path, system: System) -> Iterator[Prober]:
    """A prober at work, 100 requests per second."""
    with probing(tmp_path, system) as running:
        yield running


def nonzero(counts: dict[str, dict[str, int]]) -> Counter[tuple[str, str]]:
    """Counts by journey and outcome, as the log has them."""
    return Counter({(j, o): n for j, outcomes in counts.items() for o, n in outcomes.items() if n})


def test_counts_of_a_window_are_exact(prober: Prober) -> None:
    """As many as the rate says, equal to the log to the request, and answered once all have ended."""
    start_at = clock.now()
    end_at = start_at + 2.0
    status, answer = prober.counts(start_at, end_at)
    assert status == 200
    counted = nonzero(answer["outcomes"])
    assert counted == prober.logged(start_at, end_at)
    assert abs(counted.total() - 200) <= 1
    assert set(counted) == {("read", "ok"), ("write", "ok")}
    assert answer["ok_within"]["1.0"] == counted.total()


def test_windows_that_touch_add_up(prober: Prober) -> None:
    """No request is in two windows, and none in none."""
    first = clock.now()
    middle, last = first + 0.7003, first + 1.5
    parts = [nonzero(prober.counts(a, b)[1]["outcomes"]) for a, b in ((first, middle), (middle, last))]
    assert parts[0] + parts[1] == nonzero(prober.counts(first, last)[1]["outcomes"])


def test_a_stopped_prober_has_counted_all_that_the_system_answered(prober: Prober) -> None:
    """SIGTERM waits for what is under way, so log and system agree to the request."""
    prober.system.delay_s = 0.2
    wait_until(lambda: prober.system.answered["write"] > 10, "requests are answered")
    end(prober.process)
    assert prober.process.returncode == 0
    logged = prober.logged(0, clock.now())
    assert logged == {
        ("read", "ok"): prober.system.answered["read"],
        ("write", "ok"): prober.system.answered["write"],
    }


def test_a_slow_system_does_not_slow_the_prober(prober: Prober) -> None:
    """An open loop: the rate stays, and each request counts with its whole latency."""
    prober.system.delay_s = 0.45
    start_at = clock.now() + 0.2
    _, answer = prober.counts(start_at, start_at + 1.5)
    assert abs(nonzero(answer["outcomes"]).total() - 150) <= 1
    assert answer["ok_within"]["0.4"] == 0


@pytest.mark.parametrize(
    ("status", "delay_s", "outcome"), [(503, 0.0, "status"), (302, 0.0, "status"), (200, 3.0, "timeout")]
)
def test_what_is_no_answer_in_time_with_2xx_is_told_apart(
    prober: Prober, status: int, delay_s: float, outcome: str
) -> None:
    """Wrong statuses, redirects and silence each count under their name, and the uptime check fails."""
    prober.system.status, prober.system.delay_s = status, delay_s
    start_at = clock.now() + 0.2
    counted = nonzero(prober.counts(start_at, start_at + 0.5)[1]["outcomes"])
    assert {o for _, o in counted} == {outcome}
    wait_until(lambda: total(prober.metrics(), "probe_success") == 0, "the uptime check fails", 10)


def test_an_unreachable_system_is_told_apart(prober: Prober) -> None:
    """Refused connections are neither timeouts nor the prober's fault."""
    prober.system.shutdown()
    prober.system.server_close()
    prober.system.serve_forever = lambda *_: None  # type: ignore[method-assign]
    wait_until(
        lambda: total(prober.metrics(), "probe_requests_total", outcome="unreachable") > 10, "refused", 10
    )
    assert total(prober.metrics(), "prober_unsent_total") == 0


def test_what_exceeds_the_bound_in_flight_is_the_probers_failure(tmp_path: Path, system: System) -> None:
    """With 5 in flight at most on a slow system, the others are unsent, not failed."""
    with probing(tmp_path, system, "limit=5") as prober:
        system.delay_s = 0.5
        start_at = clock.now() + 0.2
        _, answer = prober.counts(start_at, start_at + 1.0)
        counted = nonzero(answer["outcomes"])
        assert counted["read", "unsent"] + counted["write", "unsent"] >= 80
        assert {o for _, o in counted} == {"ok", "unsent"}
        assert total(prober.metrics(), "prober_unsent_total") >= 80


def test_a_stopped_prober_blames_itself(prober: Prober) -> None:
    """Requests that came due while it was stopped are unsent, and the system gets no blame for them."""
    start_at = clock.now()
    os.kill(prober.process.pid, signal.SIGSTOP)
    time.sleep(1.5)
    os.kill(prober.process.pid, signal.SIGCONT)
    counted = nonzero(prober.counts(start_at, start_at + 1.2)[1]["outcomes"])
    assert counted["read", "unsent"] + counted["write", "unsent"] >= 100
    assert {o for _, o in counted} <= {"ok", "unsent"}


@pytest.mark.parametrize(
    "query", ["", "?from=1", "?from=2&to=1", "?from=nan&to=nan", "?from=0&to=1e18", "?from=x&to=1"]
)
def test_a_window_that_is_none_is_refused(prober: Prober, query: str) -> None:
    """400 with a message, at once."""
    status, answer = call(prober.port, "GET", f"/counts{query}")
    assert status == 400
    assert answer["error"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--config", "none.yaml", "--port", "1"], 2, "none.yaml"),
        (["--config", "{config}", "--port", "1"], 2, "api"),
        (["--config", "{config}", "--port", "1", "--set", "api"], 2, "NAME=VALUE"),
        (["--config", "{config}", "--port", "{taken}", "--set", "api=http://x"], 7, "cannot listen"),
    ],
)
def test_what_is_wrong_at_the_start_is_one_message(
    tmp_path: Path, system: System, arguments: list[str], code: int, message: str
) -> None:
    """Each mistake ends the prober with its exit code and no traceback."""
    config, log = tmp_path / "prober.yaml", tmp_path / "log"
    config.write_text(CONFIG, encoding="utf-8")
    filled = [a.format(config=config, taken=system.server_address[1]) for a in arguments]
    process = start("slochaos.prober", *filled, log=log)
    assert process.wait(30) == code
    assert message in log.read_text()
    assert "Traceback" not in log.read_text()
