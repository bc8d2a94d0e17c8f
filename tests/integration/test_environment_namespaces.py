"""The tests' pairs of network namespaces carry traffic, and its measurements show a fault of the kernel's own tools."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.machine_tools import MachineTools
from tests.network_namespaces import NamespacePair
from tests.toxiproxy_servers import ROOT


def test_traffic_passes(pair: NamespacePair) -> None:
    """HTTP, TCP echo and UDP echo of the server's namespace answer the client's, losing nothing."""
    assert pair.get() == (200, "ok\n")
    assert 0 < pair.round_trips().p50_s <= pair.round_trips(200).p99_s
    sent = pair.datagrams(200)
    assert (sent.lost, sent.refused, sent.answered) == (0, 0, 200)


def test_pair_is_known_by_name(pair: NamespacePair, machine_tools: MachineTools) -> None:
    """`ip netns` lists both namespaces, and this process is in neither."""
    listed = machine_tools.run("ip", "netns", "list").split()
    assert {pair.client.path.name, pair.server.path.name} <= set(listed)
    assert pair.interface not in machine_tools.run("ip", "-o", "link")


@pytest.mark.parametrize("direction", ["upload", "download"])
def test_throughput_shows_a_rate_limit(pair: NamespacePair, direction: str) -> None:
    """A token bucket of 5 Mbit/s at the sender's end is what the measurement finds, within a fifth."""
    sender = pair.client if direction == "upload" else pair.server
    bucket = ("rate", "5mbit", "burst", "16kb", "latency", "2s")
    sender.run("tc", "qdisc", "add", "dev", pair.interface, "root", "tbf", *bucket)
    found = pair.upload_bit_s() if direction == "upload" else pair.download_bit_s()
    assert 4e6 < found < 6e6


@pytest.mark.parametrize("side", ["client", "server"])
def test_datagrams_show_a_loss(pair: NamespacePair, side: str) -> None:
    """A rule that drops every second datagram costs half of them; where the sender drops them it is told."""
    namespace, chain = (pair.client, "OUTPUT") if side == "client" else (pair.server, "INPUT")
    nth = ("-m", "statistic", "--mode", "nth", "--every", "2", "--packet", "0")
    namespace.run("iptables", "-A", chain, "-p", "udp", "--dport", "7", *nth, "-j", "DROP")
    found = pair.datagrams(200)
    assert (found.sent, found.lost, found.answered) == (200, 100, 100)
    assert found.refused == (100 if side == "client" else 0)


def test_nftables_rules_work(pair: NamespacePair) -> None:
    """nft takes a table from its standard input, and its drop is a timeout to the client."""
    rules = "table inet t { chain c { type filter hook input priority 0; tcp dport 8080 drop; }; }"
    pair.server.run("nft", "-f", "-", stdin=rules)
    with pytest.raises(TimeoutError):
        pair.get(timeout=0.3)
    pair.server.run("nft", "delete", "table", "inet", "t")
    assert pair.get()[0] == 200


KILLED = """
import os, signal
from tests.machine_tools import machine_tools
from tests.network_namespaces import namespace_pair
with namespace_pair(machine_tools()) as pair:
    print(pair.client.path, pair.server.path, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_is_left_of_a_killed_test(machine_tools: MachineTools) -> None:
    """When the process of the tests is killed, its namespaces go too."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    paths = [Path(path) for path in killed.stdout.split()]
    deadline = time.monotonic() + 30
    while any(path.exists() for path in paths) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(paths) == 2
    assert not any(path.exists() for path in paths)
