"""A proxy that faults break, watched from outside: when it went down, when it was up again."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.guarded import Target, make_target
from tests.toxiproxy_servers import start_embedded

LOOK_S = 0.001


@dataclass
class Watcher:
    """Looks at the proxy every millisecond over one connection. Instants are of `time.monotonic`."""

    target: Target
    downs: list[float] = field(default_factory=list)
    ups: list[float] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Until told to stop."""
        connection = http.client.HTTPConnection("127.0.0.1", self.target.server.port, timeout=5)
        enabled = True
        while not self.over.is_set():
            connection.request("GET", f"/proxies/{self.target.allowed.name}")
            now = bool(json.loads(connection.getresponse().read())["enabled"])
            if now != enabled:
                (self.ups if now else self.downs).append(time.monotonic())
                enabled = now
            time.sleep(LOOK_S)
        connection.close()

    def wait_down(self, within_s: float = 30.0) -> float:
        """The instant at which the proxy went down."""
        return self._wait(self.downs, within_s)

    def wait_up(self, within_s: float = 30.0) -> float:
        """The instant at which it came back."""
        return self._wait(self.ups, within_s)

    def _wait(self, instants: list[float], within_s: float) -> float:
        deadline = time.monotonic() + within_s
        while not instants:
            if time.monotonic() > deadline:
                raise SystemExit("the proxy did not change in time")
            time.sleep(LOOK_S)
        return instants.pop()


@contextmanager
def watched_proxy(folder: Path, upstream: str = "127.0.0.1:9") -> Iterator[Watcher]:
    """An embedded Toxiproxy with one proxy called database, and a watcher on it."""
    server = start_embedded(folder / "toxiproxy.log")
    watcher = Watcher(make_target(server, upstream))
    thread = threading.Thread(target=watcher.look, daemon=True)
    thread.start()
    try:
        yield watcher
    finally:
        watcher.over.set()
        thread.join()
        server.end()
