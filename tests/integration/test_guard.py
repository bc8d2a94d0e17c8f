"""The guard on real Toxiproxy servers: inject, hold, undo, verify, refuse, and end on every occasion."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import (
    GateClosed,
    GuardError,
    LockHeld,
    Refused,
    StateError,
    TargetError,
    TargetNotAllowed,
    TargetUnreached,
)
from slochaos.guard import control, recovery
from slochaos.guard.client import ExperimentClient, Guard, connect
from slochaos.guard.connection import Connection
from slochaos.guard.undolog import UndoLog, log_path, logged_runs
from slochaos.record import Result
from slochaos.spec.environment import Caps, Environment, Ready, Service
from slochaos.spec.targets import AllowedProxy, Targets
from tests.guarded import (
    LATENCY,
    OUTAGE,
    Target,
    inject,
    make_config,
    make_target,
    only_services,
    wait_until,
)
from tests.toxiproxy_servers import ToxiproxyServerProcess, free_port


@contextmanager
def guarded(folder: Path, environment: Environment, **more: Any) -> Iterator[tuple[Guard, ExperimentClient]]:
    guard = Guard.start(make_config(folder, environment, **more))
    client = connect(guard.socket)
    try:
        yield guard, client
    finally:
        client.close()
        guard.finish()


def kill(guard: Guard) -> None:
    """SIGKILL a guard and reap it, as the end of its whole run would."""
    os.kill(guard.pid, signal.SIGKILL)
    guard._kill()


@pytest.fixture
def target(toxiproxy: ToxiproxyServerProcess) -> Target:
    return make_target(toxiproxy)


@pytest.mark.parametrize("parameters", [OUTAGE, LATENCY])
def test_a_fault_is_applied_seen_and_undone(
    tmp_path: Path, target: Target, parameters: dict[str, Any]
) -> None:
    """After its duration the proxy is as it was, and the evidence counts what was seen meanwhile."""
    with guarded(tmp_path, target.environment()) as (guard, client):
        state = inject(client, parameters, 0.6)
        assert state.state == "applied"
        assert not target.clean()
        ended = client.wait(state.id)
        assert ended.state == "undone"
        assert ended.looks >= 1
        assert ended.seen == ended.looks
        assert ended.applied is not None
        assert ended.undone is not None
        assert ended.undone[0] - ended.applied[0] >= 0.6
        kinds: list[str] = []

        def ended_is_told() -> bool:
            kinds.extend(event.kind for event in guard.events())
            return "undone" in kinds

        assert wait_until(ended_is_told)
        assert kinds == ["intended", "sent", "applied", "undoing", "undone"]
    assert target.clean()
    assert not list((tmp_path / "state" / "undo").iterdir())


def test_every_toxic_is_injected_and_removed(tmp_path: Path, target: Target) -> None:
    """All seven kinds go through, several at once too."""
    toxics: list[dict[str, Any]] = [
        {"type": "latency", "attributes": {"latency": 10, "jitter": 5}},
        {"type": "bandwidth", "attributes": {"rate": 1000}},
        {"type": "slow_close", "attributes": {"delay": 10}},
        {"type": "timeout", "stream": "upstream", "attributes": {"timeout": 10}},
        {"type": "reset_peer", "attributes": {"timeout": 10}},
        {"type": "slicer", "attributes": {"average_size": 100, "size_variation": 10, "delay": 1}},
        {"type": "limit_data", "attributes": {"bytes": 1000}},
    ]
    with guarded(tmp_path, target.environment()) as (_, client):
        for toxic in toxics:
            assert (
                client.wait(inject(client, {"proxy": "database", "toxics": [toxic]}, 0.05).id).state
                == "undone"
            )
        state = inject(client, {"proxy": "database", "toxics": toxics}, 0.1)
        assert len(target.state()["toxics"]) == len(toxics)
        assert client.wait(state.id).state == "undone"
    assert target.clean()


def test_toxicity_below_one_reaches_the_server(tmp_path: Path, target: Target) -> None:
    """A partial fault is armed with its share of connections."""
    partial = {"proxy": "database", "toxics": [{**LATENCY["toxics"][0], "toxicity": 0.25}]}  # type: ignore[dict-item]
    with guarded(tmp_path, target.environment()) as (_, client):
        inject(client, partial, 5.0)
        assert target.state()["toxics"][0]["toxicity"] == pytest.approx(0.25)
        client.end_faults()
    assert target.clean()


def test_end_faults_is_idempotent_and_leaves_the_gate_open(tmp_path: Path, target: Target) -> None:
    """A rollback may run after the fault has ended by itself, and further faults may follow."""
    with guarded(tmp_path, target.environment()) as (_, client):
        inject(client, OUTAGE, 30.0)
        assert [state.state for state in client.end_faults()] == ["undone"]
        assert [state.state for state in client.end_faults()] == ["undone"]
        assert inject(client, LATENCY, 0.05).state == "applied"


def test_a_closed_gate_refuses(tmp_path: Path, target: Target) -> None:
    """Before the fault phase and after an abort nothing is injected."""
    with guarded(tmp_path, target.environment(), gate_open=False) as (guard, client):
        with pytest.raises(GateClosed):
            inject(client, OUTAGE, 1.0)
        guard.open_gate()
        inject(client, OUTAGE, 30.0)
        guard.undo_all()
        assert target.state()["enabled"]
        with pytest.raises(GateClosed):
            inject(client, OUTAGE, 1.0)


def test_caps_and_durations_are_checked_by_the_guard_itself(tmp_path: Path, target: Target) -> None:
    """Whatever the experiment asks, the environment's limits hold."""
    environment = target.environment(caps=Caps(max_faults=1, max_duration_s=10.0))
    with guarded(tmp_path, environment) as (_, client):
        for duration in (0, -1, 10.5, 1e9):
            with pytest.raises(Refused):
                inject(client, OUTAGE, duration)
        inject(client, LATENCY, 5.0)
        with pytest.raises(Refused, match="1 faults are in force already"):
            inject(client, OUTAGE, 1.0)
    assert target.clean()


