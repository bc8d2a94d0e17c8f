"""The experiments that break the example through Toxiproxy, each as its user runs it."""

from __future__ import annotations

import pytest

from tests.e2e.slochaos_command import Shell

FAULTS = {
    "db_latency": 1,
    "db_slow_network": 1,
    "db_flapping": 4,
    "provider_outage": 1,
    "provider_resets": 1,
    "dependency_outage": 1,
}
"""How many faults each injects, one after another. db_outage has its own tests."""


@pytest.mark.parametrize("experiment", FAULTS)
def test_the_resilient_example_keeps_what_the_experiment_asks(example: Shell, experiment: str) -> None:
    """Every rule is kept, every fault was in force, undone and verified, and nothing of it is left."""
    answer = example.slochaos(
        "run", f"experiments/{experiment}.json", "--format", "json", "--run-id", "run", within_s=180
    )
    assert answer.code == 0, answer.err
    record = answer.document
    ruled = [objective for objective in record["objectives"] if objective["verdict"] != "observed"]
    assert {objective["verdict"] for objective in ruled} == {"kept"}
    assert [injection["undo"] for injection in record["injections"]] == ["verified"] * FAULTS[experiment]
    assert example.slochaos("status", "--format", "json").document == {"runs": []}


@pytest.mark.parametrize(
    "experiment",
    [
        "dependency_outage",
        *(
            pytest.param(name, marks=pytest.mark.soak)
            for name in ("db_flapping", "provider_outage", "provider_resets")
        ),
    ],
)
def test_without_resilience_the_experiment_fails(example: Shell, experiment: str) -> None:
    """The API's floor breaks, the fault is cut short and everything is put back."""
    answer = example.slochaos(
        "run",
        f"experiments/{experiment}.json",
        *("--set", "resilience=off", "--format", "json", "--run-id", "run"),
        within_s=180,
    )
    assert answer.code == 1, answer.err
    record = answer.document
    verdicts = {objective["name"]: objective["verdict"] for objective in record["objectives"]}
    assert verdicts["api-success-rate"] == "breached"
    assert {injection["undo"] for injection in record["injections"]} == {"verified"}
