"""100 ms of latency, asked of both Toxiproxy servers: what arrives, beside what was asked."""

from __future__ import annotations

import selectors
import socket
import statistics
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.both_toxiproxies import both_servers
from benchmarks.figures import Figure, percentile
from benchmarks.toxiproxy_servers import MESSAGE, echo_times
from tests.toxiproxy_servers import ToxiproxyServerProcess
from tests.upstreams import echo_server

ASKED_MS = 100
CONNECTIONS = 5
ECHOES = 100
GOALS = {50: 2.0, 99: 5.0}
"""Percent of what was asked, by percentile."""


def measure(folder: Path) -> list[Figure]:
    """Both servers delay the same echo at the same time, so that a busy machine disturbs both. Without Go: nothing."""
    with both_servers(folder) as servers:
        if not servers:
            return []
        ours, theirs = _added_latencies(servers)
    return [_figure(share, ours, theirs) for share in GOALS]


def _figure(share: int, ours: list[float], theirs: list[float]) -> Figure:
    mine, others = (percentile(added, share) for added in (ours, theirs))
    return Figure(
        f"latency of {ASKED_MS} ms, embedded Toxiproxy: error of p{share}",
        f"{_beside_asked(mine)}, n={len(ours)}",
        f"{_beside_asked(others)} by toxiproxy-server 2.12",
        value=abs(mine - ASKED_MS) / ASKED_MS * 100,
        goal=GOALS[share],
        unit=" %",
    )


def _beside_asked(added_ms: float) -> str:
    return f"{added_ms:.2f} ms ({added_ms - ASKED_MS:+.2f} ms, {added_ms / ASKED_MS:.4f}x)"


def _added_latencies(servers: list[ToxiproxyServerProcess]) -> list[list[float]]:
    """For each server, by how many milliseconds each answer was later than the median without the toxic."""
    with echo_server() as echo:
        addresses = [server.add_proxy("p", echo.address) for server in servers]
        usual = [statistics.median(echo_times(address)) for address in addresses]
        for server in servers:
            server.add_toxic("p", "latency", latency=ASKED_MS)
        late = _echo_times_at_once(addresses)
    return [[(taken - median) * 1000 for taken in times] for times, median in zip(late, usual, strict=True)]


def _echo_times_at_once(addresses: list[tuple[str, int]]) -> list[list[float]]:
    """Seconds from sending to the answer, by address: on each connection one echo after another, all out of step."""
    times: list[list[float]] = [[] for _ in addresses]
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        sent: dict[socket.socket, float] = {}
        for number in range(CONNECTIONS * len(addresses)):
            client = stack.enter_context(
                socket.create_connection(addresses[number % len(addresses)], timeout=10)
            )
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(client, selectors.EVENT_READ, times[number % len(addresses)])
        for key in list(selector.get_map().values()):
            time.sleep(ASKED_MS / 1000 / CONNECTIONS / len(addresses))
            _send(key, sent)
        while sent:
            _take_answers(selector, sent)
    return times


def _send(key: selectors.SelectorKey, sent: dict[socket.socket, float]) -> None:
    assert isinstance(key.fileobj, socket.socket)
    sent[key.fileobj] = time.perf_counter()
    key.fileobj.sendall(MESSAGE)


def _take_answers(selector: selectors.BaseSelector, sent: dict[socket.socket, float]) -> None:
    ready = selector.select(timeout=10)
    now = time.perf_counter()
    for key, _ in ready:
        assert isinstance(key.fileobj, socket.socket)
        assert key.fileobj.recv(len(MESSAGE)) == MESSAGE
        key.data.append(now - sent.pop(key.fileobj))
        if len(key.data) + len(sent) < CONNECTIONS * ECHOES:
            _send(key, sent)
