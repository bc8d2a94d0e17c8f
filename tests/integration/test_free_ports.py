"""Choosing loopback ports for services."""

from __future__ import annotations

import socket

import pytest

from slochaos.errors import InvalidInput, ServiceError
from slochaos.runner.ports import choose_ports


def test_ports_are_different_free_and_out_of_the_way() -> None:
    """Below those that the system gives to outgoing connections."""
    chosen = choose_ports(["api", "database", "model"], {})
    assert set(chosen) == {"port_api", "port_database", "port_model"}
    assert len(set(chosen.values())) == 3
    for port in chosen.values():
        assert 10_000 <= int(port) < 32_000
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", int(port)))


def test_a_port_may_be_chosen_by_hand() -> None:
    """`--set port_api=...` counts if the port is free."""
    free = choose_ports(["api"], {})["port_api"]
    assert choose_ports(["api"], {"port_api": free}) == {"port_api": free}


def test_a_port_that_is_taken_is_said() -> None:
    """With its number and name."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(ServiceError, match=rf"port {port} \(port_api\)"):
            choose_ports(["api"], {"port_api": port})


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "", "1e3"])
def test_what_is_no_port_is_said(text: str) -> None:
    """Usage, not an error of ours."""
    with pytest.raises(InvalidInput, match="is not a port"):
        choose_ports(["api"], {"port_api": text})
