"""What toxics do to connections: each test runs on the embedded server and on the real one.

Times are lower bounds only: a toxic may act later on a busy machine, never earlier.
"""

from __future__ import annotations

import select
import socket
import time

import pytest

from tests.tcp_clients import SOON_S, ask, connected, is_closed, is_silent, read_all
from tests.toxiproxy_servers import ToxiproxyServerProcess
from tests.upstreams import Upstream

HOUR_MS = 3_600_000


@pytest.fixture
def proxied(toxiproxy: ToxiproxyServerProcess, echo: Upstream) -> tuple[str, int]:
    """The address of a proxy called "p" in front of the echo."""
    return toxiproxy.add_proxy("p", echo.address)


@pytest.mark.parametrize("stream", ["upstream", "downstream"])
def test_latency_acts_on_an_open_connection_at_once_and_ends_at_once(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int], stream: str
) -> None:
    """Each direction is delayed by the latency; removing the toxic lets the connection go on undelayed."""
    with connected(proxied) as client:
        assert ask(client) == b"ping"
        name = toxiproxy.add_toxic("p", "latency", stream=stream, latency=300)
        began = time.monotonic()
        assert ask(client) == b"ping"
        assert time.monotonic() - began >= 0.295
        toxiproxy.call("PATCH", f"/proxies/p/toxics/{name}", {"attributes": {"latency": HOUR_MS}})
        toxiproxy.call("DELETE", f"/proxies/p/toxics/{name}")
        assert ask(client) == b"ping"


