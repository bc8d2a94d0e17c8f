"""Real Prometheus servers on loopback, each with a data folder and a port of its own, and their relatives."""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.toxiproxy_servers import ROOT, free_port

READY_S = 30.0


class NoPrometheus(Exception):
    """The real servers can neither be found nor fetched here."""


@dataclass(frozen=True)
class Binaries:
    """Where prometheus, promtool, amtool, node_exporter and, if they can be had, others are (get_prometheus.sh)."""

    folder: Path

    def path(self, name: str) -> Path:
        """The binary's path. Raises NoPrometheus: only Debian has all of them, or Go."""
        path = self.folder / name
        if not path.exists():
            raise NoPrometheus(f"there is no {name} here")
        return path


def binaries() -> Binaries:
    """The real servers' binaries, fetched on first use. Raises NoPrometheus."""
    script = ROOT / "scripts/get_prometheus.sh"
    got = subprocess.run([script], capture_output=True, text=True, check=False)
    if got.returncode:
        raise NoPrometheus(got.stderr.strip().splitlines()[-1] if got.stderr.strip() else f"{script} failed")
    return Binaries(Path(got.stdout.strip()))


@dataclass(frozen=True)
class ServerProcess:
    """A running server of the Prometheus family; `process` leads a session of its own."""

    name: str
    url: str
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def port(self) -> int:
        """The port on loopback."""
        return int(self.url.rpartition(":")[2])

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.folder / f"{self.name}.log"

    def get(self, path: str, parameters: Mapping[str, Any] | Sequence[tuple[str, Any]] = ()) -> Any:
        """The parsed answer of a GET; its `data` where it is an answer of Prometheus' HTTP API."""
        return self._call("GET", f"{path}?{urlencode(parameters)}" if parameters else path)

    def query(self, expression: str, at: float | None = None) -> list[dict[str, Any]]:
        """The result of an instant query, as Prometheus writes it."""
        time_of = {} if at is None else {"time": f"{at:.3f}"}
        result = self.get("/api/v1/query", {"query": expression, **time_of})["result"]
        assert isinstance(result, list)
        return result

    def wait_for(self, expression: str, within_s: float = 30.0) -> list[dict[str, Any]]:
        """The result of an instant query once it has one: first targets take a server up to five seconds."""
        deadline = time.monotonic() + within_s
        while not (found := self.query(expression)):
            assert time.monotonic() < deadline, f"{expression} has no result after {within_s:g} s"
            time.sleep(0.1)
        return found

    def reload(self) -> None:
        """Take up a changed configuration."""
        self._call("POST", "/-/reload")

    def stop(self) -> None:
        """Let it hang: it answers nothing, and scrapes nothing, until `go_on`."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Undo `stop`."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Kill it, also when it is stopped."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=10)

    def _call(self, method: str, path: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        assert answer.status == 200, text
        try:
            parsed = json.loads(text)
        except ValueError:
            return text
        return parsed["data"] if isinstance(parsed, dict) and "data" in parsed else parsed


def scrape_job(
    name: str, targets: Sequence[str], every: str = "1s", labels: Mapping[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """One entry of `scrape_configs`; `more` are further settings of it."""
    static = {"targets": list(targets), "labels": dict(labels or {})}
    job = {"job_name": name, "scrape_interval": every, "scrape_timeout": every, "static_configs": [static]}
    return {**job, **more}


def start_prometheus(
    found: Binaries,
    folder: Path,
    jobs: Sequence[Mapping[str, Any]] = (),
    *arguments: str,
    port: int | None = None,
    **configuration: Any,
) -> ServerProcess:
    """Start a server that scrapes `jobs`, and wait until it is ready. Ended and started again on the same
    `folder`, it has what it had.

    `configuration` is the rest of prometheus.yml: `global`, `rule_files`, `alerting`. Data stand in `folder`/data.
    """
    folder.mkdir(parents=True, exist_ok=True)
    configuration = {"scrape_configs": list(jobs), **configuration}
    config = folder / "prometheus.yml"
    config.write_text(json.dumps(configuration))  # JSON is YAML
    port = port or free_port()
    command = [
        str(found.path("prometheus")),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-lifecycle",
        *arguments,
    ]
    return _start("prometheus", command, folder, port, "/-/ready")


def start_alertmanager(
    found: Binaries, folder: Path, configuration: Mapping[str, Any] | None = None
) -> ServerProcess:
    """Start an Alertmanager, without routes unless `configuration` has some, and wait until it is ready."""
    folder.mkdir(parents=True, exist_ok=True)
    nothing = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
    config = folder / "alertmanager.yml"
    config.write_text(json.dumps(configuration or nothing))
    port = free_port()
    command = [
        str(found.path("alertmanager")),
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    return _start("alertmanager", command, folder, port, "/-/ready")


def start_node_exporter(found: Binaries, folder: Path) -> ServerProcess:
    """Start a node exporter: someone else's metrics."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [str(found.path("node_exporter")), f"--web.listen-address=127.0.0.1:{port}"]
    return _start("node_exporter", command, folder, port, "/metrics")


def start_pushgateway(found: Binaries, folder: Path) -> ServerProcess:
    """Start a Pushgateway that forgets what it has when it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [str(found.path("pushgateway")), f"--web.listen-address=127.0.0.1:{port}"]
    return _start("pushgateway", command, folder, port, "/-/ready")


def start_blackbox_exporter(found: Binaries, folder: Path) -> ServerProcess:
    """Start a blackbox exporter with the module `http_2xx`: `/probe?module=http_2xx&target=URL`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "blackbox.yml"
    config.write_text(json.dumps({"modules": {"http_2xx": {"prober": "http", "timeout": "2s"}}}))
    port = free_port()
    command = [
        str(found.path("blackbox_exporter")),
        f"--config.file={config}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    return _start("blackbox_exporter", command, folder, port, "/-/healthy")


def _start(name: str, command: list[str], folder: Path, port: int, ready: str) -> ServerProcess:
    with (folder / f"{name}.log").open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=folder,
        )
    server = ServerProcess(name, f"http://127.0.0.1:{port}", process, folder)
    try:
        _wait_until_ready(server, ready)
    except BaseException:
        server.end()
        raise
    return server


def _wait_until_ready(server: ServerProcess, path: str) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            server.get(path)
        except (OSError, AssertionError, http.client.HTTPException):
            time.sleep(0.02)
        else:
            return
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{server.name} did not start:\n{server.log.read_text()}")
