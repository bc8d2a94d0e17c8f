"""Whole runs whose fault was not in force as it was meant to be: never looked at, removed early, overrun."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest

from slochaos.record import Result
from slochaos.runner.events import Event, InjectionChanged
from slochaos.runner.request import RunRequest
from slochaos.runner.run import run_experiment
from tests.integration.loaded_shop import LoadedShop
from tests.meddler import Meddler, meddling

SLOW = {"proxy": "shop", "toxics": [{"type": "latency", "attributes": {"latency": 1}}]}


@pytest.fixture
def meddler(shop: LoadedShop) -> Iterator[Meddler]:
    """The shop's faults are toxics, and their API is reached through the meddler."""
    shop.write("toxics/down.json", SLOW)
    with meddling(shop.toxiproxy.port) as meddler:
        environment = shop.environment()
        environment["targets"]["toxiproxy"][0]["server"] = meddler.url
        shop.write("environments/shop.yaml", environment)
        yield meddler


def run(shop: LoadedShop, duration: str, on_event: Callable[[Event], None] = lambda _: None) -> Result:
    """One run of the fault for that long."""
    return run_experiment(RunRequest(shop.experiment(duration), environment="shop"), on_event)


def on(state: str, act: Callable[[], object]) -> Callable[[Event], None]:
    """A watcher that acts once, when the fault reaches a state."""
    done: list[bool] = []

    def watch(event: Event) -> None:
        if isinstance(event, InjectionChanged) and event.state == state and not done:
            done.append(True)
            act()

    return watch


def remove_toxics(shop: LoadedShop) -> None:
    """What an operator does who wants the fault gone."""
    for name in [each["name"] for each in shop.toxiproxy.call("GET", "/proxies/shop/toxics")[1]]:
        shop.toxiproxy.call("DELETE", f"/proxies/shop/toxics/{name}")


def test_a_fault_that_was_undone_before_anybody_looked_decides_nothing(
    shop: LoadedShop, meddler: Meddler
) -> None:
    """Its millisecond is over long before the first look is answered: nobody saw it in force, so inconclusive."""
    meddler.rule = lambda method, _path, _body: 0.4 if method == "GET" else "relay"
    result = run(shop, "1ms")

    assert (result.run.status, result.run.exit_code) == ("inconclusive", 3), result.run
    assert "down was never seen to be in force (no look at it was answered)" in result.run.reason
    assert [each.undo for each in result.injections] == ["verified"]
    assert shop.untouched()


def test_a_fault_that_somebody_removed_early_decides_nothing(shop: LoadedShop) -> None:
    """The toxic was there for a few of the looks only: what was seen of the system says little of the whole fault."""
    shop.write("toxics/down.json", SLOW)
    result = run(shop, "3s", on("applied", lambda: remove_toxics(shop)))

    assert (result.run.status, result.run.exit_code) == ("inconclusive", 3), result.run
    assert "in force" in result.run.reason
    assert "looks found the toxic in force" in result.run.reason
    assert [each.undo for each in result.injections] == ["superseded"]


def test_a_fault_that_was_gone_for_its_last_moments_is_noted(shop: LoadedShop) -> None:
    """More than four fifths of the looks found it: the verdict stands, and a note says the share."""
    shop.write("toxics/down.json", SLOW)
    timer = threading.Timer(5.3, remove_toxics, (shop,))
    result = run(shop, "6s", on("applied", timer.start))
    timer.join()

    assert result.run.status == "passed", result.run
    (note,) = [each for each in result.notes if "in force" in each]
    assert note.startswith("down was seen in force for ")
    assert "% of its time only (" in note


def test_a_fault_that_overran_its_time_is_noted_with_the_seconds(shop: LoadedShop, meddler: Meddler) -> None:
    """The API refuses its undo for a while: the note says how long it was in force, and how late it ended."""

    def refuse() -> None:
        meddler.rule = lambda method, _path, _body: "fail" if method == "DELETE" else "relay"

    def relent() -> None:
        meddler.rule = lambda *_: "relay"

    timer = threading.Timer(1.5, relent)
    refusing, relenting = on("applied", refuse), on("failed", timer.start)

    def watch(event: Event) -> None:
        refusing(event)
        relenting(event)

    result = run(shop, "0.5s", watch)
    timer.join()

    (note,) = [each for each in result.notes if "instead of" in each]
    assert note.startswith("down was in force for ")
    assert " s instead of 0.5 s: its undo was verified " in note
    assert shop.untouched()


def test_a_fault_that_the_experiment_ended_early_is_noted(shop: LoadedShop) -> None:
    """The method ends with the fault in the background: a note says how much of it there was."""
    experiment = shop.experiment("9s")
    document = json.loads(experiment.read_text())
    end = {"type": "python", "module": "slochaos.extension.actions", "func": "end_faults"}
    document["method"][0]["background"] = True
    document["method"].append(
        {"type": "action", "name": "enough", "provider": end, "pauses": {"before": 1.5}}
    )
    experiment.write_text(json.dumps(document))
    result = run_experiment(RunRequest(experiment, environment="shop"), lambda _: None)

    assert result.run.status == "passed", result.run
    (note,) = [each for each in result.notes if "was undone after" in each]
    assert note.endswith(" s of the planned 9 s")
