"""Targets for a real Prometheus to scrape, whose counts are known: the truth that measurements are held against."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Event:
    """`count` events that happened at `at` (epoch seconds)."""

    at: float
    name: str
    labels: Labels
    count: float


@dataclass
class KnownTarget:
    """One `/NAME/metrics` page. Counters live in `now`; all that ever happened is in `events`, and in `lost`
    what no page has shown before its process ended.

    `failing`: it answers 500. `page`: a text that stands instead of the counters.
    """

    name: str
    started: float | None = None
    """What it says as process_start_time_seconds; None: nothing."""
    failing: bool = False
    page: str | None = None
    gauges: dict[tuple[str, Labels], float] = field(default_factory=dict)
    now: dict[tuple[str, Labels], float] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    lost: list[Event] = field(default_factory=list)
    shown: int = 0
    """How many of the events the newest page had."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, name: str, by: float = 1, **labels: str) -> None:
        """`by` further events of the counter `name{labels}`, which is born where it is not there yet."""
        key = name, tuple(sorted(labels.items()))
        with self.lock:
            self.now[key] = self.now.get(key, 0.0) + by
            self.events.append(Event(time.time(), *key, by))

    def observe(
        self, name: str, seconds: float, by: float = 1, bounds: tuple[float, ...] = (0.1, 0.3, 1.0)
    ) -> None:
        """`by` observations in the histogram `name`."""
        for bound in (*bounds, float("inf")):
            text = "+Inf" if bound == float("inf") else f"{bound:g}"
            self.count(f"{name}_bucket", by if seconds <= bound else 0, le=text)
        self.count(f"{name}_count", by)
        self.count(f"{name}_sum", by * seconds)

    def restart(self) -> None:
        """A new process: its counters are gone, and so are those that nothing was counted in since."""
        with self.lock:
            self.lost += self.events[self.shown :]
            self.shown = len(self.events)
            self.now.clear()
            if self.started is not None:
                self.started = time.time()

    def truth(self, start: float, end: float, name: str, **labels: str) -> float:
        """Events in [start, end) of the counters that have these labels, whatever became of the counters."""
        with self.lock:
            return total(self.events, start, end, name, **labels)

    def text(self) -> str:
        """The page."""
        if self.page is not None:
            return self.page
        with self.lock:
            values = {**self.now, **self.gauges}
            self.shown = len(self.events)
            if self.started is not None:
                values["process_start_time_seconds", ()] = self.started
        return "".join(f"{_series(name, labels)} {value!r}\n" for (name, labels), value in values.items())


def total(events: Iterable[Event], start: float, end: float, name: str, **labels: str) -> float:
    """How many of these events are in [start, end), of counters that have these labels."""
    wanted = set(labels.items())
    return sum(
        event.count
        for event in events
        if start <= event.at < end and event.name == name and wanted <= set(event.labels)
    )


class KnownTargets:
    """Many targets behind one loopback address, each at a path of its own."""

    def __init__(self) -> None:
        self.targets: dict[str, KnownTarget] = {}
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """host:port of all of them."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def add(self, name: str, started: float | None = None) -> KnownTarget:
        """A new target."""
        self.targets[name] = KnownTarget(name, started)
        return self.targets[name]

    def entry(self, name: str, **labels: str) -> dict[str, Any]:
        """The target as an entry of `static_configs` (or of a `file_sd` file); its `instance` is its name."""
        path = {"__metrics_path__": f"/{name}/metrics", "instance": name}
        return {"targets": [self.address], "labels": {**path, **labels}}

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)


@contextmanager
def known_targets() -> Iterator[KnownTargets]:
    """Targets that answer for as long as the block runs."""
    targets = KnownTargets()
    try:
        yield targets
    finally:
        targets.close()


def _series(name: str, labels: Labels) -> str:
    inside = ",".join(f'{key}="{value}"' for key, value in labels)
    return f"{name}{{{inside}}}" if inside else name


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A server that is killed in the middle of a scrape is no news."""

    request_queue_size = 512
    owner: KnownTargets


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        target = self.server.owner.targets.get(self.path.split("/")[1])
        if target is None or target.failing:
            self._answer(500 if target else 404, b"")
        else:
            self._answer(200, target.text().encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""
