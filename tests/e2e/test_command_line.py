"""The command line without a run: help, usage errors, streams, and the commands that only read."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.e2e.slochaos_command import COMMAND, Shell

pytestmark = pytest.mark.every_python


def test_help_and_version_answer(shell: Shell) -> None:
    """--help lists the commands and the exit codes, --version the version."""
    help_ = shell.slochaos("--help")
    assert help_.code == 0
    assert "recover" in help_.out
    assert "6 undo-failed" in help_.out
    assert shell.slochaos("--version").out.startswith("slochaos 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("fly",),
        ("run",),
        ("run", "x.json", "--colour"),
        ("run", "x.json", "--repeat", "0"),
        ("run", "x.json", "--format", "xml"),
        ("run", "x.json", "--set", "resilience"),
        ("validate",),
        ("init",),
        ("stop",),
        ("stop", "a", "--all"),
        ("recover", "--run", "a", "--all"),
        ("recover", "--why", "because"),
        ("recover", "--forget", "nope", "--run", "nope", "--why", "because"),
        ("sweep", "ftp://127.0.0.1:8474"),
        ("sweep", "127.0.0.1:8474"),
        ("sweep", "http://127.0.0.1:8474", "--every", "0s"),
        ("show", "../../etc/passwd"),
    ],
)
def test_usage_errors_are_2_with_a_message_on_standard_error(
    shell: Shell, arguments: tuple[str, ...]
) -> None:
    """A command line that makes no sense never gets Python's 1, nor a traceback."""
    answer = shell.slochaos(*arguments)
    assert answer.code == 2
    assert answer.err
    assert "Traceback" not in answer.err
    assert not list(shell.folder.iterdir())