def test_removing_a_latency_delivers_what_it_holds(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """Nothing is lost when a delay ends early."""
    name = toxiproxy.add_toxic("p", "latency", latency=HOUR_MS)
    with connected(proxied) as client:
        client.sendall(b"held")
        assert is_silent(client)
        assert toxiproxy.call("DELETE", f"/proxies/p/toxics/{name}")[0] == 204
        assert client.recv(16) == b"held"
        assert ask(client) == b"ping"


def test_shortening_a_latency_delivers_what_it_holds(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """A changed delay also counts for data that is being delayed."""
    name = toxiproxy.add_toxic("p", "latency", latency=HOUR_MS)
    with connected(proxied) as client:
        client.sendall(b"held")
        assert is_silent(client)
        toxiproxy.call("PATCH", f"/proxies/p/toxics/{name}", {"attributes": {"latency": 1}})
        assert client.recv(16) == b"held"


def test_jitter_never_changes_the_order(toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]) -> None:
    """TCP stays TCP: later data waits for earlier data."""
    toxiproxy.add_toxic("p", "latency", latency=5, jitter=5)
    lines = [b"%05d\n" % number for number in range(200)]
    with connected(proxied) as client:
        for line in lines:
            client.sendall(line)
        received = bytearray()
        while len(received) < sum(map(len, lines)):
            received += client.recv(65536)
    assert received == b"".join(lines)


def test_timeout_swallows_data_and_closes_after_the_silence(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """The connection ends when nothing came for `timeout` milliseconds."""
    toxiproxy.add_toxic("p", "timeout", timeout=400)
    with connected(proxied) as client:
        client.sendall(b"lost")
        began = time.monotonic()
        assert is_closed(client)
        assert time.monotonic() - began >= 0.395


def test_timeout_zero_keeps_the_connection_until_it_is_removed(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """A black hole: silent, but open; a stream with a gap cannot go on, so removing it closes the connection."""
    with connected(proxied) as client:
        assert ask(client) == b"ping"
        name = toxiproxy.add_toxic("p", "timeout", timeout=0)
        client.sendall(b"lost")
        assert is_silent(client)
        assert toxiproxy.call("DELETE", f"/proxies/p/toxics/{name}")[0] == 204
        assert is_closed(client)
    with connected(proxied) as client:
        assert ask(client) == b"ping"


def test_bandwidth_limits_the_rate_in_kilobytes_of_1000(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """50,000 bytes at 100 KB/s take half a second."""
    toxiproxy.add_toxic("p", "bandwidth", rate=100)
    with connected(proxied) as client:
        began = time.monotonic()
        client.sendall(b"x" * 50_000)
        received = 0
        while received < 50_000:
            received += len(client.recv(65536))
        assert time.monotonic() - began >= 0.45


def test_bandwidth_zero_lets_nothing_through_and_loses_nothing(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """What is held is delivered when the toxic is removed."""
    name = toxiproxy.add_toxic("p", "bandwidth", rate=0)
    with connected(proxied) as client:
        client.sendall(b"held")
        assert is_silent(client)
        assert toxiproxy.call("DELETE", f"/proxies/p/toxics/{name}")[0] == 204
        received = b""
        while received != b"held":
            received += client.recv(16)


def test_reset_peer_resets_a_new_connection(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """The first data that comes back ends it, by RST."""
    toxiproxy.add_toxic("p", "reset_peer", timeout=0)
    with connected(proxied) as client, pytest.raises(ConnectionResetError):
        ask(client)


def test_reset_peer_armed_later_resets_what_began_under_it(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """A connection that began when the toxic was at toxicity 0 ends by RST once it is armed."""
    name = toxiproxy.add_toxic("p", "reset_peer", toxicity=0, timeout=0)
    with connected(proxied) as client:
        assert ask(client) == b"ping"
        toxiproxy.call("PATCH", f"/proxies/p/toxics/{name}", {"toxicity": 1})
        with pytest.raises(ConnectionResetError):
            ask(client)


def test_reset_peer_closes_an_open_connection_after_its_timeout(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """The first data that comes back ends it, `timeout` milliseconds later and by FIN; that data is lost."""
    with connected(proxied) as client:
        assert ask(client) == b"ping"
        toxiproxy.add_toxic("p", "reset_peer", timeout=300)
        began = time.monotonic()
        assert ask(client) == b""
        assert time.monotonic() - began >= 0.295


def test_limit_data_closes_after_so_many_bytes(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """Exactly the limit arrives, counted over all chunks of a connection."""
    toxiproxy.add_toxic("p", "limit_data", bytes=10)
    for _ in range(2):
        with connected(proxied) as client:
            assert ask(client, b"1234567") == b"1234567"
            client.sendall(b"89012345")
            assert read_all(client) == b"890"


def test_slow_close_delays_the_end(toxiproxy: ToxiproxyServerProcess) -> None:
    """Data passes at once, the end `delay` milliseconds later, or as soon as the toxic is removed."""
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        address = toxiproxy.add_proxy("p", f"127.0.0.1:{upstream.getsockname()[1]}")
        name = toxiproxy.add_toxic("p", "slow_close", delay=300)
        for delay_ms in (300, HOUR_MS):
            toxiproxy.call("PATCH", f"/proxies/p/toxics/{name}", {"attributes": {"delay": delay_ms}})
            with connected(address) as client:
                accepted, _ = upstream.accept()
                with accepted:
                    accepted.sendall(b"bye")
                began = time.monotonic()
                assert client.recv(16) == b"bye"
                if delay_ms == HOUR_MS:
                    assert is_silent(client)
                    toxiproxy.call("DELETE", f"/proxies/p/toxics/{name}")
                assert is_closed(client)
                assert time.monotonic() - began >= 0.25


def test_slicer_cuts_data_into_pieces_and_keeps_it(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """Small pieces arrive one by one, together what was sent."""
    toxiproxy.add_toxic("p", "slicer", average_size=10, size_variation=3, delay=20_000)
    data = bytes(range(60))
    with connected(proxied) as client:
        client.sendall(data)
        pieces: list[bytes] = []
        while sum(map(len, pieces)) < len(data):
            pieces.append(client.recv(65536))
    assert b"".join(pieces) == data
    assert len(pieces) >= 3


def test_toxics_of_one_direction_act_one_after_another(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """Delays add up, and a limit before a delay still lets its bytes through."""
    for name, kind, attributes in (
        ("one", "latency", {"latency": 150}),
        ("limit", "limit_data", {"bytes": 4}),
        ("two", "latency", {"latency": 150}),
    ):
        toxiproxy.call("POST", "/proxies/p/toxics", {"name": name, "type": kind, "attributes": attributes})
    with connected(proxied) as client:
        began = time.monotonic()
        client.sendall(b"pings")
        assert read_all(client) == b"ping"
        assert time.monotonic() - began >= 0.295


def test_a_toxic_at_toxicity_zero_is_armed_by_an_update(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """At 0 it is harmless; at 1 it acts on new connections and on those that were open already."""
    with connected(proxied) as client:
        assert ask(client) == b"ping"
        name = toxiproxy.add_toxic("p", "latency", toxicity=0, latency=HOUR_MS)
        assert ask(client) == b"ping"
        toxiproxy.call("PATCH", f"/proxies/p/toxics/{name}", {"toxicity": 1})
        with connected(proxied) as other:
            for held in (client, other):
                held.sendall(b"held")
            assert is_silent(client)
            assert is_silent(other)
            toxiproxy.call("PATCH", f"/proxies/p/toxics/{name}", {"toxicity": 0})
            for held in (client, other):
                assert held.recv(16) == b"held"


def test_toxicity_is_drawn_once_per_connection(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """A share of the connections is hit, each of them always or never."""
    clients = [socket.create_connection(proxied, timeout=SOON_S) for _ in range(40)]
    try:
        for client in clients:
            assert ask(client) == b"ping"
        toxiproxy.add_toxic("p", "timeout", toxicity=0.5, timeout=0)
        for client in clients:
            client.sendall(b"x")
        time.sleep(0.5)
        spared = select.select(clients, [], [], 0)[0]
        assert 0 < len(spared) < len(clients)
        for client in spared:
            assert client.recv(16) == b"x"
        for _ in range(3):
            for client in spared:
                assert ask(client) == b"ping"
    finally:
        for client in clients:
            client.close()
