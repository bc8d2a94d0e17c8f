"""Starting AgentMesh in small, or parts of it, as the local environment does, and looking at it from outside."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from prometheus_client.parser import text_string_to_metric_families

from tests.toxiproxy_servers import ROOT, ToxiproxyServerProcess, free_port

ENVIRONMENTS = ROOT / "environments"
PASSWORD = "it's \\ a secret"
READY_S = 60.0


def wait_until(condition: Callable[[], bool], what: str, within_s: float = READY_S) -> None:
    """Return once the condition holds."""
    give_up = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up, f"not within {within_s:.0f} s: {what}"
        time.sleep(0.05)


def accepts(port: int) -> bool:
    """Whether something listens on this loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def call(port: int, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and parsed answer (text where it is no JSON); status 0 where nothing answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, None if body is None else json.dumps(body))
        answer = connection.getresponse()
        text = answer.read().decode()
    except OSError:
        return 0, None
    finally:
        connection.close()
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, text


def lets_in(port: int) -> bool:
    """Whether PostgreSQL on this loopback port takes connections."""
    try:
        psycopg.connect(
            host="127.0.0.1", port=port, user="agentmesh", password=PASSWORD, dbname="agentmesh"
        ).close()
    except psycopg.OperationalError:
        return False
    return True


Series = tuple[str, frozenset[tuple[str, str]]]


def metrics(port: int) -> dict[Series, float]:
    """The /metrics page: value by name and labels."""
    _, text = call(port, "GET", "/metrics")
    samples = (s for family in text_string_to_metric_families(text) for s in family.samples)
    return {(s.name, frozenset(s.labels.items())): s.value for s in samples}


def total(page: dict[Series, float], name: str, **labels: str) -> int:
    """The sum over the series of this name with these labels."""
    return int(sum(v for (n, have), v in page.items() if n == name and labels.items() <= dict(have).items()))


def start(module: str, *arguments: str, log: Path, **environment: str) -> subprocess.Popen[bytes]:
    """Start a module of AgentMesh or slochaos, in a session of its own."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ENVIRONMENTS,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    """Stop a process that `start` started, kindly if it lets itself be stopped so."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


@contextlib.contextmanager
def database(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A PostgreSQL on this port."""
    process = start(
        "agentmesh.database",
        "--port",
        str(port),
        log=folder / "database.log",
        DATABASE_PASSWORD=PASSWORD,
    )
    try:
        wait_until(lambda: process.poll() is not None or lets_in(port), "PostgreSQL lets clients in")
        assert process.poll() is None, (folder / "database.log").read_text()
        yield process
    finally:
        end(process, signal.SIGINT)


@dataclass
class AgentMesh:
    """The API with its database and its provider behind Toxiproxy."""

    folder: Path
    toxiproxy: ToxiproxyServerProcess
    resilience: str = "on"
    api_port: int = field(default_factory=free_port)
    ports: dict[str, int] = field(default_factory=dict)
    api: subprocess.Popen[bytes] | None = None

    @property
    def database_url(self) -> str:
        """Where the API finds its database: the proxy."""
        return f"postgresql://agentmesh@127.0.0.1:{self.ports['database']}/agentmesh"

    def relay(self, name: str, upstream_port: int) -> None:
        """Put a proxy of this name before a port."""
        self.ports[name] = free_port()
        proxy = {
            "name": name,
            "listen": f"127.0.0.1:{self.ports[name]}",
            "upstream": f"127.0.0.1:{upstream_port}",
            "enabled": True,
        }
        status, answer = self.toxiproxy.call("POST", "/proxies", proxy)
        assert status == 201, answer

    def start_api(self) -> None:
        """Start the API with new logs, and wait until it serves."""
        for log in ("access.log", "query.log"):
            (self.folder / log).unlink(missing_ok=True)
        self.api = start(
            "agentmesh.api",
            "--port",
            str(self.api_port),
            log=self.folder / "api.log",
            DATABASE_URL=self.database_url,
            DATABASE_PASSWORD=PASSWORD,
            PROVIDER_URL=f"http://127.0.0.1:{self.ports['provider']}",
            OUTBOX=str(self.folder / "outbox"),
            RESILIENCE=self.resilience,
            ACCESS_LOG=str(self.folder / "access.log"),
            QUERY_LOG=str(self.folder / "query.log"),
        )
        wait_until(lambda: self.get("/health")[0] == 200, "the API is healthy")

    def get(self, path: str) -> tuple[int, Any]:
        """GET a path of the API."""
        return call(self.api_port, "GET", path)

    def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        """POST to a path of the API."""
        return call(self.api_port, "POST", path, {} if body is None else body)

    def metrics(self) -> dict[Series, float]:
        """The API's /metrics page."""
        return metrics(self.api_port)

    @contextlib.contextmanager
    def outage(self, proxy: str) -> Iterator[None]:
        """What this proxy relays to is unreachable within the block."""
        self._set_enabled(proxy, False)
        try:
            yield
        finally:
            self._set_enabled(proxy, True)

    def _set_enabled(self, proxy: str, enabled: bool) -> None:
        status, answer = self.toxiproxy.call("POST", f"/proxies/{proxy}", {"enabled": enabled})
        assert status == 200, answer

    def events(self, log: str) -> list[list[str]]:
        """The events of a ground-truth log, each as its words."""
        path = self.folder / log
        return [line.split(maxsplit=2) for line in path.read_text(encoding="utf-8").splitlines()]

    def logged(self, log: str, word: int) -> Counter[str]:
        """How often each value of this word occurs in the log, before the last rendering of /metrics."""
        events = self.events(log)
        last = max(index for index, event in enumerate(events) if event[1] == "/metrics")
        return Counter(" ".join(e).split()[word] for e in events[:last] if e[1] != "/metrics")


@contextlib.contextmanager
def agentmesh(folder: Path, toxiproxy: ToxiproxyServerProcess, resilience: str = "on") -> Iterator[AgentMesh]:
    """All of AgentMesh, healthy."""
    database_port, provider_port = free_port(), free_port()
    mesh = AgentMesh(folder, toxiproxy, resilience)
    provider = start("agentmesh.provider", "--port", str(provider_port), log=folder / "provider.log")
    try:
        with database(folder, database_port):
            wait_until(lambda: accepts(provider_port), "the provider listens")
            mesh.relay("database", database_port)
            mesh.relay("provider", provider_port)
            mesh.start_api()
            yield mesh
            if mesh.api is not None:
                end(mesh.api)
    finally:
        if mesh.api is not None:
            end(mesh.api)
        end(provider)
