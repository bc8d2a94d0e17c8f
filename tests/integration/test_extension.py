"""Our experiments in Chaos Toolkit's own hands: validate, discover, and plain `chaos run` through the same guard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slochaos.extension import discover
from tests.integration.loaded_shop import LoadedShop, loaded_shop
from tests.toxiproxy_servers import ToxiproxyServerProcess
from tests.upstreams import Upstream

CHAOS = str(Path(sys.executable).parent / "chaos")


@pytest.fixture
def shop(tmp_path: Path, embedded_toxiproxy: ToxiproxyServerProcess, echo: Upstream) -> Iterator[LoadedShop]:
    """The system under load, with its files in a folder."""
    with loaded_shop(tmp_path, embedded_toxiproxy, echo.address) as system:
        yield system


def chaos(shop: LoadedShop, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The `chaos` command in the shop's folder."""
    environment = {**os.environ, "XDG_STATE_HOME": str(shop.folder / "state"), "SLOCHAOS_ENVIRONMENT": "shop"}
    return subprocess.run(
        [CHAOS, "--no-version-check", *arguments],
        cwd=shop.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _soon(true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return true()


def test_the_activities_can_be_discovered() -> None:
    """`chaos discover slochaos` lists what experiments may call, with its arguments."""
    found = {each["name"]: each for each in discover()["activities"]}
    assert {"toxiproxy", "nothing", "end_faults", "objective_holds", "good_ratio"} <= set(found)
    assert [each["name"] for each in found["toxiproxy"]["arguments"]] == ["toxic", "duration"]


def test_chaos_run_injects_through_a_guard_and_puts_everything_back(shop: LoadedShop) -> None:
    """Plain `chaos run` starts the same guard: the fault is seen, ends after its duration, and is undone."""
    experiment = shop.experiment("0.5s")
    assert chaos(shop, "validate", str(experiment)).returncode == 0
    done = chaos(shop, "run", str(experiment))

    assert done.returncode == 0, done.stdout + done.stderr
    output = json.loads((shop.folder / "journal.json").read_text())["run"][0]["output"]
    assert (output["ended"], output["cut_short"]) == ("undone", False)
    assert shop.load.bad() > 10
    # The guard outlives the process that it watches by the time it needs to release its lock.
    assert _soon(shop.untouched)


def test_the_guard_refuses_under_chaos_run_too(shop: LoadedShop) -> None:
    """The allow-list does not depend on who runs: the activity fails with the reason, nothing is injected."""
    shop.write("toxics/elsewhere.json", {"proxy": "another", "enabled": False})
    chaos(shop, "run", str(shop.experiment("0.5s", "elsewhere")))

    activity = json.loads((shop.folder / "journal.json").read_text())["run"][0]
    assert activity["status"] == "failed"
    assert "another" in "".join(activity["exception"])
    assert shop.untouched()


def test_an_objective_is_a_probe(shop: LoadedShop) -> None:
    """A hypothesis asks whether an objective holds, from the environment's own sources."""
    experiment = shop.experiment("0.2s")
    document = json.loads(experiment.read_text())
    provider = {"type": "python", "module": "slochaos.extension.probes", "func": "objective_holds"}
    arguments = {"objective": "orders", "window": "0.5s", "within": "5s"}
    probe = {
        "type": "probe",
        "name": "orders",
        "tolerance": True,
        "provider": {**provider, "arguments": arguments},
    }
    document["steady-state-hypothesis"] = {"title": "Orders hold", "probes": [probe]}
    experiment.write_text(json.dumps(document))
    done = chaos(shop, "run", str(experiment))

    assert done.returncode == 0, done.stdout + done.stderr
    states = json.loads((shop.folder / "journal.json").read_text())["steady_states"]
    assert [states[when]["steady_state_met"] for when in ("before", "after")] == [True, True]
