"""The canary that looks for a toxic's effect, on both Toxiproxy servers in front of a real HTTP server."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import Refused
from slochaos.faults.toxiproxy.canary import QUESTIONS
from slochaos.guard.client import Guard, connect
from slochaos.guard.connection import InjectionState
from slochaos.spec.experiment import PlannedFault
from slochaos.spec.targets.proxies import CANARIES
from tests.guarded import Target, make_config, make_target
from tests.toxiproxy_servers import ToxiproxyServerProcess
from tests.upstreams import Upstream


class _Handler(BaseHTTPRequestHandler):
    """Answers HEAD."""

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing to tell."""


@pytest.fixture
def http() -> Iterator[str]:
    """The address of an HTTP server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def with_canary(server: ToxiproxyServerProcess, upstream: str, canary: str = "http") -> Target:
    """A proxy that may be asked."""
    target = make_target(server, upstream)
    return Target(server, replace(target.allowed, canary=canary))


def held(folder: Path, target: Target, kind: str, **attributes: int) -> InjectionState:
    """One toxic, held for a second; how it ended."""
    toxic = {"type": kind, "attributes": attributes}
    guard = Guard.start(make_config(folder, target.environment()))
    client = connect(guard.socket)
    try:
        applied = client.inject("fault", "toxiproxy", {"proxy": "database", "toxics": [toxic]}, 1.0)
        return client.wait(applied.id)
    finally:
        client.close()
        guard.finish()


def test_every_canary_that_an_environment_may_name_has_its_question() -> None:
    """The allow-list and the fault agree."""
    assert set(CANARIES) == set(QUESTIONS)


def test_the_delay_is_measured_beside_what_was_asked(
    tmp_path: Path, toxiproxy: ToxiproxyServerProcess, http: str
) -> None:
    """The evidence says by how much answers were late."""
    state = held(tmp_path, with_canary(toxiproxy, http), "latency", latency=150, jitter=30)
    assert state.seen == state.looks >= 1
    told = re.fullmatch(
        r"(\d+) of \1 looks found the toxic in force, answers after (\d+) ms \(asked: 120 to 180 ms of delay\)",
        state.evidence,
    )
    assert told is not None, state.evidence
    assert int(told[2]) >= 120


def test_bytes_that_are_left_are_counted(
    tmp_path: Path, toxiproxy: ToxiproxyServerProcess, http: str
) -> None:
    """An answer cut after 20 bytes has 20."""
    state = held(tmp_path, with_canary(toxiproxy, http), "limit_data", bytes=20)
    assert state.seen == state.looks >= 1
    assert state.evidence.endswith(", 20 bytes of the answer (asked: 20 at most)")


@pytest.mark.parametrize("kind", ["timeout", "reset_peer"])
def test_an_answer_that_does_not_come_is_the_effect(
    tmp_path: Path, toxiproxy: ToxiproxyServerProcess, http: str, kind: str
) -> None:
    """Silence, or a reset, is what these toxics are for."""
    state = held(tmp_path, with_canary(toxiproxy, http), kind, timeout=0)
    assert state.seen == state.looks >= 1


def test_a_canary_that_nobody_answers_is_refused_before_anything_is_touched(
    tmp_path: Path, toxiproxy: ToxiproxyServerProcess, echo: Upstream
) -> None:
    """What is silent without a fault would make every silence look like one."""
    target = with_canary(toxiproxy, echo.address)
    toxiproxy.add_toxic("database", "timeout", timeout=0)
    toxic = {"type": "latency", "attributes": {"latency": 10}}
    fault = PlannedFault(
        "f", "toxiproxy", "database", {"proxy": "database", "toxics": [toxic]}, 1.0, False, ""
    )
    guard = Guard.start(make_config(tmp_path, target.environment()))
    try:
        with pytest.raises(Refused, match=r"http canary .* is not answered, even without a fault"):
            guard.lock([fault])
    finally:
        guard.finish()
    assert len(target.state()["toxics"]) == 1