def test_a_proxy_that_is_another_one_than_allowed_is_refused(tmp_path: Path, target: Target) -> None:
    """The allow-list means this listen and this upstream, not only a name."""
    target.server.call("PATCH", "/proxies/database", {"upstream": "127.0.0.1:10"})
    with (
        guarded(tmp_path, target.environment()) as (_, client),
        pytest.raises(TargetNotAllowed, match=r"allowed is .* -> 127\.0\.0\.1:9"),
    ):
        inject(client, OUTAGE, 1.0)
    assert target.clean()


def test_a_proxy_that_is_down_already_is_refused(tmp_path: Path, target: Target) -> None:
    """What an operator took down stays down."""
    target.server.call("PATCH", "/proxies/database", {"enabled": False})
    with (
        guarded(tmp_path, target.environment()) as (_, client),
        pytest.raises(Refused, match="disabled already"),
    ):
        inject(client, OUTAGE, 1.0)
    assert target.state()["enabled"] is False
    assert target.state()["toxics"] == []


def test_a_target_is_held_by_one_run_at_a_time(tmp_path: Path, target: Target) -> None:
    """The second run is told who holds the proxy; another proxy is free."""
    second = make_target(target.server, name="cache")
    environment = target.environment()
    both = Environment("test", Path("x"), targets=Targets((target.allowed, second.allowed)))
    with guarded(tmp_path / "a", environment, run_id="first") as (_, client):
        inject(client, LATENCY, 5.0)
        with guarded(tmp_path / "b", both, run_id="second") as (_, other):
            with pytest.raises(LockHeld, match=r"held by run first on host \S+ for up to \d+ s more"):
                inject(other, OUTAGE, 1.0)
            assert other.inject("f", "toxiproxy", {**OUTAGE, "proxy": "cache"}, 0.05).state == "applied"
        assert target.state()["enabled"]


def test_an_expired_lock_is_taken_over(tmp_path: Path, target: Target) -> None:
    """A host that died holding a lock does not block the target for ever."""
    lock = {
        "name": "slochaos-lock-database",
        "listen": "127.0.0.1:0",
        "upstream": "slochaos-old-x1000.gone:1",
    }
    target.server.call("POST", "/proxies", {**lock, "enabled": False})
    with guarded(tmp_path, target.environment()) as (_, client):
        assert client.wait(inject(client, OUTAGE, 0.05).id).state == "undone"
    assert target.clean()


