"""Undo under attack: late requests, APIs that hang or fail, deletes that never come back, other programs."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import SlochaosError, TargetError
from slochaos.faults import prepare
from slochaos.faults.fault import Ticket
from slochaos.faults.operation import Operation
from slochaos.faults.toxiproxy.api import ToxiproxyServer
from slochaos.faults.toxiproxy.canary import reached_at
from slochaos.guard.client import Guard, connect
from slochaos.guard.sweep import sweep
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import PlannedFault
from slochaos.spec.targets import Targets
from tests.guarded import LATENCY, OUTAGE, Target, changes_of, make_config, make_target, wait_until
from tests.meddler import Action, Meddler, meddling
from tests.toxiproxy_servers import ToxiproxyServerProcess, free_port, start_embedded


@pytest.fixture
def target(toxiproxy: ToxiproxyServerProcess) -> Target:
    return make_target(toxiproxy)


def through(meddler: Meddler, target: Target) -> Environment:
    """The same proxy, its API reached through the meddler."""
    return Environment("test", Path("x"), targets=Targets((replace(target.allowed, server=meddler.url),)))


def operation(environment: Environment, parameters: dict[str, Any], expires: float = 3000000000) -> Operation:
    injection = prepare("toxiproxy", parameters, environment, Ticket("attack", 1, int(expires)))
    return changes_of(injection)[0]


def once(matches: Callable[[str, str, bytes], bool], action: Action) -> Callable[[str, str, bytes], Action]:
    """A rule for the first request that matches; the others are relayed."""
    used: list[bool] = []

    def rule(method: str, path: str, body: bytes) -> Action:
        if matches(method, path, body) and not used:
            used.append(True)
            return action
        return "relay"

    return rule


@pytest.mark.parametrize(
    ("parameters", "matches"),
    [
        pytest.param(LATENCY, lambda m, p, _: m == "POST" and p.endswith("/toxics"), id="create of a toxic"),
        pytest.param(LATENCY, lambda m, p, _: m == "PATCH" and "/toxics/" in p, id="arming of a toxic"),
        pytest.param(OUTAGE, lambda m, p, _: m == "POST" and p.endswith("/toxics"), id="tag of an outage"),
        pytest.param(OUTAGE, lambda m, _, b: m == "PATCH" and b"false" in b, id="disabling of a proxy"),
    ],
)
def test_a_request_that_lands_after_its_undo_is_undone_too(
    tmp_path: Path, target: Target, parameters: dict[str, Any], matches: Callable[[str, str, bytes], bool]
) -> None:
    """The answer was lost, the undo verified, and then the request arrived: nothing of it stays."""
    with meddling(target.server.port) as meddler:
        guard = Guard.start(make_config(tmp_path, through(meddler, target)))
        client = connect(guard.socket)
        meddler.rule = once(matches, 3.0)
        with pytest.raises(SlochaosError, match="timed out"):
            client.inject("fault", "toxiproxy", parameters, 5.0)
        client.close()
        guard.finish()
        time.sleep(0.5)
    assert target.clean()


def test_the_connection_of_a_dead_client_is_aborted() -> None:
    """The kernel does not go on sending a request for us after our death: it resets the connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        api = ToxiproxyServer(f"http://127.0.0.1:{server.getsockname()[1]}", read_s=0.2)
        with pytest.raises(TargetError, match="timed out"):
            api.proxies()
        connection, _ = server.accept()
        with connection:
            connection.settimeout(5.0)
            assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET


@pytest.mark.parametrize("parameters", [OUTAGE, LATENCY])
@pytest.mark.parametrize("action", ["fail", "hang"])
def test_an_undo_goes_on_until_the_api_answers(
    tmp_path: Path, target: Target, parameters: dict[str, Any], action: Action
) -> None:
    """A server that fails or hangs when the fault is due to end is tried until it obeys."""
    with meddling(target.server.port) as meddler:
        guard = Guard.start(make_config(tmp_path, through(meddler, target)))
        client = connect(guard.socket)
        state = client.inject("fault", "toxiproxy", parameters, 0.3)
        meddler.rule = lambda _method, _path, _body: action
        deadline = time.monotonic() + 10
        while "failed" not in [event.kind for event in guard.events()]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert not target.clean()
        meddler.rule = lambda _method, _path, _body: "relay"
        meddler.released.set()
        assert client.wait(state.id).state == "undone"
        client.close()
        guard.finish()
    assert target.clean()


