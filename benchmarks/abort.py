"""From a breach to the target restored: beside Chaos Toolkit's safeguards with rollback strategy `always`.

Both break the same proxy, whose connections the benchmark counts; the same watcher sees it go down and come
back. Chaos Toolkit's safeguard gets the cheapest probe there is, a connect; ours reads counters and decides
by the always-valid test on a floor.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.figures import Figure, percentile, seconds
from benchmarks.proxied import Watcher, watched_proxy
from tests.kill_campaign import SLOCHAOS, environment_variables, lay_out

ROUNDS = 10
RATE = 300
PEER_PACKAGES = ("chaostoolkit==1.21.*", "chaostoolkit-addons==0.12.*")
SLO = """\
apiVersion: openslo/v1
kind: Service
metadata: {name: bench}
spec: {description: what the benchmark connects to}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: connects}
spec:
  service: bench
  budgetingMethod: Occurrences
  timeWindow: [{duration: 1d, isRolling: true}]
  indicator:
    metadata: {name: connects-good}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: slochaos, spec: {selector: 'connects_total{outcome="ok"}'}}}
        total: {metricSource: {type: slochaos, spec: {selector: 'connects_total'}}}
  objectives: [{target: 0.999}]
"""


def measure(folder: Path) -> list[Figure]:
    """Ours at 0.1 s and at the default period, and the peer at 0.1 s, in one run."""
    with _echo() as upstream, watched_proxy(folder, upstream) as watcher, _counted(watcher) as page:
        fast = [_ours(folder, watcher, page, "0.1s") for _ in range(ROUNDS)]
        default = [_ours(folder, watcher, page, "0.25s") for _ in range(ROUNDS)]
        peer = _peer(folder, watcher)
    figures = [
        Figure(
            "breach to restored at the default period, p95",
            seconds(default),
            "-",
            percentile(default, 95),
            0.35,
            " s",
        )
    ]
    if peer:
        ratio = statistics.median(fast) / statistics.median(peer)
        name = "breach to restored at 0.1 s / Chaos Toolkit's safeguards"
        figures.append(Figure(name, seconds(fast), seconds(peer), ratio, 1.0, "x"))
    else:
        figures.append(
            Figure("breach to restored at 0.1 s", seconds(fast), "no Python >= 3.12 here for the peer",
                   statistics.median(fast), 0.11, " s")
        )  # fmt: skip
    return figures


def _ours(folder: Path, watcher: Watcher, page: str, every: str) -> float:
    work = folder / f"ours-{time.monotonic_ns()}"
    work.mkdir()
    lay_out(work, watcher.target, watcher.target.server.url, "outage", duration="20s")
    environment = work / "environments" / "external.yaml"
    settings = json.loads(environment.read_text())
    source = {"name": "bench", "scrape": page, "every": every}
    environment.write_text(json.dumps({**settings, "slos": ["bench.slos.yaml"], "sources": [source]}))
    (work / "environments" / "bench.slos.yaml").write_text(SLO)
    experiment = work / "experiments" / "fault.json"
    document = json.loads(experiment.read_text())
    document["extensions"][0] |= {
        "objectives": {"connects": {"hold": "99%"}},
        "baseline": "2s",
        "recovery": "5s",
    }
    experiment.write_text(json.dumps(document))
    return _time_outage(
        watcher,
        [*SLOCHAOS, "run", str(experiment), "--environment", "external"],
        work,
        environment_variables(work),
        expected=1,
    )


def _peer(folder: Path, watcher: Watcher) -> list[float]:
    """The same outage under Chaos Toolkit with a safeguard at 0.1 s; empty without a Python it needs."""
    chaos = _install_peer(folder)
    if chaos is None:
        return []
    work = folder / "peer"
    work.mkdir()
    (work / "benchpeer.py").write_text(
        "import json, socket, time, urllib.request\n"
        "def enable(url, enabled):\n"
        "    body = json.dumps({'enabled': enabled}).encode()\n"
        "    request = urllib.request.Request(url, body, {'Content-Type': 'application/json'}, method='PATCH')\n"
        "    urllib.request.urlopen(request, timeout=2).read()\n"
        "    return True\n"
        "def hold(seconds):\n"
        "    time.sleep(seconds)\n"
        "def connects(host, port):\n"
        "    with socket.socket() as probe:\n"
        "        return probe.connect_ex((host, port)) == 0\n"
    )
    allowed = watcher.target.allowed
    host, _, port = allowed.listen.rpartition(":")
    url = f"{allowed.server}/proxies/{allowed.name}"
    probe = {**_activity("probe", "connects", host=host, port=int(port)), "tolerance": True, "frequency": 0.1}
    control = {
        "name": "safeguards",
        "provider": {
            "type": "python",
            "module": "chaosaddons.controls.safeguards",
            "arguments": {"probes": [probe]},
        },
    }
    experiment = {
        "title": "outage",
        "description": "The same outage.",
        "controls": [control],
        "method": [
            _activity("action", "enable", url=url, enabled=False),
            _activity("action", "hold", seconds=20),
        ],
        "rollbacks": [_activity("action", "enable", url=url, enabled=True)],
    }
    (work / "outage.json").write_text(json.dumps(experiment))
    command = [str(chaos), "--no-version-check", "run", "--rollback-strategy", "always", "outage.json"]
    environment = {**os.environ, "PYTHONPATH": str(work)}
    return [_time_outage(watcher, command, work, environment, expected=1) for _ in range(ROUNDS)]


def _time_outage(
    watcher: Watcher, command: list[str], work: Path, environment: dict[str, str], expected: int
) -> float:
    with (work / "output.txt").open("wb") as output:
        run = subprocess.Popen(command, cwd=work, env=environment, stdout=output, stderr=output)
    down = watcher.wait_down()
    up = watcher.wait_up()
    if run.wait() != expected:
        raise SystemExit(
            f"{' '.join(command)} ended with {run.returncode}:\n{(work / 'output.txt').read_text()}"
        )
    return up - down


def _activity(kind: str, func: str, **arguments: object) -> dict[str, object]:
    provider = {"type": "python", "module": "benchpeer", "func": func, "arguments": arguments}
    return {"type": kind, "name": func, "provider": provider}


def _install_peer(folder: Path) -> Path | None:
    """`chaos` of the new generation in an environment of its own; None without Python 3.12 or later."""
    root = Path(__file__).parent.parent
    found = subprocess.run(
        [root / "scripts/find_pythons.sh"], capture_output=True, text=True, check=True
    ).stdout
    newest = [line.split(maxsplit=1) for line in found.splitlines()]
    usable = [path for version, path in newest if tuple(map(int, version.split(".")[:2])) >= (3, 12)]
    if sys.version_info >= (3, 12):
        usable = [sys.executable]
    if not usable:
        return None
    place = folder / "peer-venv"
    subprocess.run([usable[-1], "-m", "venv", place], check=True)
    subprocess.run(
        [place / "bin/pip", "install", "-q", "--disable-pip-version-check", *PEER_PACKAGES], check=True
    )
    return place / "bin" / "chaos"


@contextmanager
def _echo() -> Iterator[str]:
    """Something that accepts connections; its address."""
    server = socket.create_server(("127.0.0.1", 0), backlog=256)
    over = threading.Event()

    def accept() -> None:
        server.settimeout(0.1)
        while not over.is_set():
            try:
                server.accept()[0].close()
            except TimeoutError:
                continue

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.getsockname()[1]}"
    finally:
        over.set()
        thread.join()
        server.close()


@contextmanager
def _counted(watcher: Watcher) -> Iterator[str]:
    """Connects through the proxy at a constant rate, counted by outcome on a metrics page; the page's URL."""
    counts = {"ok": 0, "refused": 0}
    over = threading.Event()
    host, _, port = watcher.target.allowed.listen.rpartition(":")

    def connect() -> None:
        due = time.monotonic()
        while not over.is_set():
            due += 1 / RATE
            time.sleep(max(0.0, due - time.monotonic()))
            with socket.socket() as probe:
                counts["refused" if probe.connect_ex((host, int(port))) else "ok"] += 1

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            lines = [
                "# TYPE connects_total counter",
                *(f'connects_total{{outcome="{k}"}} {v}' for k, v in counts.items()),
            ]
            body = ("\n".join(lines) + "\n").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threads = [threading.Thread(target=work, daemon=True) for work in (connect, server.serve_forever)]
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join()
