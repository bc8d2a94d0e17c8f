"""What a run answers when the host or the system is not as it should be; nothing is left in force."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.e2e.small_system import SmallSystem, experiment

RUN = ("run", "experiments/down.json", "--environment", "shop", "--quiet")
needs_mounts = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0,
    reason="mounting a tiny or a read-only folder needs root on Linux",
)


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A tmpfs with these options on the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leave no free byte in a small filesystem."""
    file = os.open(folder / "filler", os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(file, b"0" * 4096)
    except OSError:
        os.close(file)


@needs_mounts
def test_a_full_state_folder_is_7_and_nothing_is_injected(small_system: SmallSystem) -> None:
    """Without room for the undo log there is no injection."""
    state = small_system.shell.state / "slochaos"
    with mounted(state, "size=1m,mode=700"):
        fill(state)
        answer = small_system.shell.slochaos(*RUN)
        assert answer.code == 7, answer
        assert "No space left" in answer.err + answer.out
        assert small_system.untouched()


@needs_mounts
def test_a_full_run_folder_is_7_and_nothing_is_left_in_force(small_system: SmallSystem) -> None:
    """A run that cannot be recorded is an error, said in one message."""
    folder = small_system.shell.folder / ".slochaos"
    with mounted(folder, "size=1m"):
        fill(folder)
        answer = small_system.shell.slochaos(*RUN)
        assert answer.code == 7, answer
        assert "Traceback" not in answer.err
        assert small_system.untouched()


@needs_mounts
def test_a_run_folder_that_fills_up_costs_neither_journal_nor_record(small_system: SmallSystem) -> None:
    """Their space was set aside; what is incomplete is said in the record, and the verdict stands."""
    runs = small_system.shell.folder / ".slochaos"
    small_system.write("experiments/down.json", experiment({"duration": "2s"}))
    with mounted(runs, "size=6m"):
        process = small_system.shell.start(*RUN, "--run-id", "full", "--format", "json")
        small_system.wait_until_down()
        fill(runs)
        out, err = process.communicate(timeout=60)
        folder = runs / "runs" / "full"
        record = json.loads((folder / "result.json").read_text())
        journal = json.loads((folder / "journal.json").read_text())
    assert process.returncode == 0, (out, err)
    assert json.loads(out) == record
    assert (journal["status"], "slochaos" in journal) == ("completed", False)
    assert any("samples.ndjson is incomplete" in note for note in record["notes"])
    assert small_system.untouched()


@needs_mounts
def test_a_read_only_working_folder_is_7_and_nothing_is_injected(small_system: SmallSystem) -> None:
    """The folder is named, and what to do."""
    folder = small_system.shell.folder / ".slochaos"
    with mounted(folder, "size=1m,ro"):
        answer = small_system.shell.slochaos(*RUN)
        assert answer.code == 7, answer
        assert ".slochaos" in answer.err + answer.out
        assert "-> start slochaos in a folder that you can write" in answer.err
        assert small_system.untouched()


@needs_mounts
def test_a_state_folder_that_became_read_only_is_7_and_says_what_to_do(small_system: SmallSystem) -> None:
    """It is there, with what earlier runs wrote, and nothing can be added: no undo log, so no injection."""
    state = small_system.shell.state / "slochaos"
    with mounted(state, "size=1m,mode=700"):
        (state / "undo").mkdir(mode=0o700)
        subprocess.run(["mount", "-o", "remount,ro", str(state)], check=True)
        answer = small_system.shell.slochaos(*RUN)
        assert answer.code == 7, answer
        assert "Read-only file system" in answer.err + answer.out
        assert "set XDG_STATE_HOME to a folder that you can write" in answer.err
        assert small_system.untouched()


@needs_mounts
def test_a_read_only_state_folder_is_7_and_nothing_is_injected(small_system: SmallSystem) -> None:
    """Without an undo log there is no injection."""
    with mounted(small_system.shell.state, "size=1m,ro"):
        answer = small_system.shell.slochaos(*RUN)
        assert answer.code == 7, answer
        assert str(small_system.shell.state) in answer.err + answer.out
        assert "set XDG_STATE_HOME to a folder that you can write" in answer.err
        assert small_system.untouched()


def test_a_service_that_does_not_start_is_named_with_its_log(small_system: SmallSystem) -> None:
    """PostgreSQL that refuses to start, say: 7, the service's name, where its log is, its last words."""
    command = ["${python}", "-c", "import sys; sys.exit('data folder is damaged')"]
    service = {"name": "postgres", "command": command, "ready": {"tcp": "127.0.0.1:9", "within": "20s"}}
    small_system.write("environments/shop.yaml", small_system.environment(services=[service]))
    answer = small_system.shell.slochaos(*RUN)
    assert answer.code == 7, answer
    assert "postgres" in answer.err + answer.out
    (log,) = small_system.shell.folder.glob(".slochaos/runs/*/services/postgres.log")
    assert "data folder is damaged" in log.read_text()
    assert small_system.untouched()


def test_a_port_that_is_taken_is_said(small_system: SmallSystem) -> None:
    """A port chosen with --set that another program listens on is refused or an error, and named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = ["${python}", "-m", "http.server", "--bind", "127.0.0.1", "${port_web}"]
        service = {
            "name": "web",
            "command": command,
            "ready": {"tcp": "127.0.0.1:${port_web}", "within": "20s"},
        }
        environment = small_system.environment(services=[service], ports=["web"])
        small_system.write("environments/shop.yaml", environment)
        answer = small_system.shell.slochaos(*RUN, "--set", f"port_web={port}")
    assert answer.code in (2, 4, 7), answer
    assert port in answer.err + answer.out
    assert small_system.untouched()


class _Failing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"error": "out of order", "status": 500}'
        self.send_response(500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names are its base's

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is its base's
        return


def test_a_toxiproxy_that_answers_500_is_an_error_and_not_taken_for_success(
    small_system: SmallSystem,
) -> None:
    """A status of 400 or more is never success."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Failing)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        answer = _run_against(small_system, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert answer[0] == 7, answer
    assert "500" in answer[1]


def test_a_toxiproxy_that_never_answers_is_an_error_in_bounded_time(small_system: SmallSystem) -> None:
    """It accepts connections and says nothing: every call has its own time limit."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = _run_against(small_system, f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert answer[0] == 7, answer


def _run_against(small_system: SmallSystem, server: str) -> tuple[int, str]:
    """Exit code and all output of a run whose Toxiproxy is this one."""
    targets = small_system.environment()["targets"]
    targets["toxiproxy"][0]["server"] = server
    small_system.write("environments/shop.yaml", small_system.environment(targets=targets))
    answer = small_system.shell.slochaos(*RUN, within_s=60)
    return answer.code, answer.err + answer.out
