"""The embedded Toxiproxy server beside the real one: what relaying costs, and how fast a toxic comes and goes."""

from __future__ import annotations

import http.client
import json
import os
import socket
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure
from tests.toxiproxy_servers import NoGo, ToxiproxyServerProcess, real_binary, start_embedded, start_real
from tests.upstreams import echo_server

ROUNDS = 10
ECHOES = 300
TOXICS = 30
MESSAGE = b"x" * 64
TOXIC = json.dumps({"name": "t", "type": "latency", "attributes": {"latency": 0}})


def measure(folder: Path) -> list[Figure]:
    """Both servers take turns on the same echo, so that a busy machine disturbs both. Without Go: nothing."""
    os.environ.setdefault("LOG_LEVEL", "warn")  # the real server logs every connection otherwise
    try:
        binary = real_binary()
    except NoGo as error:
        print(f"no real toxiproxy-server to compare with: {error}")
        return []
    servers = [start_embedded(folder / "embedded.log")]
    try:
        servers.append(start_real(folder / "real.log", binary))
        return [_relaying(servers), _toggling(servers)]
    finally:
        for server in servers:
            server.end()


def _relaying(servers: list[ToxiproxyServerProcess]) -> Figure:
    with echo_server() as echo:
        addresses = [(echo.host, echo.port), *(server.add_proxy("p", echo.address) for server in servers)]
        direct, ours, theirs = _in_turns([partial(_echo_times, where) for where in addresses])
    return Figure(
        "64-byte echo through the embedded Toxiproxy: p50 added",
        _microseconds(ours - direct),
        f"{_microseconds(theirs - direct)} by toxiproxy-server 2.12, direct {_microseconds(direct)}",
        value=(ours - direct) / (theirs - direct),
        goal=2,
    )


def _toggling(servers: list[ToxiproxyServerProcess]) -> Figure:
    ours, theirs = _in_turns([partial(_toxic_times, server) for server in servers])
    return Figure(
        "adding and removing a toxic, embedded Toxiproxy: p50",
        _microseconds(ours),
        f"{_microseconds(theirs)} by toxiproxy-server 2.12",
        value=ours / theirs,
        goal=2,
    )


def _in_turns(measures: list[Callable[[], list[float]]]) -> list[float]:
    """The median of each, in seconds."""
    samples: list[list[float]] = [[] for _ in measures]
    for _ in range(ROUNDS):
        for measured, taken in zip(measures, samples, strict=True):
            taken.extend(measured())
    return [statistics.median(taken) for taken in samples]


def _echo_times(address: tuple[str, int]) -> list[float]:
    times = []
    with socket.create_connection(address, timeout=10) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(ECHOES):
            began = time.perf_counter()
            client.sendall(MESSAGE)
            client.recv(len(MESSAGE))
            times.append(time.perf_counter() - began)
    return times


def _toxic_times(server: ToxiproxyServerProcess) -> list[float]:
    times = []
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    for _ in range(TOXICS):
        began = time.perf_counter()
        for method, path, body in (("POST", "", TOXIC), ("DELETE", "/t", None)):
            connection.request(method, f"/proxies/p/toxics{path}", body)
            connection.getresponse().read()
        times.append(time.perf_counter() - began)
    connection.close()
    return times


def _microseconds(duration_s: float) -> str:
    return f"{duration_s * 1e6:.0f} us"
