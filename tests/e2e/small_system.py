"""A system that costs no time to start: one metrics page of a service that never fails, behind one proxy."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.e2e.slochaos_command import Shell
from tests.orders import OBJECTIVES, orders_page
from tests.toxiproxy_servers import ToxiproxyServerProcess

REQUESTS_PER_S = 500


class _Page(BaseHTTPRequestHandler):
    """Counters that grow with time, as if the service were under a constant load."""

    started = time.time() - 1000

    def do_GET(self) -> None:
        good = int((time.time() - self.started) * REQUESTS_PER_S)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(orders_page(self.started, good, bad=0))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is its base's
        return


@contextmanager
def metrics_page() -> Iterator[str]:
    """Serve the page; its host:port, which is also something for a proxy to relay to."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class SmallSystem:
    """The system's files in a shell's folder, and where things are."""

    shell: Shell
    toxiproxy: ToxiproxyServerProcess
    upstream: str
    listen: str

    def write(self, name: str, content: object) -> Path:
        """Write a file below the working folder: text as it is, anything else as JSON."""
        path = self.shell.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def environment(self, **changes: Any) -> dict[str, Any]:
        """The environment `shop`, changed in some settings."""
        proxies = [{"name": "shop", "listen": self.listen, "upstream": self.upstream}]
        return {
            "slos": ["shop.slos.yaml"],
            "sources": [{"name": "shop", "scrape": f"http://{self.upstream}/metrics", "every": "0.1s"}],
            "targets": {"toxiproxy": [{"server": self.toxiproxy.url, "proxies": proxies}]},
            "drain": "0.2s",
            **changes,
        }

    def lay_out(self) -> None:
        """Write environment, objectives, a toxic and an experiment of about three seconds."""
        self.write("environments/shop.yaml", self.environment())
        self.write("environments/shop.slos.yaml", OBJECTIVES)
        self.write("toxics/down.json", {"proxy": "shop", "enabled": False})
        self.write("experiments/down.json", experiment())

    def wait_until_down(self) -> None:
        """Return once the fault of the experiment is in force."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            _, proxies = self.toxiproxy.call("GET", "/proxies")
            if not proxies["shop"]["enabled"]:
                return
            time.sleep(0.05)
        raise AssertionError("no fault was injected")

    def untouched(self) -> bool:
        """Whether the proxy is as it was before any run, without toxics and locks."""
        status, proxies = self.toxiproxy.call("GET", "/proxies")
        assert status == 200
        return list(proxies) == ["shop"] and proxies["shop"]["enabled"] and not proxies["shop"]["toxics"]


def experiment(fault: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    """One outage of a second; `fault` replaces arguments of its action, `settings` those of slochaos."""
    arguments = {"toxic": "down", "duration": "1s", **(fault or {})}
    provider = {"type": "python", "module": "slochaos.extension.actions", "func": "toxiproxy"}
    return {
        "title": "The shop's database is down for a second",
        "description": "Nothing is lost.",
        "extensions": [
            {
                "name": "slochaos",
                "objectives": {"orders": {"cost": "5%"}},
                "baseline": "1s",
                "recovery": "10s",
                **settings,
            }
        ],
        "method": [{"type": "action", "name": "down", "provider": {**provider, "arguments": arguments}}],
    }
