"""The presets in `toxics/` through the guard, on both Toxiproxy servers: what a client sees of each.

Times are lower bounds only: a toxic may act later on a busy machine, never earlier.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slochaos.guard.client import Guard, connect
from slochaos.spec import toxics
from tests.guarded import Target, make_config, make_target
from tests.tcp_clients import ask, connected, is_closed, is_silent, read_all
from tests.toxiproxy_servers import ROOT, ToxiproxyServerProcess
from tests.upstreams import Upstream

PRESETS = {path.stem: toxics.load(path) for path in (ROOT / "toxics").glob("*.json")}
KILOBYTE = 1000
Address = tuple[str, int]


@contextmanager
def in_force(folder: Path, target: Target, preset: str) -> Iterator[Address]:
    """The preset held on its proxy by a guard, and undone at the end; where clients connect to."""
    guard = Guard.start(make_config(folder, target.environment()))
    client = connect(guard.socket)
    try:
        client.inject(preset, "toxiproxy", PRESETS[preset].parameters, 60.0)
        host, _, port = target.allowed.listen.rpartition(":")
        yield host, int(port)
    finally:
        client.close()
        guard.finish()


def refuses(address: Address) -> None:
    """Nobody listens."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5).close()


def answers_late(address: Address) -> None:
    """100 ms, 20 more or less, for each answer on an open connection; the handshake is not delayed."""
    with connected(address) as client:
        for _ in range(5):
            began = time.monotonic()
            assert ask(client) == b"ping"
            assert time.monotonic() - began >= 0.079


def answers_late_and_slowly(address: Address) -> None:
    """40 ms, 10 more or less, and then 200 KB/s."""
    with connected(address) as client:
        assert seconds_to_get_back(client, 1) >= 0.029
        assert seconds_to_get_back(client, 60 * KILOBYTE) >= 0.29


def answers_slowly(address: Address) -> None:
    """100 KB/s, and nothing is lost."""
    with connected(address) as client:
        assert seconds_to_get_back(client, 50 * KILOBYTE) >= 0.45


def never_answers(address: Address) -> None:
    """The connection is taken and stays open, and nothing comes back."""
    with connected(address) as client:
        client.sendall(b"ping")
        assert is_silent(client)


def resets(address: Address) -> None:
    """The answer is lost to an RST, on the next connection again."""
    for _ in range(2):
        with connected(address) as client, pytest.raises(ConnectionResetError):
            ask(client)


def cuts_off(address: Address) -> None:
    """Exactly 100 bytes of a longer answer arrive, then the connection ends."""
    with connected(address) as client:
        client.sendall(b"x" * 150)
        assert read_all(client) == b"x" * 100


def closes_late(address: Address) -> None:
    """The answer comes at once, the end of the connection a second later."""
    with connected(address) as client:
        assert ask(client) == b"ping"
        client.shutdown(socket.SHUT_WR)
        began = time.monotonic()
        assert is_closed(client)
        assert time.monotonic() - began >= 0.95


def seconds_to_get_back(client: socket.socket, size: int) -> float:
    """How long the echo of `size` bytes takes."""
    began, received = time.monotonic(), 0
    client.sendall(b"x" * size)
    while received < size:
        received += len(client.recv(65536))
    return time.monotonic() - began


EFFECTS: dict[str, Callable[[Address], None]] = {
    "db_outage": refuses,
    "db_latency": answers_late,
    "db_slow_network": answers_late_and_slowly,
    "db_bandwidth": answers_slowly,
    "provider_down": refuses,
    "provider_outage": never_answers,
    "provider_resets": resets,
    "provider_truncated": cuts_off,
    "provider_slow_close": closes_late,
}


def test_no_preset_is_left_out() -> None:
    """Every file in `toxics/` has its effect told here."""
    assert EFFECTS.keys() == PRESETS.keys()


@pytest.mark.parametrize("preset", EFFECTS)
def test_a_preset_does_what_it_says_and_nothing_is_left_of_it(
    tmp_path: Path, toxiproxy: ToxiproxyServerProcess, echo: Upstream, preset: str
) -> None:
    """A client sees the effect while the fault is in force, and an undisturbed echo afterwards."""
    target = make_target(toxiproxy, echo.address, name=PRESETS[preset].proxy)
    with in_force(tmp_path, target, preset) as address:
        EFFECTS[preset](address)
    assert target.clean()
    with connected(address) as client:
        assert ask(client) == b"ping"
