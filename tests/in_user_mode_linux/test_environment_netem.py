"""tc's netem, which this kernel has, is seen by the measurements between two network namespaces."""

from __future__ import annotations

import platform

from tests.network_namespaces import NamespacePair


def test_kernel_is_another() -> None:
    """This runs in user-mode-linux."""
    assert platform.release().startswith("6.1.")


def test_delay_is_measured(pair: NamespacePair) -> None:
    """A delay of 50 ms at one end lengthens each round trip by 50 ms, and ends when it is removed."""
    pair.client.run("tc", "qdisc", "add", "dev", pair.interface, "root", "netem", "delay", "50ms")
    assert 0.05 <= pair.round_trips(20).p50_s < 0.075
    pair.client.run("tc", "qdisc", "del", "dev", pair.interface, "root")
    assert pair.round_trips(20).p50_s < 0.025


def test_loss_is_counted(pair: NamespacePair) -> None:
    """Of 1,000 datagrams under a loss of 20 %, 160 to 240 are lost: three standard deviations."""
    pair.client.run("tc", "qdisc", "add", "dev", pair.interface, "root", "netem", "loss", "20%")
    found = pair.datagrams(1000)
    assert 160 <= found.lost <= 240
    assert found.answered == found.arrived
