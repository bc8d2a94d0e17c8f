"""Starting and ending Toxiproxy servers, ours and the real one, and talking to them as any client would."""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
READY_S = 15.0


class NoGo(Exception):
    """The real server can neither be found nor built here."""


@dataclass(frozen=True)
class ToxiproxyServerProcess:
    """A running server: `kind` is "embedded" or "real"; `process` leads a session of its own."""

    kind: str
    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def port(self) -> int:
        """The API's port on loopback."""
        return int(self.url.rpartition(":")[2])

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and parsed answer of one request; `body` is sent as it is when it is text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            payload = body if body is None or isinstance(body, str) else json.dumps(body)
            connection.request(method, path, payload, headers or {})
            answer = connection.getresponse()
            text = answer.read().decode()
            return answer.status, _parsed(text)
        finally:
            connection.close()

    def add_proxy(self, name: str, upstream: str, *, enabled: bool = True) -> tuple[str, int]:
        """Create a proxy on a free port; the address that clients connect to."""
        status, proxy = self.call(
            "POST",
            "/proxies",
            {"name": name, "listen": f"127.0.0.1:{free_port()}", "upstream": upstream, "enabled": enabled},
        )
        assert status == 201, proxy
        host, _, port = proxy["listen"].rpartition(":")
        return host, int(port)

    def add_toxic(
        self, proxy: str, kind: str, *, toxicity: float = 1.0, stream: str = "downstream", **attributes: int
    ) -> str:
        """Create a toxic; its name."""
        toxic = {"type": kind, "stream": stream, "toxicity": toxicity, "attributes": attributes}
        status, answer = self.call("POST", f"/proxies/{proxy}/toxics", toxic)
        assert status == 200, answer
        return str(answer["name"])

    def end(self) -> None:
        """Kill the server, also one that a test has stopped by SIGSTOP."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=10)


def start_embedded(log: Path, *arguments: str, port: int | None = None) -> ToxiproxyServerProcess:
    """Start `python -m slochaos.toxiproxy` and wait until it answers."""
    command = [sys.executable, "-m", "slochaos.toxiproxy", "--host", "127.0.0.1"]
    return _start("embedded", command, log, [*arguments], "--port", port)


def start_real(log: Path, binary: Path, *arguments: str, port: int | None = None) -> ToxiproxyServerProcess:
    """Start the real toxiproxy-server and wait until it answers."""
    return _start("real", [str(binary), "-host", "127.0.0.1"], log, [*arguments], "-port", port)


def real_binary() -> Path:
    """The real server, built on first use. Raises NoGo."""
    built = subprocess.run([ROOT / "scripts/build_toxiproxy.sh"], capture_output=True, text=True, check=False)
    if built.returncode:
        raise NoGo(built.stderr.strip())
    return Path(built.stdout.strip())


def free_port() -> int:
    """A loopback port that nobody listens on, outside of the range that the system gives to outgoing connections.

    The real server frees a disabled proxy's port, so one of that range can be gone when it is enabled again.
    """
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def _start(
    kind: str, command: list[str], log: Path, arguments: list[str], port_flag: str, port: int | None
) -> ToxiproxyServerProcess:
    port = port or free_port()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, port_flag, str(port), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
    server = ToxiproxyServerProcess(kind, f"http://127.0.0.1:{port}", process, log)
    try:
        _wait_until_ready(server)
    except BaseException:
        server.end()
        raise
    return server


def _wait_until_ready(server: ToxiproxyServerProcess) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        try:
            if server.call("GET", "/version")[0] == 200:
                return
        except OSError:
            time.sleep(0.02)
        if server.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{server.kind} toxiproxy did not start:\n{server.log.read_text()}")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
