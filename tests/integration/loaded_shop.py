"""A small system under real load: clients connect through a proxy, and a metrics page counts what they saw."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from slochaos import clock
from tests.orders import OBJECTIVES, orders_page
from tests.toxiproxy_servers import ToxiproxyServerProcess, free_port

RATE_PER_S = 100


@dataclass
class Load:
    """Clients at a constant rate, and their own log: (instant of completion, whether it was good).

    `page_takes_s` is how long the metrics page takes to say what was counted when it was asked. `page_fails`: it
    answers 500, which a real exporter does only when it is broken, and never at a time that a test could choose.
    `page_of_two`: every second answer is that of another process, as behind a balancer. `page_leaps`: so many good
    orders more than there were, from the page numbered `leaps_at` on; as a series of their own if `page_born`.
    """

    listen: str
    log: list[tuple[float, bool]] = field(default_factory=list)
    broken: bool = False
    page_takes_s: float = 0.0
    page_fails: bool = False
    page_of_two: bool = False
    page_leaps: int = 0
    page_born: bool = False
    leaps_at: int = 0
    pages: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """One order every hundredth of a second, on an absolute schedule."""
        due = time.monotonic()
        while not self._over.is_set():
            good = self._order()
            with self._lock:
                self.log.append((clock.now(), good))
            due += 1 / RATE_PER_S
            self._over.wait(max(0.0, due - time.monotonic()))

    def stop(self) -> None:
        """No more orders."""
        self._over.set()

    def counts(self) -> tuple[int, int]:
        """(good, bad) so far."""
        with self._lock:
            good = sum(good for _, good in self.log)
            return good, len(self.log) - good

    def bad(self) -> int:
        """Orders that failed, by the clients' own log."""
        return self.counts()[1]

    def _order(self) -> bool:
        if self.broken:
            return False
        host, _, port = self.listen.partition(":")
        try:
            with socket.create_connection((host, int(port)), timeout=0.5) as connection:
                connection.sendall(b"order")
                return connection.recv(5) == b"order"
        except OSError:
            return False


@dataclass(frozen=True)
class LoadedShop:
    """The system, its files in a folder, and the server where faults go."""

    folder: Path
    toxiproxy: ToxiproxyServerProcess
    load: Load
    upstream: str
    metrics: str

    def untouched(self) -> bool:
        """Whether the proxy is as before any run: enabled, no toxics, no locks."""
        proxies = self.toxiproxy.call("GET", "/proxies")[1]
        return list(proxies) == ["shop"] and proxies["shop"]["enabled"] and not proxies["shop"]["toxics"]

    def experiment(self, duration: str = "1s", toxic: str = "down", **settings: Any) -> Path:
        """Write an experiment with one fault; `settings` are slochaos's (objectives, baseline, recovery)."""
        provider = {"type": "python", "module": "slochaos.extension.actions", "func": "toxiproxy"}
        arguments = {"toxic": toxic, "duration": duration}
        document = {
            "title": "The shop is cut off",
            "description": "Orders fail, and only while it lasts.",
            "extensions": [{"name": "slochaos", "baseline": "1s", "recovery": "10s", **settings}],
            "method": [{"type": "action", "name": "down", "provider": {**provider, "arguments": arguments}}],
        }
        return self.write("experiments/down.json", document)

    def write(self, name: str, content: object) -> Path:
        """Write a file: text as it is, anything else as JSON."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    def environment(self, **changes: Any) -> dict[str, Any]:
        """The environment `shop`, changed in some settings."""
        proxies = [{"name": "shop", "listen": self.load.listen, "upstream": self.upstream}]
        return {
            "slos": ["shop.slos.yaml"],
            "sources": [{"name": "shop", "scrape": self.metrics, "every": "0.1s"}],
            "targets": {"toxiproxy": [{"server": self.toxiproxy.url, "proxies": proxies}]},
            "drain": "0.6s",
            **changes,
        }


@contextmanager
def loaded_shop(folder: Path, toxiproxy: ToxiproxyServerProcess, upstream: str) -> Iterator[LoadedShop]:
    """Start the load and the metrics page, write the files."""
    listen = f"127.0.0.1:{free_port()}"
    status, answer = toxiproxy.call(
        "POST", "/proxies", {"name": "shop", "listen": listen, "upstream": upstream}
    )
    assert status == 201, answer
    load = Load(listen)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _page_of(load))
    server.daemon_threads = True
    threads = [
        threading.Thread(target=load.run),
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}),
    ]
    for thread in threads:
        thread.start()
    shop = LoadedShop(folder, toxiproxy, load, upstream, f"http://127.0.0.1:{server.server_port}/metrics")
    shop.write("environments/shop.yaml", shop.environment())
    shop.write("environments/shop.slos.yaml", OBJECTIVES)
    shop.write("toxics/down.json", {"proxy": "shop", "enabled": False})
    try:
        yield shop
    finally:
        load.stop()
        server.shutdown()
        for thread in threads:
            thread.join()
        server.server_close()


def _page_of(load: Load) -> type[BaseHTTPRequestHandler]:
    started = time.time()

    class Page(BaseHTTPRequestHandler):
        """The clients' counters."""

        def do_GET(self) -> None:
            good, bad = load.counts()
            load.pages += 1
            if load.page_of_two and load.pages % 2:
                good, bad = good // 2, bad // 2
            born = b""
            if load.page_leaps and load.pages >= load.leaps_at:
                leapt = load.page_leaps
                good += 0 if load.page_born else leapt
                born = b'orders_total{outcome="good",cached="1"} %d\n' % leapt if load.page_born else b""
            page = orders_page(started, good, bad) + born
            time.sleep(load.page_takes_s)
            self.send_response(500 if load.page_fails else 200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
            return

    return Page
