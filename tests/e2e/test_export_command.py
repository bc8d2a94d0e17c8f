"""`slochaos export` as a user runs it, on the example's production environment."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.e2e.slochaos_command import Shell

PRODUCTION = ("--environment", "production")


@pytest.mark.every_python
@pytest.mark.parametrize("kind", ["prometheus-rules", "alertmanager", "grafana", "terraform"])
def test_each_kind_goes_to_standard_output(shell: Shell, kind: str) -> None:
    """The file alone: what its reader has to know is on standard error."""
    answer = shell.slochaos("export", kind, *PRODUCTION)

    assert answer.code == 0, answer
    if kind == "grafana":
        assert json.loads(answer.out)["title"] == "Objectives: production"
    elif kind == "terraform":
        assert 'resource "pagerduty_escalation_policy"' in answer.out
        assert "routing_key" in answer.err
    else:
        assert yaml.safe_load(answer.out)


def test_terraform_itself_finds_nothing_to_format(shell: Shell, terraform: Path) -> None:
    """`terraform fmt -check`, which parses the file, would change nothing in the exported policy."""
    answer = shell.slochaos("export", "terraform", *PRODUCTION)
    # A setting that names a missing file, and a question for updates, are not what is asked here.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    checked = subprocess.run(
        [terraform, "fmt", "-check", "-diff", "-"],
        input=answer.out,
        env=variables | {"CHECKPOINT_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_a_file_is_replaced_and_not_half_written(shell: Shell) -> None:
    """--output writes beside the file and moves; nothing is left beside it."""
    rules = shell.folder / "rules.yaml"
    rules.write_text("old")
    answer = shell.slochaos("export", "prometheus-rules", *PRODUCTION, "--output", "rules.yaml")

    assert answer.code == 0, answer
    assert answer.out == ""
    assert yaml.safe_load(rules.read_text())["groups"]
    assert [path.name for path in shell.folder.iterdir() if "rules" in path.name] == ["rules.yaml"]


def test_a_device_is_written_to_and_stays_one(shell: Shell) -> None:
    """As root, moving a file onto /dev/null would break the machine."""
    answer = shell.slochaos("export", "grafana", *PRODUCTION, "--output", "/dev/null")

    assert answer.code == 0, answer
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_variables_can_be_set_for_one_export(shell: Shell) -> None:
    """The threshold of latency is a variable of the example."""
    answer = shell.slochaos("export", "prometheus-rules", *PRODUCTION, "--set", "latency_threshold=0.25")

    assert answer.code == 0, answer
    assert "0?\\\\.250*" in answer.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "alertmanager", "--environment", "local"), "routes alerts to nobody"),
        (("export", "terraform", "--environment", "local"), "no levels of escalation"),
        (("export", "dashboards", *PRODUCTION), "grafana"),
        (("export", "grafana", *PRODUCTION, "--output", "no/such/folder.json"), "cannot write"),
    ],
)
def test_what_cannot_be_exported_is_refused(shell: Shell, arguments: tuple[str, ...], said: str) -> None:
    """With exit code 2, what to do, and nothing on standard output."""
    answer = shell.slochaos(*arguments)

    assert answer.code == 2, answer
    assert said in answer.err
    assert answer.out == ""
