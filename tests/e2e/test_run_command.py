"""`slochaos run` as a user runs it, on a small system behind an external Toxiproxy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.slochaos_command import COMMAND, Shell
from tests.e2e.small_system import SmallSystem, experiment

RUN = ("run", "experiments/down.json", "--environment", "shop")


@contextmanager
def long_run(system: SmallSystem, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A run whose fault lasts long enough to do something meanwhile; entered when it is in force."""
    system.write("experiments/down.json", experiment({"duration": "20s"}, objectives={}))
    process = system.shell.start(*RUN, *arguments)
    try:
        system.wait_until_down()
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


@pytest.mark.every_python
def test_a_run_is_one_json_document_and_leaves_everything_as_it_was(small_system: SmallSystem) -> None:
    """Standard output is the record, standard error the progress, the exit code the verdict."""
    events = small_system.shell.folder / "events.ndjson"
    answer = small_system.shell.slochaos(
        *RUN, "--format", "json", "--run-id", "first", "--events", str(events)
    )
    assert answer.code == 0, answer
    record = answer.document
    assert (record["run"]["id"], record["run"]["status"], record["run"]["exit_code"]) == (
        "first",
        "passed",
        0,
    )
    (objective,) = record["objectives"]
    assert objective["verdict"] == "kept"
    assert set(objective["phases"]) == {"baseline", "fault", "recovery"}
    assert objective["charge"]["bad_gross"] == 0
    (injection,) = record["injections"]
    assert injection["undo"] == "verified"
    assert record["confidence_per_side"] == 0.95
    assert "in force: down" in answer.err
    assert small_system.untouched()
    folder = small_system.shell.folder / ".slochaos" / "runs" / "first"
    assert json.loads((folder / "result.json").read_text()) == record
    assert "<html" in (folder / "report.html").read_text()
    assert {"run-started", "injection-changed", "run-finished"} <= {
        json.loads(line)["type"] for line in events.read_text().splitlines()
    }
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_result_that_cannot_be_written_is_no_success(small_system: SmallSystem, output: str) -> None:
    """The run passed and is recorded, but who waits for its output has none: one line says so, and 7."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [*COMMAND, *RUN, "--quiet", "--format", output, "--run-id", "first"],
            cwd=small_system.shell.folder,
            env=small_system.shell.variables,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 7
    assert done.stderr.splitlines() == [
        "Error: not everything could be written to standard output: No space left on device"
    ]
    result = small_system.shell.folder / ".slochaos" / "runs" / "first" / "result.json"
    assert json.loads(result.read_text())["run"]["status"] == "passed"
    assert small_system.untouched()


def test_what_a_run_left_on_record_can_be_looked_at(small_system: SmallSystem) -> None:
    """history lists it, show repeats it, budget knows what it cost, and its id is not taken twice."""
    slochaos = small_system.shell.slochaos
    assert slochaos(*RUN, "--run-id", "first", "--quiet").code == 0
    (row,) = slochaos("history", "--format", "json").document["runs"]
    assert (row["id"], row["status"]) == ("first", "passed")
    assert slochaos("show", "first", "--format", "json").document["run"]["id"] == "first"
    assert "first" in slochaos("show").out
    budget = slochaos("budget", "--environment", "shop", "--format", "json").document
    assert [row["objective"] for row in budget["objectives"]] == ["orders"]
    again = slochaos(*RUN, "--run-id", "first", "--quiet")
    assert (again.code, "first" in again.err) == (2, True)
    assert small_system.untouched()


def test_a_dry_run_injects_nothing_and_makes_no_folder(small_system: SmallSystem) -> None:
    """--dry-run prints the plan, as `slochaos plan` does."""
    answer = small_system.shell.slochaos(*RUN, "--dry-run")
    assert answer.code == 0
    assert answer.out == small_system.shell.slochaos("plan", *RUN[1:]).out
    assert "Nothing was injected" in answer.out
    assert not (small_system.shell.folder / ".slochaos").exists()
    assert small_system.untouched()


def test_a_plan_names_the_code_of_others_and_what_it_assumes(small_system: SmallSystem) -> None:
    """Probes run what they name; a floor needs traffic that is not known yet."""
    content = experiment(objectives={"orders": {"hold": "99%"}})
    looks = {"type": "probe", "name": "looks", "provider": {"type": "process", "path": "true"}}
    content["method"].insert(0, looks)
    small_system.write("experiments/down.json", content)
    answer = small_system.shell.slochaos("plan", *RUN[1:])
    assert answer.code == 0, answer
    assert "code of others, which is taken to change nothing: process:true" in answer.out
    assert "Assumed of orders: the fault sees 299 events or more (299 per second)" in answer.out


@pytest.mark.parametrize(
    ("options", "code", "culprit"),
    [
        (("--run-id", "Bad Id"), 2, "Bad Id"),
        (("--run-id", "taken"), 2, "taken already"),
        (("--run-id", "a" * 62, "--repeat", "2"), 2, "a-2"),
        (("--run-id", "again", "--repeat", "3"), 2, "again-3 already"),
        (("--events", "nowhere/events.ndjson"), 7, "nowhere/events.ndjson"),
        (("--events", "experiments"), 7, "experiments"),
        (("--var", "nope=1"), 2, "--var nope"),
        (("--allow-lasting", "nope"), 2, "there is down, shop"),
        (("--allow-foreign", "os.remove"), 2, "--allow-foreign os.remove"),
    ],
)
def test_what_a_run_refuses_of_its_command_line_a_dry_run_refuses_too(
    small_system: SmallSystem, options: tuple[str, ...], code: int, culprit: str
) -> None:
    """With the same message and exit code, nothing started and no folder made."""
    for name in ("taken", "again-3"):
        small_system.write(f".slochaos/runs/{name}/result.json", "{}")
    for rehearsal in ((), ("--dry-run",)):
        answer = small_system.shell.slochaos(*RUN, *rehearsal, *options)
        assert (answer.code, culprit in answer.err) == (code, True), answer
    kept = {path.name for path in small_system.shell.folder.glob(".slochaos/runs/*")}
    assert kept == {"taken", "again-3"}


def test_a_dry_run_leaves_the_events_file_alone(small_system: SmallSystem) -> None:
    """It is neither made nor emptied."""
    events = small_system.write("events.ndjson", "kept")
    for path in (str(events), "new.ndjson"):
        assert small_system.shell.slochaos(*RUN, "--dry-run", "--events", path).code == 0
    assert events.read_text() == "kept"
    assert not (small_system.shell.folder / "new.ndjson").exists()


def test_repeated_runs_are_one_document(small_system: SmallSystem) -> None:
    """--repeat gives all records under `runs`, a row for each under `summary`, and the worst one's exit code."""
    answer = small_system.shell.slochaos(*RUN, "--repeat", "2", "--format", "json", "--quiet", within_s=60)
    assert answer.code == 0, answer
    records = answer.document["runs"]
    assert [record["run"]["status"] for record in records] == ["passed", "passed"]
    rows = answer.document["summary"]
    assert [row["run"] for row in rows] == [record["run"]["id"] for record in records]
    assert {(row["status"], row["worst_objective"], row["cost_percent"]) for row in rows} == {
        ("passed", "orders", 0.0)
    }
    assert answer.document["exit_code"] == 0
    assert small_system.untouched()


