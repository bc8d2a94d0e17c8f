"""Packet faults beyond what every fault promises: how exactly they hit, where, and what they leave alone."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import Refused
from slochaos.faults import prepare
from slochaos.faults.fault import Ticket
from slochaos.guard.client import ExperimentClient, Guard, connect
from slochaos.spec.environment import Environment
from slochaos.spec.targets import AllowedNetwork, Targets
from tests.guarded import changes_of, make_config, wait_until
from tests.network_namespaces import NamespacePair

SENT = 4000


def environment(pair: NamespacePair, **entry: Any) -> Environment:
    """What the client's namespace sends to the server's echo, over TCP unless said otherwise."""
    known = {"peer": f"{pair.server_address}/32", "port": pair.servers.echo_port, "protocol": "tcp"}
    network = AllowedNetwork("shop", namespace=str(pair.client.path), **{**known, **entry})
    return Environment("net", Path("net.yaml"), targets=Targets(networks=(network,)))


@contextmanager
def guarded(folder: Path, pair: NamespacePair, **entry: Any) -> Iterator[tuple[Guard, ExperimentClient]]:
    """A guard that may disturb those packets."""
    guard = Guard.start(make_config(folder, environment(pair, **entry), run_id=f"net-{os.getpid()}"))
    client = connect(guard.socket)
    try:
        yield guard, client
    finally:
        client.close()
        guard.finish()


@pytest.mark.parametrize(("direction", "ways"), [("out", 1), ("in", 1), ("both", 2)])
def test_a_share_of_packets_is_lost(tmp_path: Path, pair: NamespacePair, direction: str, ways: int) -> None:
    """Of 4,000 datagrams and their echoes as many as chance allows (five deviations), and no sender is told."""
    with guarded(tmp_path, pair, protocol="udp") as (_, client):
        asked = {"target": "shop", "loss": "5%", "direction": direction}
        state = client.inject("f", "network.loss", asked, 60)
        seen = pair.datagrams(SENT)
        client.end_faults()
    through = 0.95**ways
    deviation = math.sqrt(SENT * through * (1 - through))
    assert seen.refused == 0
    assert abs(seen.answered - SENT * through) < 5 * deviation, (seen, state)
    assert (seen.lost == 0) is (direction == "in")
    assert pair.datagrams(200).answered == 200


@pytest.mark.parametrize(("delay", "jitter"), [(100, 0), (50, 20)])
def test_packets_are_held_as_long_as_was_asked(
    tmp_path: Path, pair: NamespacePair, delay: int, jitter: int
) -> None:
    """A round trip takes once the delay: half of them within a tenth of it, whatever the jitter."""
    with guarded(tmp_path, pair) as (_, client):
        asked = {"target": "shop", "delay": f"{delay}ms", "jitter": f"{jitter}ms"}
        client.inject("f", "network.latency", asked, 60)
        times = pair.round_trips(60).times_s
        client.end_faults()
    middle = sorted(times)[30] * 1000
    assert delay * 0.9 < middle < delay * 1.1 + 5
    assert (max(times) - min(times) > 0.02) or not jitter
    assert pair.round_trips(20).p50_s < 0.01


def test_rules_stop_to_match_when_their_time_is_over_whoever_lives(
    tmp_path: Path, pair: NamespacePair
) -> None:
    """The kernel empties the set of peers: with the guard killed and nobody recovering, packets pass again."""
    with_guard = make_config(tmp_path, environment(pair), run_id="expiring")
    guard = Guard.start(with_guard)
    client = connect(guard.socket)
    client.inject("f", "network.blackhole", {"target": "shop"}, 1)
    os.kill(guard.pid, signal.SIGKILL)
    guard._kill()
    client.close()
    assert not passes(pair)
    assert wait_until(lambda: passes(pair), 15)


def passes(pair: NamespacePair) -> bool:
    """Whether an echo comes back at once."""
    try:
        pair.round_trips(1, timeout=0.3)
    except OSError:
        return False
    return True


def test_no_traffic_is_no_evidence(tmp_path: Path, pair: NamespacePair) -> None:
    """Where nothing passed, nobody can say that the fault was in force."""
    with guarded(tmp_path, pair) as (_, client):
        state = client.wait(client.inject("f", "network.blackhole", {"target": "shop"}, 1.5).id)
    assert (state.looks, state.evidence) == (0, "")


def test_what_the_host_lacks_is_refused_before_anything_is_touched(
    pair: NamespacePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing tool is named with what to install."""
    ticket = Ticket("lacking", 1, int(time.time()) + 60)
    for kind, more in (("network.blackhole", {}), ("network.latency", {"delay": "10ms"})):
        [change] = changes_of(prepare(kind, {"target": "shop", **more}, environment(pair), ticket))
        change.check()
        with monkeypatch.context() as without:
            without.setattr("slochaos.faults.network.namespace.found", lambda _: None)
            with pytest.raises(Refused, match="is not installed"):
                change.perform()
    assert "slochaos" not in pair.client.run("nft", "list", "ruleset")


def test_a_namespace_that_is_not_there_is_refused() -> None:
    """With its path."""
    gone = AllowedNetwork("shop", "10.77.0.2/32", 7, namespace="/run/netns/none")
    allowed = Environment("net", Path("net.yaml"), targets=Targets(networks=(gone,)))
    injection = prepare("network.blackhole", {"target": "shop"}, allowed, Ticket("r", 1, 1))
    with pytest.raises(Refused, match="no network namespace /run/netns/none"):
        changes_of(injection)