def test_the_end_of_the_watched_process_ends_every_fault(tmp_path: Path, target: Target) -> None:
    """The guard of a killed run undoes, writes the run's record, and goes."""
    watched = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    config = make_config(tmp_path, target.environment(), watch_pid=watched.pid)
    guard = Guard.start(config)
    client = connect(guard.socket)
    inject(client, OUTAGE, 30.0)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    guard.adopt(child.pid)
    watched.kill()
    watched.wait()
    assert wait_until(target.clean)
    assert child.wait(timeout=5) == -signal.SIGKILL
    client.close()
    guard.finish()
    record = Result.model_validate(json.loads((config.run_dir / "result.json").read_text()))
    assert (record.run.status, record.run.exit_code) == ("error", 7)
    assert [each.undo for each in record.injections] == ["verified"]


def test_a_supervisor_that_dies_while_the_guard_starts_leaves_no_log(tmp_path: Path, target: Target) -> None:
    """Nobody reads that the guard is armed: it ends, and its log with it."""
    dead = _dead_process()
    config = make_config(tmp_path, target.environment(), watch_pid=dead.pid)
    command = [sys.executable, "-P", "-m", "slochaos.guard.process"]
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert guard.stdin is not None
    assert guard.stdout is not None
    assert guard.stderr is not None
    guard.stdout.close()
    with guard.stdin:
        guard.stdin.write(config.to_json().encode() + b"\n")
    with guard.stderr:
        assert guard.stderr.read() == b""
    guard.wait(timeout=10)
    dead.wait(timeout=10)
    assert not list((tmp_path / "state").glob("undo/*"))


def test_silence_of_the_supervisor_ends_every_fault(tmp_path: Path, target: Target) -> None:
    """A supervisor that is stopped, not dead, sends no heartbeat."""
    guard = Guard.start(make_config(tmp_path, target.environment(), heartbeat_s=0.5))
    client = connect(guard.socket)
    inject(client, OUTAGE, 30.0)
    guard.beat()
    assert wait_until(target.clean)
    client.close()
    guard.finish()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_to_the_guard_ends_every_fault(tmp_path: Path, target: Target, name: str) -> None:
    """The guard never leaves a fault because somebody ended it politely."""
    guard = Guard.start(make_config(tmp_path, target.environment()))
    client = connect(guard.socket)
    inject(client, OUTAGE, 30.0)
    os.kill(guard.pid, getattr(signal, name))
    assert wait_until(target.clean)
    client.close()
    guard.finish()


def test_the_supervisor_takes_over_from_a_killed_guard(tmp_path: Path, target: Target) -> None:
    """The undo log tells it what to undo."""
    guard = Guard.start(make_config(tmp_path, target.environment()))
    client = connect(guard.socket)
    inject(client, OUTAGE, 30.0)
    inject(client, LATENCY, 30.0)
    os.kill(guard.pid, signal.SIGKILL)
    assert wait_until(lambda: _dead(guard))
    states = guard.take_over()
    assert [(state.kind, state.state) for state in states] == [
        ("toxiproxy", "undone"),
        ("toxiproxy", "undone"),
    ]
    assert target.clean()
    assert not list((tmp_path / "state" / "undo").iterdir())
    assert not guard.socket.exists()
    client.close()


def test_the_supervisor_takes_over_from_a_stopped_guard(tmp_path: Path, target: Target) -> None:
    """Two seconds without an answer are enough to kill it and act."""
    guard = Guard.start(make_config(tmp_path, target.environment()))
    client = connect(guard.socket)
    inject(client, OUTAGE, 30.0)
    os.kill(guard.pid, signal.SIGSTOP)
    assert wait_until(lambda: _dead(guard), within_s=10)
    guard.take_over()
    assert target.clean()
    client.close()


def test_recover_finishes_what_dead_processes_left(tmp_path: Path, target: Target) -> None:
    """With guard and supervisor gone, any later process undoes from the log."""
    guard = Guard.start(make_config(tmp_path, target.environment()))
    client = connect(guard.socket)
    inject(client, OUTAGE, 30.0)
    kill(guard)
    [left] = control.status(tmp_path / "state")
    assert not left.alive
    assert len(left.injections) == 1
    done = recovery.recover(tmp_path / "state")
    assert {each.state for each in done} == {"undone"}
    assert target.clean()
    assert control.status(tmp_path / "state") == []
    client.close()


