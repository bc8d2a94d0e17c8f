"""What the process that executes an experiment may know of our environment."""

from __future__ import annotations

import pytest

from slochaos.runner.executor import environment_for

EXPERIMENT = {
    "configuration": {"region": {"type": "env", "key": "REGION"}},
    "secrets": {"service": {"token": {"type": "env", "key": "TOKEN"}}},
    "method": [],
}


@pytest.fixture(autouse=True)
def _an_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REGION", "TOKEN", "KUBECONFIG", "PGPASSWORD", "SLOCHAOS_LEDGER"):
        monkeypatch.setenv(name, "x")


def test_our_own_actions_need_no_credentials() -> None:
    """Only plain variables, and those that the experiment itself names."""
    names = set(environment_for(EXPERIMENT, foreign=False))
    assert {"REGION", "TOKEN", "PATH"} <= names
    assert not {"KUBECONFIG", "PGPASSWORD", "SLOCHAOS_LEDGER"} & names


def test_foreign_actions_get_what_chaos_run_gives_them() -> None:
    """All of it, except where our ledger is."""
    names = set(environment_for(EXPERIMENT, foreign=True))
    assert {"KUBECONFIG", "PGPASSWORD", "REGION"} <= names
    assert "SLOCHAOS_LEDGER" not in names