@pytest.mark.parametrize(("deletes_that_fail", "by"), [(1, "restarted"), (10, "created anew")])
def test_a_toxic_that_cannot_be_deleted_is_removed_by_harder_means(
    target: Target, deletes_that_fail: int, by: str
) -> None:
    """First that proxy's connections are closed, then that proxy is made anew; foreign toxics come back with it."""
    target.server.add_toxic("database", "bandwidth", rate=1000)
    with meddling(target.server.port) as meddler:
        toxic = operation(through(meddler, target), LATENCY)
        toxic.perform()
        failures = iter(range(deletes_that_fail))
        meddler.rule = lambda m, p, _: (
            "fail" if m == "DELETE" and "/toxics/" in p and next(failures, None) is not None else "relay"
        )
        undone = toxic.undo(applied=True, last=True)
    assert undone.end == "undone"
    assert by in undone.detail
    state = target.state()
    assert [each["type"] for each in state["toxics"]] == ["bandwidth"]
    assert state["enabled"]


def test_a_slow_server_is_no_reason_for_harder_means(target: Target) -> None:
    """Changes that are carried out but answered late must not end in the user's proxy being made anew, or lost."""
    with meddling(target.server.port) as meddler:
        toxic = operation(through(meddler, target), LATENCY)
        toxic.perform()
        asked: list[str] = []

        def rule(method: str, path: str, _body: bytes) -> Action:
            asked.append(f"{method} {path}")
            return "deaf" if method != "GET" else "relay"

        meddler.rule = rule
        assert toxic.undo(applied=True, last=True).end == "undone"
        assert [
            each for each in asked if each.startswith(("PATCH", "DELETE /proxies/database ", "POST"))
        ] == []
    assert target.clean()


def test_a_lock_that_is_being_taken_when_the_run_ends_is_released_too(tmp_path: Path, target: Target) -> None:
    """The guard is told to end while the server has not yet made the lock: it waits, and releases it."""
    asked, ending = threading.Event(), threading.Event()

    def rule(method: str, _path: str, body: bytes) -> Action:
        if method == "POST" and b"slochaos-lock" in body:
            asked.set()
            ending.wait(30)
        return "relay"

    fault = PlannedFault("fault", "toxiproxy", "database", OUTAGE, 1.0, background=False, where="method[0]")
    with meddling(target.server.port) as meddler, ThreadPoolExecutor(1) as pool:
        meddler.rule = rule
        guard = Guard.start(make_config(tmp_path, through(meddler, target)))
        locking = pool.submit(guard.lock, [fault])
        assert asked.wait(30)
        os.kill(guard.pid, signal.SIGTERM)
        assert wait_until(lambda: "ending" in [event.kind for event in guard.events()])
        ending.set()
        locking.exception()
        guard.finish()
    assert target.clean()
    assert not list((tmp_path / "state" / "undo").iterdir())


def test_our_own_half_of_an_undo_is_nobody_elses_doing(tmp_path: Path, target: Target) -> None:
    """An undo that failed after it had enabled the proxy is repeated, and does not blame an operator."""
    with meddling(target.server.port) as meddler:
        guard = Guard.start(make_config(tmp_path, through(meddler, target)))
        client = connect(guard.socket)
        state = client.inject("fault", "toxiproxy", OUTAGE, 0.3)
        meddler.rule = once(lambda m, p, _: m == "DELETE" and "/toxics/" in p, "fail")
        assert client.wait(state.id).state == "undone"
        client.close()
        guard.finish()
    assert target.clean()


def test_a_loopback_proxy_of_another_host_is_not_looked_for_here() -> None:
    """A refused connect on this host's loopback says nothing about a proxy that listens on another's."""
    assert reached_at("127.0.0.1:5432", "http://192.0.2.7:8474") is None
    assert reached_at("127.0.0.1:5432", "http://localhost:8474") == ("127.0.0.1", 5432)
    assert reached_at("0.0.0.0:5432", "http://toxi") == ("toxi", 5432)
    assert reached_at("10.0.0.5:5432", "http://toxi:8474") == ("10.0.0.5", 5432)


