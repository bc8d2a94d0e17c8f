"""The embedded Toxiproxy server beside the real one: what relaying costs, and how fast a toxic comes and goes."""

from __future__ import annotations

import http.client
import json
import socket
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.both_toxiproxies import both_servers
from benchmarks.figures import Figure
from benchmarks.streams import byte_source, bytes_per_second
from tests.toxiproxy_servers import ToxiproxyServerProcess
from tests.upstreams import echo_server

ROUNDS = 10
ECHOES = 300
CONNECTIONS = (1, 10, 100)
CHANGES = 1000
OPEN_MEANWHILE = 10
MESSAGE = b"x" * 64
TOXIC = json.dumps({"name": "t", "type": "latency", "attributes": {"latency": 0}})
BESIDE = "by toxiproxy-server 2.12"


def measure(folder: Path) -> list[Figure]:
    """Both servers take turns with the same client, so that a busy machine disturbs both. Without Go: nothing."""
    with both_servers(folder) as servers:
        if not servers:
            return []
        return [_relaying(servers), *_streaming(servers), _changing(servers)]


def _relaying(servers: list[ToxiproxyServerProcess]) -> Figure:
    with echo_server() as echo:
        addresses = [(echo.host, echo.port), *(server.add_proxy("echo", echo.address) for server in servers)]
        direct, ours, theirs = _in_turns([partial(echo_times, where) for where in addresses])
    return Figure(
        "64-byte echo through the embedded Toxiproxy: p50 added",
        _microseconds(ours - direct),
        f"{_microseconds(theirs - direct)} {BESIDE}, direct {_microseconds(direct)}",
        value=(ours - direct) / (theirs - direct),
        goal=2,
    )


def _streaming(servers: list[ToxiproxyServerProcess]) -> list[Figure]:
    with byte_source() as source:
        upstream = f"{source[0]}:{source[1]}"
        addresses = [source, *(server.add_proxy("source", upstream) for server in servers)]
        return [_throughput(addresses, connections) for connections in CONNECTIONS]


def _throughput(addresses: list[tuple[str, int]], connections: int) -> Figure:
    direct, ours, theirs = _in_turns([partial(_rates, address, connections) for address in addresses])
    return Figure(
        f"throughput of the embedded Toxiproxy, {connections} connection{'s' * (connections > 1)}",
        _megabytes(ours),
        f"{_megabytes(theirs)} {BESIDE}, direct {_megabytes(direct)}",
        value=ours / theirs,
        goal=0.3,
        at_least=True,
    )


def _changing(servers: list[ToxiproxyServerProcess]) -> Figure:
    with echo_server() as echo:
        for server in servers:
            server.add_proxy("changed", echo.address)
        ours, theirs = _in_turns([partial(_change_times, server) for server in servers])
    return Figure(
        f"{CHANGES:,} toxic changes on the embedded Toxiproxy",
        f"{ours * CHANGES:.2f} s, {_microseconds(ours)} each",
        f"{theirs * CHANGES:.2f} s {BESIDE}, {OPEN_MEANWHILE} connections open",
        value=ours / theirs,
        goal=2,
    )


def _in_turns(measures: list[Callable[[], list[float]]]) -> list[float]:
    """The median of each."""
    samples: list[list[float]] = [[] for _ in measures]
    for _ in range(ROUNDS):
        for measured, taken in zip(measures, samples, strict=True):
            taken.extend(measured())
    return [statistics.median(taken) for taken in samples]


def echo_times(address: tuple[str, int]) -> list[float]:
    """Seconds from sending to the answer, one message after another over one connection."""
    times = []
    with socket.create_connection(address, timeout=10) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(ECHOES):
            began = time.perf_counter()
            client.sendall(MESSAGE)
            client.recv(len(MESSAGE))
            times.append(time.perf_counter() - began)
    return times


def _rates(address: tuple[str, int], connections: int) -> list[float]:
    return [bytes_per_second(address, connections)]


def _change_times(server: ToxiproxyServerProcess) -> list[float]:
    """A round's share of the changes, half of them additions, half removals: the mean of one, in seconds."""
    listen = server.call("GET", "/proxies/changed")[1]["listen"].rpartition(":")
    clients = [
        socket.create_connection((listen[0], int(listen[2])), timeout=10) for _ in range(OPEN_MEANWHILE)
    ]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    began = time.perf_counter()
    for _ in range(CHANGES // ROUNDS // 2):
        for method, path, body in (("POST", "", TOXIC), ("DELETE", "/t", None)):
            connection.request(method, f"/proxies/changed/toxics{path}", body)
            connection.getresponse().read()
    took_s = time.perf_counter() - began
    connection.close()
    for client in clients:
        client.close()
    return [took_s / (CHANGES // ROUNDS)]


def _microseconds(duration_s: float) -> str:
    return f"{duration_s * 1e6:.0f} us"


def _megabytes(bytes_per_s: float) -> str:
    return f"{bytes_per_s / 1e6:,.0f} MB/s"