def test_recover_leaves_living_runs_alone(tmp_path: Path, target: Target) -> None:
    """A run that has its guard needs no help."""
    with guarded(tmp_path, target.environment()) as (_, client):
        inject(client, OUTAGE, 30.0)
        assert recovery.recover(tmp_path / "state") == []
        assert target.state()["enabled"] is False


def test_recover_says_when_the_target_does_not_answer(tmp_path: Path, target: Target) -> None:
    """Unreachable is not gone: the entry stays open, with the command that removes the fault by hand."""
    guard = Guard.start(make_config(tmp_path, target.environment()))
    client = connect(guard.socket)
    inject(client, OUTAGE, 30.0)
    kill(guard)
    target.server.end()
    done = recovery.recover(tmp_path / "state", try_for_s=0.1)
    assert {each.ok for each in done} == {False}
    assert all("curl -X" in each.by_hand for each in done)
    [left] = control.status(tmp_path / "state")
    recovery.forget(tmp_path / "state", left.run_id, "1", "the server was scrapped")
    recovery.forget(tmp_path / "state", left.run_id, "lock-1-database", "the server was scrapped")
    assert control.status(tmp_path / "state") == []
    client.close()


def test_stop_from_elsewhere_ends_the_faults(tmp_path: Path, target: Target) -> None:
    """Another terminal ends a run; when the call returns, its faults are undone."""
    guard = Guard.start(make_config(tmp_path, target.environment()))
    client = connect(guard.socket)
    inject(client, OUTAGE, 30.0)
    assert control.stop(tmp_path / "state", "test-run") == ["test-run"]
    assert target.state()["enabled"]
    assert "stop-requested" in [event.kind for event in guard.events()]
    client.close()
    guard.finish()


def test_an_operator_who_enabled_the_proxy_meanwhile_is_not_overruled(tmp_path: Path, target: Target) -> None:
    """The fault ends as superseded, and the proxy stays as the operator has it."""
    with guarded(tmp_path, target.environment()) as (_, client):
        state = inject(client, OUTAGE, 0.4)
        target.server.call("PATCH", "/proxies/database", {"enabled": True})
        assert client.wait(state.id).state == "superseded"
    assert target.clean()


def test_an_operator_who_took_the_proxy_over_keeps_it_down(tmp_path: Path, target: Target) -> None:
    """Without our tag a disabled proxy is somebody else's decision."""
    with guarded(tmp_path, target.environment()) as (_, client):
        state = inject(client, OUTAGE, 0.4)
        tag = target.state()["toxics"][0]["name"]
        target.server.call("DELETE", f"/proxies/database/toxics/{tag}")
        assert client.wait(state.id).state == "superseded"
    assert target.state()["enabled"] is False


def test_a_proxy_replaced_meanwhile_is_gone(tmp_path: Path, target: Target) -> None:
    """The same name with another upstream is not ours to touch."""
    with guarded(tmp_path, target.environment()) as (_, client):
        state = inject(client, OUTAGE, 0.4)
        target.server.call("DELETE", "/proxies/database")
        body = {
            "name": "database",
            "listen": target.allowed.listen,
            "upstream": "127.0.0.1:10",
            "enabled": False,
        }
        target.server.call("POST", "/proxies", body)
        assert client.wait(state.id).state == "gone"
    assert target.state()["enabled"] is False


def test_a_deleted_proxy_is_gone(tmp_path: Path, target: Target) -> None:
    """The server itself says that there is nothing to restore."""
    with guarded(tmp_path, target.environment()) as (_, client):
        state = inject(client, LATENCY, 0.4)
        target.server.call("DELETE", "/proxies/database")
        assert client.wait(state.id).state == "gone"