def test_the_ladder_leaves_other_proxies_alone(target: Target) -> None:
    """No reset of a shared server: what others disabled stays disabled."""
    other = make_target(target.server, name="other")
    target.server.call("PATCH", "/proxies/other", {"enabled": False})
    target.server.add_toxic("other", "latency", latency=5)
    with meddling(target.server.port) as meddler:
        toxic = operation(through(meddler, target), LATENCY)
        toxic.perform()
        meddler.rule = lambda m, p, _: "fail" if m == "DELETE" and "/toxics/" in p else "relay"
        toxic.undo(applied=True, last=True)
    assert other.state()["enabled"] is False
    assert len(other.state()["toxics"]) == 1


@pytest.mark.parametrize("parameters", [OUTAGE, LATENCY])
def test_another_program_on_the_recorded_port_is_not_taken_for_an_undone_fault(
    tmp_path: Path, target: Target, parameters: dict[str, Any]
) -> None:
    """A web server that answers 404 in place of Toxiproxy does not mean that the proxy is gone."""
    fault = operation(target.environment(), parameters)
    fault.perform()
    target.server.end()
    impostor = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(target.server.port)],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 10
        while True:
            with pytest.raises(TargetError) as raised:
                fault.undo(applied=True, last=True)
            if "is no Toxiproxy" in str(raised.value):
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        impostor.kill()
        impostor.wait()


def test_another_program_on_the_proxys_port_makes_the_undo_fail_and_not_lie(target: Target) -> None:
    """The proxy cannot listen again, so its outage is not called undone; once the port is free it is."""
    outage = operation(target.environment(), OUTAGE)
    outage.perform()
    host, _, port = target.allowed.listen.rpartition(":")
    with socket.create_server((host, int(port))), pytest.raises(TargetError):
        outage.undo(applied=True, last=True)
    assert outage.undo(applied=True, last=True).end == "undone"
    assert target.clean()


def test_a_restarted_server_has_nothing_left_to_undo(tmp_path: Path) -> None:
    """A server that forgot its proxies says itself that they do not exist."""
    port = free_port()
    server = start_embedded(tmp_path / "first.log", port=port)
    target = make_target(server)
    fault = operation(target.environment(), LATENCY)
    fault.perform()
    server.end()
    again = start_embedded(tmp_path / "second.log", port=port)
    try:
        assert fault.undo(applied=True, last=True).end == "gone"
    finally:
        again.end()


def test_sweep_removes_what_has_expired_and_nothing_else(real_toxiproxy: ToxiproxyServerProcess) -> None:
    """By the names on the server alone: toxics, outages and locks of dead hosts."""
    target = make_target(real_toxiproxy)
    second = make_target(real_toxiproxy, name="second")
    later = time.time() + 600
    operation(target.environment(), LATENCY, expires=time.time() - 1).perform()
    operation(second.environment(), {**OUTAGE, "proxy": "second"}, expires=time.time() - 1).perform()
    ticket = Ticket("living", 1, int(later))
    changes_of(prepare("toxiproxy", LATENCY, target.environment(), ticket))[0].perform()
    real_toxiproxy.add_toxic("database", "bandwidth", rate=1000)
    lock = {"listen": "127.0.0.1:0", "enabled": False}
    for name, expires in (("old", 1000), ("new", int(later))):
        body = {**lock, "name": f"slochaos-lock-{name}", "upstream": f"slochaos-{name}-x{expires}.host:1"}
        real_toxiproxy.call("POST", "/proxies", body)
    assert len(sweep([real_toxiproxy.url, real_toxiproxy.url])) == 3
    proxies = real_toxiproxy.call("GET", "/proxies")[1]
    assert set(proxies) == {"database", "second", "slochaos-lock-new"}
    assert sorted(toxic["type"] for toxic in proxies["database"]["toxics"]) == ["bandwidth", "latency"]
    assert proxies["second"]["enabled"]
    assert proxies["second"]["toxics"] == []
    assert sweep([real_toxiproxy.url]) == []


def test_a_dead_proxy_in_the_environment_does_not_matter(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP_PROXY is for browsers: a target's API is reached directly."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    fault = operation(target.environment(), LATENCY)
    fault.perform()
    assert fault.undo(applied=True, last=True).end == "undone"
