"""The experiments that hold a process still, and that draw their faults, each as its user runs it."""

from __future__ import annotations

from typing import Any

from tests.e2e.slochaos_command import Shell


def run(example: Shell, experiment: str, *more: str, run_id: str = "run") -> Any:
    """The record of a run that kept every rule and left nothing."""
    calm = ("--set", "rate=100", "--format", "json", "--run-id", run_id)
    answer = example.slochaos("run", f"experiments/{experiment}.json", *more, *calm, within_s=180)
    assert answer.code == 0, answer.err
    ruled = [objective for objective in answer.document["objectives"] if objective["verdict"] != "observed"]
    assert {objective["verdict"] for objective in ruled} == {"kept"}
    assert {injection["undo"] for injection in answer.document["injections"]} == {"verified"}
    assert example.slochaos("status", "--format", "json").document == {"runs": []}
    return answer.document


def test_the_example_serves_while_its_providers_process_stands_still(example: Shell) -> None:
    """A service of the environment is paused by its name, seen to stand still, and goes on."""
    [paused] = run(example, "process_pause")["injections"]
    assert paused["kind"] == "process.pause"
    assert "its CPU time standing" in paused["evidence"]


def test_a_seed_draws_the_same_failures_as_the_plan_shows(example: Shell) -> None:
    """What comes, in what order, is decided before the run; the result names the seed."""
    seed = ("--seed", "3")
    planned = example.slochaos("plan", "experiments/random_failures.json", *seed, "--format", "json").document
    record = run(example, "random_failures", *seed)
    assert record["run"]["seed"] == 3
    names = [injection["name"] for injection in record["injections"]]
    assert names == [each["what"] for each in planned["plan"]["permissions"]]
    assert len(names) >= 2
    assert len({name.partition(":")[0] for name in names}) == len(names)  # never two in one round
