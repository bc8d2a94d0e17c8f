"""A guard that ends its run by itself: what makes it do so, and in which order it says and does it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slochaos.guard.client import Guard, connect
from slochaos.guard.connection import GuardEvent
from tests.guarded import LATENCY, OUTAGE, Target, inject, make_config, make_target, wait_until
from tests.toxiproxy_servers import ToxiproxyServerProcess


@pytest.fixture
def target(toxiproxy: ToxiproxyServerProcess) -> Target:
    return make_target(toxiproxy)


@contextmanager
def sleeping() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing, in a session of its own, killed after use."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def events_until(guard: Guard, kind: str) -> list[GuardEvent]:
    """What the guard told, up to an event of this kind."""
    seen: list[GuardEvent] = []

    def told() -> bool:
        seen.extend(guard.events())
        return kind in [event.kind for event in seen]

    assert wait_until(told), [event.kind for event in seen]
    return seen


def test_a_supervisor_that_is_stopped_before_its_first_sign_of_life_is_noticed(
    tmp_path: Path, target: Target
) -> None:
    """It has never beaten, so its silence says nothing; the guard sees it stopped, undoes, and ends the run."""
    with sleeping() as supervisor, sleeping() as child:
        config = make_config(tmp_path, target.environment(), watch_pid=supervisor.pid, heartbeat_s=60.0)
        guard = Guard.start(config)
        guard.adopt(child.pid)
        client = connect(guard.socket)
        inject(client, OUTAGE, 30.0)
        supervisor.send_signal(signal.SIGSTOP)
        ending = [event for event in events_until(guard, "ended") if event.kind == "ending"]
        assert [event.detail["reason"] for event in ending] == ["the process of the run was stopped"]
        assert child.wait(timeout=10) == -signal.SIGKILL
        client.close()
        guard.finish()
    assert target.clean()
    assert not list((tmp_path / "state" / "undo").iterdir())


def test_a_guard_says_that_it_ends_the_run_before_it_undoes(tmp_path: Path, target: Target) -> None:
    """Else an experiment that goes on once its fault is undone could be taken for one that ran its course."""
    guard = Guard.start(make_config(tmp_path, target.environment()))
    client = connect(guard.socket)
    inject(client, OUTAGE, 30.0)
    inject(client, LATENCY, 30.0)
    os.kill(guard.pid, signal.SIGTERM)
    kinds = [event.kind for event in events_until(guard, "ended")]
    assert kinds[kinds.index("ending") :] == ["ending", *["undoing", "undone"] * 2, "ended"]
    assert "undoing" not in kinds[: kinds.index("ending")]
    client.close()
    guard.finish()
    assert target.clean()
