"""The experiments that use up this host, each as its user runs it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.slochaos_command import Shell
from tests.integration.host_faults import file_system
from tests.machine_tools import MachineTools


def run(example: Shell, experiment: str, *more: str) -> None:
    """Every rule is kept, the fault was in force, undone and verified, and nothing of it is left."""
    calm = ("--set", "rate=100", "--format", "json", "--run-id", "run")
    answer = example.slochaos("run", f"experiments/{experiment}.json", *more, *calm, within_s=180)
    assert answer.code == 0, answer.err
    record = answer.document
    ruled = [objective for objective in record["objectives"] if objective["verdict"] != "observed"]
    assert {objective["verdict"] for objective in ruled} == {"kept"}
    assert [injection["undo"] for injection in record["injections"]] == ["verified"]
    assert example.slochaos("status", "--format", "json").document == {"runs": []}


@pytest.mark.parametrize("experiment", ["cpu_exhaustion", "memory_exhaustion"])
def test_the_example_serves_on_a_host_that_others_use_up(example: Shell, experiment: str) -> None:
    """Half of every CPU, or a gigabyte, is what AgentMesh can do without."""
    run(example, experiment)


def test_the_example_serves_while_its_log_cannot_be_written(
    example: Shell, tmp_path: Path, machine_tools: MachineTools
) -> None:
    """A disk that is full to the brim costs lines of a log, and no request."""
    with file_system("tmpfs", tmp_path / "scratch", 16 * 1024 * 1024) as scratch:
        log = scratch / "access.log"
        run(example, "disk_full", "--set", f"scratch={scratch}", "--set", f"access_log={log}")
        assert log.stat().st_size
        assert os.statvfs(scratch).f_bavail


def test_without_a_file_system_for_it_nothing_is_filled(example: Shell, tmp_path: Path) -> None:
    """Where the folder is missing, or shares its disk with others, the experiment is refused."""
    missing = ("run", "experiments/disk_full.json", "--set", f"scratch={tmp_path}/none")
    answer = example.slochaos(*missing, within_s=90)
    assert (answer.code, "is no folder" in answer.out + answer.err) == (4, True)
