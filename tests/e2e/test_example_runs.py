"""The example as its user runs it: a real database cut off from a real API for 20 seconds."""

from __future__ import annotations

import pytest

from tests.e2e.slochaos_command import Shell

RUN = ("run", "experiments/db_outage.json", "--format", "json", "--run-id", "outage")


def test_the_resilient_example_passes_and_is_charged_for_its_database(example: Shell) -> None:
    """The API holds its floor from cache and outbox; about a quarter of the database's daily budget is spent."""
    answer = example.slochaos(*RUN, within_s=180)
    assert answer.code == 0, answer.err
    record = answer.document
    assert record["run"]["status"] == "passed"
    objectives = {objective["name"]: objective for objective in record["objectives"]}
    assert objectives["api-success-rate"]["verdict"] == "kept"
    assert objectives["database-error-rate"]["charge"]["cost_percent"] == pytest.approx(23.5, abs=5)
    assert [injection["undo"] for injection in record["injections"]] == ["verified"]
    assert (example.folder / ".slochaos/runs/outage/report.html").is_file()
    assert example.slochaos("status", "--format", "json").document == {"runs": []}


def test_without_resilience_the_example_fails_and_says_why(example: Shell) -> None:
    """Exit code 1; objective and cause are named, and everything was put back."""
    answer = example.slochaos(*RUN, "--set", "resilience=off", within_s=180)
    assert answer.code == 1, answer.err
    record = answer.document
    assert "api-success-rate" in record["run"]["reason"]
    objectives = {objective["name"]: objective for objective in record["objectives"]}
    assert objectives["api-success-rate"]["verdict"] == "breached"
    assert [injection["undo"] for injection in record["injections"]] == ["verified"]
