"""Chaos Toolkit's own kinds of experiments, unchanged: `slochaos run` has them executed as `chaos run` does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

HERE = Path(__file__).parent
EXPERIMENTS = sorted((HERE / "experiments").iterdir())
SECRET = "hunter2-and-more"
SCRIPTS = Path(sys.executable).parent

pytestmark = pytest.mark.every_python


class _Service(BaseHTTPRequestHandler):
    """Healthy, and takes things."""

    def do_GET(self) -> None:
        self._answer(b'{"status": "ok"}')

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(b"{}")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture(scope="module")
def service_url() -> Iterator[str]:
    """A small HTTP service on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def surroundings(tmp_path: Path, service_url: str) -> dict[str, str]:
    """Environment variables of both runs."""
    return {
        **os.environ,
        "PYTHONPATH": str(HERE),
        "COMPAT_URL": service_url,
        "COMPAT_TOKEN": SECRET,
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "HOME": str(tmp_path),
    }


def _in_a_folder(path: Path, experiment: Path) -> Path:
    path.mkdir()
    (path / "environments").mkdir()
    (path / "environments" / "bare.yaml").write_text("name: bare\nallow_foreign: ['*']\n", encoding="utf-8")
    shutil.copy(experiment, path)
    return path


def _chaos_run(folder: Path, experiment: Path, environment: dict[str, str]) -> dict[str, Any]:
    subprocess.run(
        [str(SCRIPTS / "chaos"), "--no-version-check", "run", "--var", "path=given.txt", experiment.name],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return _json(folder / "journal.json")


def _slochaos_run(
    folder: Path, experiment: Path, environment: dict[str, str], *options: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    command = [str(SCRIPTS / "slochaos"), "run", experiment.name, "--environment", "bare", "--format", "json"]
    done = subprocess.run(
        [*command, "--var", "path=given.txt", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=90,
        check=False,
        text=True,
    )
    assert done.stdout, done.stderr
    result = json.loads(done.stdout)
    assert result["chaos_toolkit"], result["run"]
    return result, _json(Path(result["chaos_toolkit"]["journal"]))


def _json(path: Path) -> dict[str, Any]:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def _outline(journal: dict[str, Any]) -> dict[str, Any]:
    """What has to be the same: statuses, and what each activity did."""
    return {
        "status": journal["status"],
        "deviated": journal["deviated"],
        # Activities in the background begin when their thread does.
        "run": sorted((each["activity"]["name"], each.get("status")) for each in journal["run"]),
        "before": (journal["steady_states"]["before"] or {}).get("steady_state_met"),
        "after": (journal["steady_states"]["after"] or {}).get("steady_state_met"),
    }


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda path: path.stem)
def test_the_journal_says_what_chaos_run_says(
    experiment: Path, tmp_path: Path, surroundings: dict[str, str]
) -> None:
    """An existing experiment has the same status, deviation and activities under `slochaos run`."""
    expected = _chaos_run(_in_a_folder(tmp_path / "chaos", experiment), experiment, surroundings)
    result, journal = _slochaos_run(_in_a_folder(tmp_path / "slochaos", experiment), experiment, surroundings)

    assert _outline(journal) == _outline(expected)
    assert result["chaos_toolkit"]["status"] == expected["status"]
    assert result["chaos_toolkit"]["deviated"] == expected["deviated"]


def test_there_are_at_least_twelve() -> None:
    """Every feature that Chaos Toolkit documents has an experiment here."""
    assert len(EXPERIMENTS) >= 12


def test_rollbacks_run_whatever_happened(tmp_path: Path, surroundings: dict[str, str]) -> None:
    """The rollback strategy is `always`: an interrupted experiment is the one that needs its rollbacks."""
    experiment = tmp_path / "interrupted.json"
    document = _json(HERE / "experiments" / "interrupting_control.json")
    remove = {"type": "process", "path": "rm", "arguments": "interrupted.txt"}
    document["rollbacks"] = [{"type": "action", "name": "remove", "provider": remove}]
    experiment.write_text(json.dumps(document), encoding="utf-8")
    folder = _in_a_folder(tmp_path / "slochaos", experiment)

    result, journal = _slochaos_run(folder, experiment, surroundings)

    assert (result["run"]["status"], journal["status"]) == ("aborted", "interrupted")
    assert [each["status"] for each in journal["rollbacks"]] == ["succeeded"]
    assert not (folder / "interrupted.txt").exists()


def test_secrets_stay_out_of_what_is_written(tmp_path: Path, surroundings: dict[str, str]) -> None:
    """A secret that an activity gives away stands in no journal, event or log of the run's folder."""
    experiment = HERE / "experiments" / "secrets.json"
    folder = _in_a_folder(tmp_path / "slochaos", experiment)

    result, _ = _slochaos_run(folder, experiment, surroundings, "--events", "events.ndjson")

    assert result["run"]["status"] == "passed", result["run"]
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "journal.json" for path in written)
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []


def test_foreign_actions_need_to_be_listed(tmp_path: Path, surroundings: dict[str, str]) -> None:
    """An action of others is refused unless it is listed; the refusal prints the option to add."""
    experiment = HERE / "experiments" / "python_provider.json"
    folder = _in_a_folder(tmp_path / "slochaos", experiment)
    (folder / "environments" / "bare.yaml").write_text("name: bare\n", encoding="utf-8")
    command = [str(SCRIPTS / "slochaos"), "run", experiment.name, "--environment", "bare"]

    refused = subprocess.run(
        command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False
    )
    allowed = subprocess.run(
        [*command, "--allow-foreign", "compat_activities.append"],
        cwd=folder,
        env=surroundings,
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode == 4
    assert "--allow-foreign compat_activities.append" in refused.stdout + refused.stderr
    assert not (folder / "lines.txt").exists() or allowed.returncode == 0
    assert allowed.returncode == 0, allowed.stdout + allowed.stderr
