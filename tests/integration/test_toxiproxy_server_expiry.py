"""The embedded Toxiproxy server ends by itself what slochaos started, by the epoch in its name."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from tests.tcp_clients import SOON_S, eventually
from tests.toxiproxy_servers import ToxiproxyServerProcess
from tests.upstreams import Upstream

HOUR_MS = 3_600_000


def toxics_of(server: ToxiproxyServerProcess, proxy: str) -> list[str]:
    """The names of a proxy's toxics."""
    return [toxic["name"] for toxic in server.call("GET", f"/proxies/{proxy}/toxics")[1]]


def add_named(server: ToxiproxyServerProcess, proxy: str, name: str, **values: Any) -> None:
    """Create a latency toxic of this name."""
    status, answer = server.call(
        "POST", f"/proxies/{proxy}/toxics", {"name": name, "type": "latency", **values}
    )
    assert status == 200, answer


@pytest.fixture
def server(embedded_toxiproxy: ToxiproxyServerProcess) -> ToxiproxyServerProcess:
    """The embedded server."""
    return embedded_toxiproxy


@pytest.fixture
def proxied(server: ToxiproxyServerProcess, echo: Upstream) -> tuple[str, int]:
    """The address of a proxy called "p" in front of the echo."""
    return server.add_proxy("p", echo.address)


def test_a_toxic_ends_at_the_epoch_in_its_name(
    server: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """Not before it; what it holds is delivered; others' toxics stay."""
    epoch = int(time.time()) + 2
    add_named(server, "p", f"slochaos-run-1-x{epoch}", attributes={"latency": HOUR_MS})
    add_named(server, "p", f"other-run-1-x{epoch}")
    add_named(server, "p", f"slochaos-run-2-x{epoch + 3600}")
    with socket.create_connection(proxied, timeout=SOON_S) as client:
        client.sendall(b"held")
        assert client.recv(16) == b"held"
    assert time.time() >= epoch
    assert eventually(
        lambda: toxics_of(server, "p") == [f"other-run-1-x{epoch}", f"slochaos-run-2-x{epoch + 3600}"]
    )


def test_a_toxic_that_comes_after_its_expiry_is_gone_at_once(
    server: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """A request that was late on its way does no harm."""
    add_named(server, "p", f"slochaos-run-1-x{int(time.time()) - 1}", attributes={"latency": HOUR_MS})
    assert toxics_of(server, "p") == []


def test_an_outage_ends_at_the_epoch_of_its_tag(
    server: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """A disabled proxy with a tag of ours is enabled at its expiry; one that an operator disabled is not."""
    server.add_proxy("operator", "127.0.0.1:1")
    epoch = int(time.time()) + 2
    add_named(server, "p", f"slochaos-run-1-down-x{epoch}", toxicity=0)
    add_named(server, "operator", f"slochaos-run-2-x{epoch}", toxicity=0)
    for proxy in ("p", "operator"):
        server.call("PATCH", f"/proxies/{proxy}", {"enabled": False})
    assert eventually(lambda: server.call("GET", "/proxies/p")[1]["enabled"])
    assert time.time() >= epoch
    assert toxics_of(server, "p") == []
    with socket.create_connection(proxied, timeout=SOON_S) as client:
        client.sendall(b"back")
        assert client.recv(16) == b"back"
    assert eventually(lambda: toxics_of(server, "operator") == [])
    assert not server.call("GET", "/proxies/operator")[1]["enabled"]


def test_an_outage_whose_port_is_taken_ends_when_the_port_is_free(
    server: ToxiproxyServerProcess, proxied: tuple[str, int]
) -> None:
    """The tag stays until the proxy could be enabled."""
    tag = f"slochaos-run-1-down-x{int(time.time()) + 1}"
    add_named(server, "p", tag, toxicity=0)
    server.call("PATCH", "/proxies/p", {"enabled": False})
    with socket.create_server(proxied):
        assert eventually(lambda: "cannot enable proxy p" in server.log.read_text())
        assert toxics_of(server, "p") == [tag]
    assert eventually(lambda: server.call("GET", "/proxies/p")[1]["enabled"])


def test_a_lock_ends_at_its_epoch(server: ToxiproxyServerProcess) -> None:
    """Only what is a lock by name, by upstream and by being disabled."""
    past = int(time.time()) - 1
    for name, upstream, enabled in (
        ("slochaos-lock-a", f"slochaos-run-x{past}.host.example:1", False),
        ("slochaos-lock-b", f"slochaos-run-x{past + 3600}.host:1", False),
        ("slochaos-lock-c", "127.0.0.1:1", False),
        ("database", f"slochaos-run-x{past}.host:1", False),
    ):
        server.add_proxy(name, upstream, enabled=enabled)
    assert eventually(
        lambda: set(server.call("GET", "/proxies")[1]) == {"slochaos-lock-b", "slochaos-lock-c", "database"}
    )


def test_reset_leaves_locks_alone_and_does_all_that_it_can(
    server: ToxiproxyServerProcess, proxied: tuple[str, int], echo: Upstream
) -> None:
    """A proxy that cannot listen is reported after all others were reset."""
    server.add_proxy("slochaos-lock-p", f"slochaos-run-x{int(time.time()) + 3600}.host:1", enabled=False)
    server.call(
        "POST",
        "/proxies",
        {"name": "a-stuck", "listen": echo.address, "upstream": echo.address, "enabled": False},
    )
    server.add_toxic("p", "latency", latency=HOUR_MS)
    server.call("PATCH", "/proxies/p", {"enabled": False})
    assert server.call("POST", "/reset")[0] == 500
    proxies = server.call("GET", "/proxies")[1]
    assert (proxies["p"]["enabled"], proxies["p"]["toxics"]) == (True, [])
    assert not proxies["slochaos-lock-p"]["enabled"]