def test_repeated_runs_end_with_a_table(small_system: SmallSystem) -> None:
    """A row for each run below their pages, and how many ended how."""
    answer = small_system.shell.slochaos(*RUN, "--repeat", "2", "--run-id", "twice", "--quiet", within_s=60)
    assert answer.code == 0, answer
    table = answer.out[answer.out.rindex("WORST OBJECTIVE") :].splitlines()
    assert [line.split()[:2] for line in table[1:3]] == [["twice", "PASSED"], ["twice-2", "PASSED"]]
    assert table[3] == "2 runs: 2 passed"


def test_a_placebo_run_injects_nothing(small_system: SmallSystem) -> None:
    """--placebo goes through the whole timeline, and the proxy stays up."""
    answer = small_system.shell.slochaos(*RUN, "--placebo", "--format", "json", "--quiet")
    assert answer.code == 0, answer
    assert answer.document["run"]["placebo"]
    assert small_system.untouched()


@pytest.mark.every_python
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_undoes_everything_and_ends_by_the_signal(
    small_system: SmallSystem, number: signal.Signals
) -> None:
    """A shell sees that the command was killed by the signal, so that its loops stop."""
    with long_run(small_system, "--run-id", "cut") as process:
        process.send_signal(number)
        process.wait(timeout=30)
        assert process.returncode == -number
        assert small_system.untouched()
    record = json.loads((small_system.shell.folder / ".slochaos/runs/cut/result.json").read_text())
    assert (record["run"]["status"], record["run"]["exit_code"]) == ("interrupted", 128 + number)
    assert small_system.shell.slochaos("status", "--format", "json").document == {"runs": []}


def test_a_run_can_be_seen_and_stopped_from_another_terminal(small_system: SmallSystem) -> None:
    """status shows what is in force, stop returns when it is undone, and the run ends with 5."""
    with long_run(small_system, "--run-id", "seen") as process:
        seen = small_system.shell.slochaos("status")
        assert (seen.code, "run seen" in seen.out, "applied" in seen.out) == (0, True, True)
        stopped = small_system.shell.slochaos("stop", "seen", "--why", "lunch")
        assert stopped.code == 0, stopped
        _, proxies = small_system.toxiproxy.call("GET", "/proxies")
        assert proxies["shop"]["enabled"]
        process.wait(timeout=30)
        assert process.returncode == 5
    assert small_system.untouched()


def test_the_second_run_on_a_target_is_refused_and_told_who_holds_it(
    small_system: SmallSystem, tmp_path: Path
) -> None:
    """From another folder and with another state folder: the lock is at the target."""
    (tmp_path / "elsewhere").mkdir()
    other = SmallSystem(
        Shell(tmp_path / "elsewhere", tmp_path / "other-state"),
        small_system.toxiproxy,
        small_system.upstream,
        small_system.listen,
    )
    (tmp_path / "other-state").mkdir()
    other.lay_out()
    with long_run(small_system, "--run-id", "holder"):
        answer = other.shell.slochaos(*RUN, "--quiet")
        assert (answer.code, "holder" in answer.err + answer.out) == (4, True), answer


def test_a_reader_that_goes_away_does_not_stop_the_run(small_system: SmallSystem) -> None:
    """`slochaos run ... | head -1` still undoes, records and exits with its verdict."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*COMMAND, *RUN, "--run-id", "unread"],
            cwd=small_system.shell.folder,
            env=small_system.shell.variables,
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=writer,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert done.returncode == 0
    assert (small_system.shell.folder / ".slochaos/runs/unread/result.json").is_file()
    assert small_system.untouched()


def test_a_dead_proxy_in_the_environment_is_not_used(small_system: SmallSystem) -> None:
    """HTTP_PROXY is for browsers: sources and targets are reached directly."""
    dead = "http://127.0.0.1:9"
    answer = small_system.shell.slochaos(
        *RUN, "--quiet", HTTP_PROXY=dead, http_proxy=dead, HTTPS_PROXY=dead, ALL_PROXY=dead
    )
    assert answer.code == 0, answer
    assert small_system.untouched()
