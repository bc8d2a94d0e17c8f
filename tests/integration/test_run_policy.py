"""The budget policy at a whole run: what it refuses, and what a person overrides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from slochaos.ledger.store import Ledger
from slochaos.record import Result
from slochaos.runner.request import RunRequest
from slochaos.runner.run import run_experiment
from tests.integration.loaded_shop import LoadedShop


def run(shop: LoadedShop, experiment: Path, *overrides: dict[str, Any], mode: str = "enforce") -> Result:
    """A run whose worst case is more than the day's budget: 11 s of outage, where 8.64 s are allowed."""
    budget = {"scope": "rolling", "mode": mode, "overrides": list(overrides)}
    shop.write("environments/shop.yaml", shop.environment(budget=budget))
    objectives = (shop.folder / "environments/shop.slos.yaml").read_text().replace("0.99}", "0.9999}")
    shop.write("environments/shop.slos.yaml", objectives)
    return run_experiment(RunRequest(experiment, environment="shop"), lambda _: None)


def override(**changes: Any) -> dict[str, Any]:
    """An override of everything that lasts for another hour."""
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    return {"by": "ada", "reason": "game day 12", "until": until, **changes}


def test_a_run_that_may_cost_more_than_is_left_is_refused(shop: LoadedShop) -> None:
    """Nothing is injected, and the record says what the policy decided."""
    result = run(shop, shop.experiment("1s"))
    assert (result.run.status, result.run.exit_code) == ("refused", 4)
    assert "orders may cost" in result.run.reason
    assert result.policy is not None
    assert (result.policy.allowed, result.policy.overrides) == (False, ())
    assert not result.injections
    assert shop.untouched()


def test_an_override_lets_it_go_on_and_stands_in_record_and_ledger(shop: LoadedShop) -> None:
    """Who, why and until when; and what the policy had against it."""
    result = run(shop, shop.experiment("1s"), override())
    assert result.run.status == "passed", result.run
    assert result.policy is not None
    (overridden,) = result.policy.overrides
    assert (overridden.objective, overridden.by, overridden.reason) == ("orders", "ada", "game day 12")
    assert any("overridden by ada" in note for note in result.notes)
    with Ledger() as ledger:
        (row,) = ledger.overrides("shop")
    assert (row.run_id, row.objective, row.by) == (result.run.id, "orders", "ada")
    assert row.objection == overridden.objection


def test_an_override_that_has_ended_lets_nothing_pass(shop: LoadedShop) -> None:
    """The refusal says that there was one."""
    ended = override(until="2020-01-01T00:00:00Z")
    result = run(shop, shop.experiment("1s"), ended)
    assert (result.run.status, result.run.exit_code) == ("refused", 4)
    assert "the override by ada ended 2020-01-01 00:00 UTC" in result.run.hint


def test_a_policy_that_only_advises_is_told_and_not_obeyed(shop: LoadedShop) -> None:
    """The run goes on, and its notes say what the policy would have refused it for."""
    result = run(shop, shop.experiment("1s"), mode="advise")
    assert result.run.status == "passed", result.run
    assert any("advises against this run: orders may cost" in note for note in result.notes)
    assert result.policy is not None
    assert (result.policy.allowed, result.policy.overrides) == (True, ())