def test_two_undoers_at_once_do_no_harm(tmp_path: Path, target: Target) -> None:
    """The same operation undone from several threads ends clean, whoever is first."""
    guard = Guard.start(make_config(tmp_path, target.environment()))
    client = connect(guard.socket)
    for parameters in (OUTAGE, LATENCY):
        inject(client, parameters, 30.0)
    kill(guard)
    [run] = logged_runs(tmp_path / "state")
    operations = [operation for entry in run.open for operation in recovery.operations_of(entry)]
    failures: list[Exception] = []

    def undo() -> None:
        try:
            for operation in operations:
                operation.undo(applied=True, last=True)
        except TargetError as error:
            failures.append(error)

    threads = [threading.Thread(target=undo) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for operation in operations:
        operation.undo(applied=True, last=True)
    assert target.clean()
    client.close()
    recovery.recover(tmp_path / "state")


def test_a_target_that_cannot_be_reached_is_said_at_once(tmp_path: Path, target: Target) -> None:
    """Nothing was sent, so that nothing is undone, tried again or waited for: not the lock, not the fault."""
    target.server.end()
    with guarded(tmp_path, target.environment()) as (_, client):
        with pytest.raises(TargetUnreached, match="connection refused"):
            inject(client, OUTAGE, 1.0)
        [run] = logged_runs(tmp_path / "state")
        steps = {entry.id: [state for state, _, _ in entry.history] for entry in run.entries.values()}
    assert steps == {"lock-1-database": ["intended", "sent", "undone"], "1": ["refused"]}
    assert control.status(tmp_path / "state") == []


def test_the_experiments_process_does_not_command_the_guard(tmp_path: Path, target: Target) -> None:
    """Whoever has the socket may inject and end faults; gate, heartbeat and end are the supervisor's."""
    with guarded(tmp_path, target.environment(), gate_open=False) as (guard, _):
        intruder = Connection(guard.socket)
        for call in ("open_gate", "adopt", "finish", "undo_all", "start_services", "lock", "nonsense"):
            with pytest.raises(GuardError, match="takes no call"):
                intruder.ask(call, pid=os.getpid(), kind="nothing", parameters={})
        with pytest.raises(GuardError, match="only the process that started the guard"):
            intruder.ask("subscribe", token="guessed")
        intruder.close()
        guard.beat()


def test_a_protected_environment_takes_no_fault_that_stays(tmp_path: Path, target: Target) -> None:
    """The guard itself refuses an outage there, whoever asks; a toxic expires and is taken."""
    with guarded(tmp_path, target.environment(protected=True)) as (_, client):
        with pytest.raises(TargetNotAllowed, match="would stay if this host died"):
            inject(client, OUTAGE, 1.0)
        assert inject(client, LATENCY, 0.05).state == "applied"
    assert target.clean()


def test_takeover_waits_for_whoever_holds_the_log(tmp_path: Path, target: Target) -> None:
    """A log that another process has claimed for a moment is not taken for an undone one."""
    guard = Guard.start(make_config(tmp_path, target.environment()))
    client = connect(guard.socket)
    inject(client, OUTAGE, 30.0)
    kill(guard)
    held = UndoLog.claim(log_path(tmp_path / "state", "test-run"))
    assert held is not None
    threading.Timer(0.5, held.close).start()
    assert [state.state for state in guard.take_over()] == ["undone"]
    assert target.clean()
    client.close()


def test_an_undo_does_not_wait_for_a_log_that_cannot_be_written(
    tmp_path: Path, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault ends first; the record is what suffers."""

    def full(*_: object) -> None:
        raise StateError("no space left (made up)")

    guard = Guard.start(make_config(tmp_path, target.environment()))
    client = connect(guard.socket)
    inject(client, OUTAGE, 30.0)
    inject(client, LATENCY, 30.0)
    kill(guard)
    monkeypatch.setattr(UndoLog, "write", full)
    assert {state.state for state in guard.take_over()} == {"undone"}
    assert target.clean()
    client.close()


def test_a_guard_that_dies_at_the_end_is_not_taken_for_one_that_ended(tmp_path: Path, target: Target) -> None:
    """The lock it held is released by the taker-over."""
    guard = Guard.start(make_config(tmp_path, target.environment()))
    client = connect(guard.socket)
    client.wait(inject(client, OUTAGE, 0.05).id)
    os.kill(guard.pid, signal.SIGKILL)
    with pytest.raises(GuardError, match="died while it was ending the run"):
        guard.finish()
    guard.take_over()
    assert target.clean()
    client.close()


def test_a_damaged_log_does_not_keep_others_from_being_recovered(tmp_path: Path, target: Target) -> None:
    """It is said, with what to do, and the rest is undone."""
    guard = Guard.start(make_config(tmp_path, target.environment()))
    client = connect(guard.socket)
    inject(client, OUTAGE, 30.0)
    kill(guard)
    (tmp_path / "state" / "undo" / "broken.log").write_text("{}\ngarbage\n")
    done = {each.run_id: each for each in recovery.recover(tmp_path / "state")}
    assert done["test-run"].ok
    assert not done["broken"].ok
    assert "mv " in done["broken"].by_hand
    assert target.clean()
    client.close()


def test_a_fault_on_a_service_of_a_dead_run_is_gone_with_it(tmp_path: Path) -> None:
    """The Toxiproxy that the run itself had started died with it: nothing is left to wait for."""
    port, listen = free_port(), f"127.0.0.1:{free_port()}"
    server = f"http://127.0.0.1:{port}"
    flags = ("--port", str(port), "--proxy", f"database={listen},127.0.0.1:9")
    command = (sys.executable, "-m", "slochaos.toxiproxy", *flags)
    environment = Environment(
        "test",
        Path("x"),
        targets=Targets((AllowedProxy(server, "database", listen, "127.0.0.1:9"),)),
        services=(Service("toxiproxy", command, Ready(http=f"{server}/version")),),
    )
    guard = Guard.start(make_config(tmp_path, environment))
    guard.start_services(lambda _: None)
    client = connect(guard.socket)
    inject(client, OUTAGE, 30.0)
    kill(guard)
    assert wait_until(lambda: not _listens(port))
    assert {each.state for each in recovery.recover(tmp_path / "state", try_for_s=60.0)} == {"gone"}
    assert control.status(tmp_path / "state") == []
    client.close()


def test_a_placebo_touches_nothing(tmp_path: Path, target: Target) -> None:
    """The same timeline without the fault."""
    with guarded(tmp_path, target.environment(), placebo=True) as (_, client):
        state = inject(client, OUTAGE, 0.3)
        assert target.clean()
        assert client.wait(state.id).state == "undone"


def test_a_state_folder_without_room_refuses_the_run(tmp_path: Path, target: Target) -> None:
    """Nothing is injected that could not be recorded."""
    config = make_config(tmp_path, target.environment())
    (config.state_dir / "undo").write_text("a file where a folder has to be")
    with pytest.raises(StateError, match="a file where a folder has to be"):
        Guard.start(config)


def test_services_live_and_die_with_the_guard(tmp_path: Path) -> None:
    """Started in order, ready before the call returns, ended after the run, also when the guard is killed."""
    port, second = free_port(), free_port()
    services = (
        _web_server("second", second, needs=("first",)),
        _web_server("first", port),
    )
    with guarded(tmp_path / "a", only_services(*services)) as (guard, _):
        seen: list[str] = []
        guard.start_services(seen.append)
        assert seen == ["starting first", "starting second"]
    assert not _listens(port)
    guard = Guard.start(make_config(tmp_path / "b", only_services(*services)))
    guard.start_services(lambda _: None)
    assert _listens(port)
    os.kill(guard.pid, signal.SIGKILL)
    assert wait_until(lambda: not _listens(port) and not _listens(second))
    assert wait_until(lambda: _dead(guard))
    guard.take_over()


def test_a_service_that_ends_before_it_is_ready_is_named_with_its_last_words(tmp_path: Path) -> None:
    """The error holds what the service said, and where its log is."""
    broken = Service(
        "api", (sys.executable, "-c", "raise SystemExit('no such table: agents')"), Ready(tcp="127.0.0.1:9")
    )
    with (
        guarded(tmp_path, only_services(broken)) as (guard, _),
        pytest.raises(Exception, match=r"(?s)service api ended with status 1.*no such table: agents"),
    ):
        guard.start_services(lambda _: None)


def _web_server(name: str, port: int, needs: tuple[str, ...] = ()) -> Service:
    command = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port))
    return Service(name, command, Ready(http=f"http://127.0.0.1:{port}/"), needs=needs)


def _dead_process() -> subprocess.Popen[bytes]:
    """A zombie: a process that has ended and that its parent, this test, has not reaped yet."""
    process = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as output:
        output.read()
    return process


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _dead(guard: Guard) -> bool:
    try:
        guard.beat()
    except GuardError:
        return True
    return False
