"""Whatever is wrong before a fault is injected: its exit code, one clear message, and nothing was injected."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.small_system import SmallSystem, experiment
from tests.orders import OBJECTIVES

RUN = ("run", "experiments/down.json", "--environment", "shop", "--quiet")


def _action(**changes: Any) -> dict[str, Any]:
    """The experiment with its action changed."""
    changed = experiment()
    changed["method"][0] |= changes
    return changed


def _provider(module: str, func: str, **arguments: Any) -> dict[str, Any]:
    return _action(provider={"type": "python", "module": module, "func": func, "arguments": arguments})


EXPERIMENTS: dict[str, tuple[object, int, str]] = {
    "not JSON": ("{", 2, "experiments/down.json:1"),
    "not an object": ([], 2, "experiments/down.json"),
    "a duplicate key": ('{"title": "a", "title": "b", "method": []}', 2, "title"),
    "an unknown action of ours": (_provider("slochaos.extension.actions", "explode"), 2, "explode"),
    "a foreign action that is not listed": (
        _provider("os", "remove", path="/nosuch"),
        4,
        "--allow-foreign os.remove",
    ),
    "an unknown objective": (experiment(objectives={"ordres": {"cost": "5%"}}), 2, "ordres"),
    "a cost that is no share": (experiment(objectives={"orders": {"cost": "abc"}}), 2, "abc"),
    "a misspelt setting": (experiment(basline="1s"), 2, "basline"),
    "an unknown toxic": (experiment({"toxic": "nosuch"}), 2, "nosuch"),
    "a duration of 0": (experiment({"duration": "0s"}), 2, "duration"),
    "a negative duration": (experiment({"duration": "-1s"}), 2, "duration"),
    "a duration that never ends": (experiment({"duration": "1e9s"}), 2, "duration"),
    "a duration above the environment's cap": (experiment({"duration": "11m"}), 4, "10"),
    "a duration without a unit": (experiment({"duration": 5}), 2, "duration"),
    "no duration": (experiment({"duration": None}), 2, "duration"),
    "a hold that this traffic cannot decide": (
        experiment(objectives={"orders": {"hold": "99.999%"}}),
        4,
        "orders",
    ),
}


@pytest.mark.parametrize("case", EXPERIMENTS)
def test_an_experiment_that_cannot_run_is_refused_before_anything_is_injected(
    small_system: SmallSystem, case: str
) -> None:
    """Exit code 2 for what does not validate, 4 for what is not allowed; the message names the culprit."""
    content, code, culprit = EXPERIMENTS[case]
    small_system.write("experiments/down.json", content)
    answer = small_system.shell.slochaos(*RUN)
    assert (answer.code, culprit in answer.err + answer.out) == (code, True), answer
    assert "Traceback" not in answer.err + answer.out
    assert small_system.untouched()


def test_a_missing_experiment_is_named(small_system: SmallSystem) -> None:
    """The file's name, and nothing made in the working folder."""
    answer = small_system.shell.slochaos("run", "experiments/nosuch.json", "--environment", "shop")
    assert answer.code == 2
    assert "experiments/nosuch.json" in answer.err
    assert not (small_system.shell.folder / ".slochaos").exists()


@pytest.mark.parametrize(
    ("toxic", "code", "culprit"),
    [
        ({"enabled": False}, 2, "proxy"),
        ({"proxy": "nosuch", "enabled": False}, 4, "nosuch"),
        ({"proxy": "shop", "toxics": [{"type": "gravity"}]}, 2, "gravity"),
    ],
)
def test_a_toxic_that_names_no_allowed_proxy_is_refused(
    small_system: SmallSystem, toxic: object, code: int, culprit: str
) -> None:
    """A preset without a proxy does not validate, one outside the allow-list is refused."""
    small_system.write("toxics/down.json", toxic)
    answer = small_system.shell.slochaos(*RUN)
    assert (answer.code, culprit in answer.err + answer.out) == (code, True), answer
    assert small_system.untouched()


@pytest.mark.parametrize("changed", [{"upstream": "127.0.0.1:1"}, {"listen": "127.0.0.1:1"}])
def test_a_proxy_that_leads_elsewhere_than_allowed_is_refused(
    small_system: SmallSystem, changed: dict[str, str]
) -> None:
    """The allow-list means the proxy with these addresses, not whatever has the name."""
    environment = small_system.environment()
    environment["targets"]["toxiproxy"][0]["proxies"][0] |= changed
    small_system.write("environments/shop.yaml", environment)
    answer = small_system.shell.slochaos(*RUN)
    assert answer.code == 4, answer
    assert "127.0.0.1:1" in answer.err + answer.out
    assert small_system.untouched()


def test_an_objective_with_an_unknown_field_does_not_validate(small_system: SmallSystem) -> None:
    """A misspelt field of an SLO would silently change what is measured."""
    broken = OBJECTIVES.replace("budgetingMethod", "budgetMethod")
    small_system.write("environments/shop.slos.yaml", broken)
    answer = small_system.shell.slochaos(*RUN)
    assert answer.code == 2
    assert "budgetMethod" in answer.err
    assert small_system.untouched()


def test_a_source_that_does_not_answer_is_said_before_anything_is_injected(small_system: SmallSystem) -> None:
    """Without samples there is no baseline, so that there is no fault."""
    sources = [{"name": "shop", "scrape": "http://127.0.0.1:9/metrics", "every": "0.1s"}]
    small_system.write("environments/shop.yaml", small_system.environment(sources=sources))
    answer = small_system.shell.slochaos(*RUN)
    assert answer.code in (4, 7), answer
    assert small_system.untouched()


def test_a_toxiproxy_that_does_not_answer_is_said(small_system: SmallSystem) -> None:
    """Nothing is known to be in force, and the address is named."""
    targets = small_system.environment()["targets"]
    targets["toxiproxy"][0]["server"] = "http://127.0.0.1:9"
    small_system.write("environments/shop.yaml", small_system.environment(targets=targets))
    answer = small_system.shell.slochaos(*RUN)
    assert answer.code in (4, 7), answer
    assert "127.0.0.1:9" in answer.err + answer.out


def test_a_refused_run_is_one_document_with_json(small_system: SmallSystem) -> None:
    """Machines read status, exit code and reason from the same document as for any run."""
    small_system.write("experiments/down.json", _provider("os", "remove", path="/nosuch"))
    answer = small_system.shell.slochaos(*RUN, "--format", "json")
    assert answer.code == 4
    assert answer.document["run"]["status"] == "refused"
    assert answer.document["run"]["exit_code"] == 4
    assert answer.document["injections"] == []
