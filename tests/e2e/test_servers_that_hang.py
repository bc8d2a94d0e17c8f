"""Commands that ask a real Prometheus which does not answer: said once its time is up, or left at Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.slochaos_command import Shell
from tests.prometheus_servers import Binaries, ServerProcess, start_prometheus

COMMANDS = {
    "charge": ("charge", "--from", "-10m"),
    "slo check": ("slo", "check"),
    "slo check --watch": ("slo", "check", "--watch"),
    "init": ("init", "--name", "shop"),
    "measure": ("measure", "--baseline", "1s"),
}


@pytest.fixture(scope="module")
def hung(prometheus_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that is stopped: its kernel takes connections, it answers none."""
    server = start_prometheus(prometheus_binaries, tmp_path_factory.mktemp("hung"))
    server.stop()
    yield server
    server.end()


def words(name: str, url: str) -> tuple[str, ...]:
    """The command line that asks this server; `measure` runs a command."""
    return (*COMMANDS[name], "--prometheus", url, *(("--", "true") if name == "measure" else ()))


def files(folder: Path) -> list[Path]:
    """All that was written."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_server_that_hangs_is_said_by_every_command(shell: Shell, hung: ServerProcess) -> None:
    """After its ten seconds, with exit code 7, and nothing is written."""
    processes = {name: shell.start(*words(name, hung.url)) for name in COMMANDS}
    ended = {name: process.communicate(timeout=60) for name, process in processes.items()}
    for name, (_, said) in ended.items():
        assert processes[name].returncode == 7, (name, said)
        assert "no complete answer within 10 s" in said, (name, said)
        assert "Traceback" not in said
    assert files(shell.folder) == []


def test_doctor_names_a_server_that_hangs(shell: Shell, hung: ServerProcess) -> None:
    """Once, and goes on with what else there is."""
    (shell.folder / "environments").mkdir()
    (shell.folder / "environments" / "prod.yaml").write_text(f"prometheus: {hung.url}\n")
    answer = shell.slochaos("doctor", "--environment", "prod", within_s=60)
    assert answer.code == 7
    assert answer.out.count("no complete answer within 10 s") == 1
    assert "detection: " in answer.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_waits_for_a_server_ends_by_the_signal(
    shell: Shell, hung: ServerProcess, number: signal.Signals
) -> None:
    """At once, without a traceback or a half-written file."""
    processes = {name: shell.start(*words(name, hung.url)) for name in COMMANDS}
    for name, process in processes.items():
        assert process.stderr is not None
        if name != "measure":
            assert "asking" in process.stderr.readline()
        process.send_signal(number)
    ended = {name: process.communicate(timeout=60)[1] for name, process in processes.items()}
    for name, said in ended.items():
        assert processes[name].returncode == -number, (name, said)
        assert "Traceback" not in said
        assert "no complete answer" not in said
    assert files(shell.folder) == []
