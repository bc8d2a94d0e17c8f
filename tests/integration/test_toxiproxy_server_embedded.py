"""What the embedded Toxiproxy server does better than the real one, and how it stands up to bad peers."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tcp_clients import SOON_S
from tests.toxiproxy_servers import ToxiproxyServerProcess, free_port, start_embedded
from tests.upstreams import Upstream

HOUR_MS = 3_600_000


@pytest.fixture
def server(embedded_toxiproxy: ToxiproxyServerProcess) -> ToxiproxyServerProcess:
    """The embedded server."""
    return embedded_toxiproxy


@pytest.fixture
def proxied(server: ToxiproxyServerProcess, echo: Upstream) -> tuple[str, int]:
    """The address of a proxy called "p" in front of the echo."""
    return server.add_proxy("p", echo.address)


@contextlib.contextmanager
def hung_upstream() -> Iterator[str]:
    """An address that neither accepts nor refuses: its queue is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def test_a_half_closed_connection_still_delivers_the_answer(server: ToxiproxyServerProcess) -> None:
    """A client that only says that it sends no more gets everything that the upstream still has to say."""
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        address = server.add_proxy("p", f"127.0.0.1:{upstream.getsockname()[1]}")
        with socket.create_connection(address, timeout=SOON_S) as client:
            accepted, _ = upstream.accept()
            with accepted:
                client.sendall(b"question")
                client.shutdown(socket.SHUT_WR)
                assert b"".join(iter(lambda: accepted.recv(64), b"")) == b"question"
                accepted.sendall(b"answer")
            assert b"".join(iter(lambda: client.recv(64), b"")) == b"answer"


@pytest.mark.parametrize("upstream", ["a" * 300 + ":1", "b\0d:1", "192.0.2.1:http"])
def test_an_upstream_that_cannot_be_a_name_closes_the_client(tmp_path: Path, upstream: str) -> None:
    """Also what no name server would be asked for; nothing unexpected reaches the log."""
    server = start_embedded(tmp_path / "log", "--allow-any-upstream")
    try:
        status, proxy = server.call(
            "POST", "/proxies", {"name": "p", "listen": "127.0.0.1:0", "upstream": upstream}
        )
        if status == 201:
            address = ("127.0.0.1", int(proxy["listen"].rpartition(":")[2]))
            with socket.create_connection(address, timeout=SOON_S) as client:
                assert client.recv(16) == b""
            assert "cannot connect to its upstream" in server.log.read_text()
        assert "Traceback" not in server.log.read_text()
        assert "never retrieved" not in server.log.read_text()
    finally:
        server.end()


def test_ipv6_addresses_work(server: ToxiproxyServerProcess) -> None:
    """In brackets, for both ends."""
    try:
        listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    with listening as upstream:
        port = upstream.getsockname()[1]
        status, proxy = server.call(
            "POST", "/proxies", {"name": "p", "listen": "[::1]:0", "upstream": f"[::1]:{port}"}
        )
        assert (status, proxy["listen"][:6]) == (201, "[::1]:")
        with socket.create_connection(("::1", int(proxy["listen"][6:])), timeout=SOON_S) as client:
            accepted, _ = upstream.accept()
            with accepted:
                client.sendall(b"six")
                assert accepted.recv(16) == b"six"


def test_a_disabled_proxy_keeps_its_port(server: ToxiproxyServerProcess, proxied: tuple[str, int]) -> None:
    """Nobody else gets it until the proxy is enabled, moved or deleted; clients are refused meanwhile."""
    for change, body in (("PATCH", {"listen": "127.0.0.1:0"}), ("DELETE", None)):
        address = server.call("GET", "/proxies/p")[1]["listen"].split(":")
        where = (address[0], int(address[1]))
        server.call("PATCH", "/proxies/p", {"enabled": False})
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(where, timeout=SOON_S)
        with socket.socket() as other:
            with pytest.raises(OSError, match="in use"):
                other.bind(where)
            server.call(change, "/proxies/p", body)
            other.bind(where)
        server.call("PATCH", "/proxies/p", {"enabled": True})


