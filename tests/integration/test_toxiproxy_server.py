"""What proxies do to connections: each test runs on the embedded server and on the real one."""

from __future__ import annotations

import socket
import threading

import pytest

from tests.tcp_clients import SOON_S, ask, connected, is_closed, read_all
from tests.toxiproxy_servers import ToxiproxyServerProcess
from tests.upstreams import Upstream


@pytest.fixture
def proxied(toxiproxy: ToxiproxyServerProcess, echo: Upstream) -> tuple[str, int]:
    """The address of a proxy called "p" in front of the echo."""
    return toxiproxy.add_proxy("p", echo.address)


def test_megabytes_are_relayed_unchanged_in_both_directions(proxied: tuple[str, int]) -> None:
    """What goes in comes out, in order."""
    data = bytes(range(256)) * 16 * 1024
    with connected(proxied) as client:
        sender = threading.Thread(target=client.sendall, args=(data,))
        sender.start()
        received = bytearray()
        while len(received) < len(data):
            received += client.recv(1 << 20)
        sender.join()
    assert received == data


def test_an_upstream_that_refuses_closes_the_client(
    toxiproxy: ToxiproxyServerProcess, echo: Upstream
) -> None:
    """A client meets the end of its connection, and the proxy goes on."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = toxiproxy.add_proxy("p", f"127.0.0.1:{nobody.getsockname()[1]}")
        for _ in range(2):
            with connected(address) as client:
                assert is_closed(client)
    toxiproxy.call("PATCH", "/proxies/p", {"upstream": echo.address})
    with connected(address) as client:
        assert ask(client) == b"ping"


def test_an_upstream_that_closes_closes_the_client(toxiproxy: ToxiproxyServerProcess) -> None:
    """Data sent before the end arrives before the end."""
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        address = toxiproxy.add_proxy("p", f"127.0.0.1:{upstream.getsockname()[1]}")
        with connected(address) as client:
            accepted, _ = upstream.accept()
            with accepted:
                accepted.sendall(b"bye")
            assert read_all(client) == b"bye"


def test_disabling_closes_open_connections_and_refuses_new_ones(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """Toxics stay, and enabling opens the same port again."""
    toxiproxy.add_toxic("p", "noop")
    with connected(proxied) as client:
        assert ask(client) == b"ping"
        status, answer = toxiproxy.call("PATCH", "/proxies/p", {"enabled": False})
        assert (status, answer["enabled"], len(answer["toxics"])) == (200, False, 1)
        assert is_closed(client)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(proxied, timeout=SOON_S)
    toxiproxy.call("PATCH", "/proxies/p", {"enabled": True})
    with connected(proxied) as client:
        assert ask(client) == b"ping"


def test_deleting_a_proxy_closes_open_connections(
    toxiproxy: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """Nothing of a deleted proxy goes on."""
    with connected(proxied) as client:
        assert ask(client) == b"ping"
        toxiproxy.call("DELETE", "/proxies/p")
        assert is_closed(client)