def test_starting_up_imports_typer_and_the_standard_library_only(shell: Shell) -> None:
    """Help and shell completion answer at once, because heavy packages are imported where they are used."""
    heavy = "pydantic requests rich sqlalchemy yaml chaoslib toxiproxy prometheus_client jinja2 plotly psutil"
    code = (
        f"import slochaos.cli.main, sys; print([name for name in '{heavy}'.split() if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=shell.folder, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_reader_that_goes_away_changes_nothing(shell: Shell) -> None:
    """`slochaos --help | true` ends with 0 and without a word on standard error."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [*COMMAND, "--help"], stdout=writer, stderr=subprocess.PIPE, env=shell.variables, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_closed_standard_streams_change_nothing(shell: Shell) -> None:
    """Even started without any open stream the exit code is the command's."""
    script = 'exec "$@" <&- >&- 2>&-'
    for arguments, code in ((["--help"], 0), (["show", "nosuch"], 2)):
        done = subprocess.run(
            ["sh", "-c", script, "sh", *COMMAND, *arguments],
            env=shell.variables,
            cwd=shell.folder,
            check=False,
        )
        assert done.returncode == code


def test_shell_completion_knows_the_commands(shell: Shell) -> None:
    """Typer's completion is there, whichever shell the tests are started from."""
    answer = shell.slochaos("--show-completion", "bash", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "_SLOCHAOS_COMPLETE" in answer.out + answer.err


def test_the_example_is_laid_out_and_validates(example: Shell) -> None:
    """`init --example` writes files that `validate` accepts, each as what it is."""
    files = sorted(
        str(path.relative_to(example.folder))
        for pattern in ("experiments/*", "toxics/*", "environments/*.yaml")
        for path in example.folder.glob(pattern)
    )
    answer = example.slochaos("validate", *files, "--format", "json")
    assert answer.code == 0, answer.err
    kinds = {entry["file"]: entry["kind"] for entry in answer.document["files"]}
    assert kinds["experiments/db_outage.json"] == "experiment"
    assert kinds["toxics/db_outage.json"] == "toxic"
    assert kinds["environments/local.yaml"] == "environment"
    assert kinds["environments/agentmesh.slos.yaml"] == "SLO document"


def test_init_overwrites_nothing(example: Shell) -> None:
    """If one file is there already, it is named, and nothing at all is written."""
    kept = example.folder / "experiments" / "db_outage.json"
    kept.write_text("mine")
    (example.folder / "toxics" / "db_outage.json").unlink()
    answer = example.slochaos("init", "--example")
    assert answer.code == 2
    assert "exists already" in answer.err
    assert kept.read_text() == "mine"
    assert not (example.folder / "toxics" / "db_outage.json").exists()


def test_validate_checks_every_file_and_says_what_is_wrong_where(example: Shell) -> None:
    """One bad file among good ones is 2; the others are checked all the same."""
    (example.folder / "bad.yaml").write_text("sources: []\nsources: []\n")
    answer = example.slochaos(
        "validate", "bad.yaml", "toxics/db_outage.json", "nosuch.json", "--format", "json"
    )
    assert answer.code == 2
    bad, good, absent = answer.document["files"]
    assert bad["error"]["message"].startswith("bad.yaml:2")
    assert good["valid"]
    assert "nosuch.json" in absent["error"]["message"]


def test_a_file_of_no_kind_is_said_to_be_none(shell: Shell) -> None:
    """`validate` does not guess."""
    (shell.folder / "x.json").write_text('{"hello": 1}')
    answer = shell.slochaos("validate", "x.json")
    assert answer.code == 2
    assert "neither an experiment" in answer.err


def test_without_any_run_the_reading_commands_say_so(example: Shell) -> None:
    """Nothing in force, no history, no budget taken: each says so and exits with 0."""
    for arguments in (("status",), ("recover",), ("stop", "--all"), ("history",), ("budget",)):
        answer = example.slochaos(*arguments)
        assert (answer.code, answer.err) == (0, "")
        assert answer.out.strip()
    assert example.slochaos("status", "--format", "json").document == {"runs": []}
    assert example.slochaos("history", "--format", "json").document == {"runs": [], "incidents": []}
    assert example.slochaos("budget", "--format", "json").document["environment"] == "local"


def test_an_unknown_run_or_environment_is_named(example: Shell) -> None:
    """show, stop and recover name the run that they do not know, budget the environment."""
    for arguments in (
        ("show", "nosuch"),
        ("stop", "nosuch"),
        ("recover", "--run", "nosuch"),
        ("budget", "-e", "nosuch"),
    ):
        answer = example.slochaos(*arguments)
        assert answer.code == 2
        assert "nosuch" in answer.err


def test_with_json_a_failure_is_one_document_too(example: Shell) -> None:
    """Machines get the failure's status, code, message and hint."""
    answer = example.slochaos("show", "nosuch", "--format", "json")
    assert answer.code == 2
    assert answer.document["error"]["status"] == "invalid"


def test_doctor_names_a_fix_for_everything_that_is_missing(example: Shell) -> None:
    """Every finding that is not fine says what to do."""
    answer = example.slochaos("doctor", "--format", "json")
    findings = answer.document["findings"]
    assert answer.code == (0 if answer.document["healthy"] else 7)
    assert {"Python", "Chaos Toolkit", "state folder", "ledger", "environment local"} <= {
        finding["what"] for finding in findings
    }
    assert all(finding["fix"] for finding in findings if finding["state"] != "ok")


def test_doctor_sees_sources_and_targets_that_do_not_answer(example: Shell) -> None:
    """An environment whose addresses lead nowhere is reported line by line, with exit code 7."""
    (example.folder / "environments" / "shop.yaml").write_text(
        "slos: [agentmesh.slos.yaml]\n"
        "variables: {api_job: api, prober_job: prober, latency_threshold: '0.3'}\n"
        "sources: [{name: api, scrape: 'http://127.0.0.1:9/metrics'}]\n"
        "targets: {toxiproxy: [{server: 'http://127.0.0.1:9', "
        "proxies: [{name: database, listen: '127.0.0.1:1', upstream: '127.0.0.1:2'}]}]}\n"
    )
    answer = example.slochaos("doctor", "--environment", "shop")
    assert answer.code == 7
    assert "MISSING  source api" in answer.out
    assert "MISSING  Toxiproxy" in answer.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("validate", "experiments/db_outage.json"),
        ("validate", "experiments/db_outage.json", "--format", "json"),
        ("plan", "experiments/db_outage.json"),
        ("status",),
        ("history", "--format", "json"),
        ("doctor",),
    ],
)
def test_output_that_cannot_be_written_is_no_success(example: Shell, arguments: tuple[str, ...]) -> None:
    """On a full disk a command has not answered: one line on standard error, and 7."""
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=example.folder,
            env=example.variables,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 7
    assert (
        done.stderr.splitlines()[-1]
        == "Error: not everything could be written to standard output: No space left on device"
    )