def test_removing_a_timeout_spares_connections_that_it_did_not_hit(
    server: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """A toxic at toxicity 0 leaves no trace, also not when it goes."""
    with socket.create_connection(proxied, timeout=SOON_S) as client:
        name = server.add_toxic("p", "timeout", toxicity=0, timeout=0)
        server.call("DELETE", f"/proxies/p/toxics/{name}")
        client.sendall(b"alive")
        assert client.recv(16) == b"alive"


def test_an_unrelated_toxic_does_not_change_who_is_hit(
    server: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """The draw of a connection belongs to one toxic; others come and go without a new draw."""
    clients = [socket.create_connection(proxied, timeout=SOON_S) for _ in range(30)]
    try:
        server.add_toxic("p", "latency", toxicity=0.5, latency=HOUR_MS)
        for kind in ("noop", "slicer"):
            server.add_toxic("p", kind, average_size=100)
        server.call("DELETE", "/proxies/p/toxics/noop_downstream")
        for client in clients:
            client.sendall(b"x")
        time.sleep(0.3)
        for client in clients:
            client.setblocking(False)
        spared = [client for client in clients if _has_data(client)]
        assert 0 < len(spared) < len(clients)
        server.add_toxic("p", "slow_close", delay=1)
        for client in clients:
            with contextlib.suppress(BlockingIOError):
                client.send(b"y")
        time.sleep(0.3)
        assert [client for client in clients if _has_data(client)] == spared
    finally:
        for client in clients:
            client.close()


def test_a_hung_upstream_stalls_neither_clients_nor_the_api(
    server: ToxiproxyServerProcess, echo: Upstream
) -> None:
    """Clients of a black-holed upstream wait; the proxy still accepts, and can be moved and disabled."""
    with hung_upstream() as hung:
        address = server.add_proxy("p", hung)
        waiting = [socket.create_connection(address, timeout=SOON_S) for _ in range(5)]
        try:
            server.call("PATCH", "/proxies/p", {"upstream": echo.address})
            for client in waiting:
                assert client.recv(16) == b""
            with socket.create_connection(address, timeout=SOON_S) as client:
                client.sendall(b"moved")
                assert client.recv(16) == b"moved"
        finally:
            for client in waiting:
                client.close()


@pytest.mark.parametrize(
    ("kind", "latency", "rate"), [("noop", 0, 0), ("latency", 50, 0), ("bandwidth", 0, 10**6)]
)
def test_a_client_that_does_not_read_slows_the_sender_down(
    server: ToxiproxyServerProcess, kind: str, latency: int, rate: int
) -> None:
    """What is in flight is bounded, and removing the toxic does not wait for that client."""
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        address = server.add_proxy("p", f"127.0.0.1:{upstream.getsockname()[1]}")
        name = server.add_toxic("p", kind, latency=latency, rate=rate)
        with socket.create_connection(address, timeout=SOON_S) as client:
            accepted, _ = upstream.accept()
            with accepted:
                sent = _fill(accepted)
                assert sent < 64 * 1024 * 1024
                assert server.call("DELETE", f"/proxies/p/toxics/{name}")[0] == 204
            assert len(b"".join(iter(lambda: client.recv(1 << 20), b""))) == sent


def test_the_server_ends_at_once_with_open_connections(
    server: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """SIGTERM ends it with exit code 0, whatever its clients do."""
    with hung_upstream() as hung:
        address = server.add_proxy("hung", hung)
        with (
            socket.create_connection(proxied, timeout=SOON_S),
            socket.create_connection(address, timeout=SOON_S),
        ):
            server.process.terminate()
            assert server.process.wait(timeout=5) == 0


def test_flags_open_what_is_closed_by_default(tmp_path: Path, echo: Upstream) -> None:
    """Listening elsewhere and unlisted upstreams need their flags; a listed upstream does not."""
    elsewhere = {"name": "e", "listen": "0.0.0.0:0", "upstream": echo.address}
    unlisted = {"name": "u", "listen": "127.0.0.1:0", "upstream": "192.0.2.1:5432"}
    listed = f"l=127.0.0.1:{free_port()},db.example.test:5432"
    server = start_embedded(tmp_path / "closed.log", "--proxy", listed)
    try:
        assert server.call("GET", "/proxies/l")[1]["enabled"]
        for proxy, flag in ((elsewhere, "--listen-elsewhere"), (unlisted, "--allow-any-upstream")):
            status, answer = server.call("POST", "/proxies", proxy)
            assert (status, flag in answer["error"]) == (403, True)
            assert server.call("POST", "/proxies", {**proxy, "enabled": False})[0] == 201
            assert server.call("PATCH", f"/proxies/{proxy['name']}", {"enabled": True})[0] == 403
        before = server.call("GET", "/proxies/l")
        assert server.call("PATCH", "/proxies/l", {"upstream": "192.0.2.1:5432"})[0] == 403
        assert server.call("GET", "/proxies/l") == before
    finally:
        server.end()
    server = start_embedded(tmp_path / "open.log", "--listen-elsewhere", "--allow-any-upstream")
    try:
        assert [server.call("POST", "/proxies", proxy)[0] for proxy in (elsewhere, unlisted)] == [201, 201]
    finally:
        server.end()


def _has_data(client: socket.socket) -> bool:
    try:
        return bool(client.recv(16))
    except BlockingIOError:
        return False


def _fill(sender: socket.socket) -> int:
    """Send until nothing more is taken for half a second; the number of bytes."""
    sender.settimeout(0.5)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < 128 * 1024 * 1024:
            sent += sender.send(b"x" * 65536)
    return sent
