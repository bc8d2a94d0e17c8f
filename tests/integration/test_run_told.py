"""What a run tells while it goes on and afterwards: live progress, names, the journal, the placebo's record."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from slochaos.record import Result
from slochaos.reports.terminal import render
from slochaos.runner.events import Event, InjectionChanged, Measured
from slochaos.runner.request import RunRequest
from slochaos.runner.run import run_experiment
from tests.integration.loaded_shop import LoadedShop


def run(experiment: Path, on_event: Callable[[Event], None] = lambda _: None, **options: object) -> Result:
    """One run in the environment `shop`."""
    return run_experiment(RunRequest(experiment, environment="shop", **options), on_event)  # type: ignore[arg-type]


def named(shop: LoadedShop, name: str, duration: str = "1s") -> Path:
    """The shop's experiment, its activity called `name`; the preset stays `down`."""
    path = shop.experiment(duration)
    document = json.loads(path.read_text())
    document["method"][0]["name"] = name
    return shop.write("experiments/down.json", document)


def test_progress_names_the_activity_and_tells_the_time_left_of_its_fault(shop: LoadedShop) -> None:
    """People know their experiment's words, not the preset's; and how long it goes on."""
    seen: list[Event] = []
    result = run(named(shop, "the shop is cut off", "2s"), seen.append)

    during = [each for each in seen if isinstance(each, Measured) and each.in_force]
    assert during
    assert {each.in_force for each in during} == {("the shop is cut off",)}
    left = [each.left_s for each in during if each.left_s is not None]
    assert left == sorted(left, reverse=True)
    assert 0 <= left[-1] < left[0] <= 2.0
    changes = [each for each in seen if isinstance(each, InjectionChanged)]
    assert {each.detail["name"] for each in changes} == {"the shop is cut off"}
    assert [each.name for each in result.injections] == ["the shop is cut off"]


def test_live_counts_are_those_of_the_phase(shop: LoadedShop) -> None:
    """In the recovery they begin anew: the fault's failures are not shown as going on."""
    seen: list[Event] = []
    run(shop.experiment("1s", baseline="1s"), seen.append)

    recovery = [each for each in seen if isinstance(each, Measured) and each.phase == "recovery"]
    counted = [reading for each in recovery for reading in each.readings if reading.total]
    assert counted
    assert all(reading.good == reading.total for reading in counted)


def test_a_journal_that_had_no_room_is_written_from_the_events(shop: LoadedShop) -> None:
    """With the verdict of the executor, and said in the record: nothing is lost in silence."""

    def take_the_room(event: Event) -> None:
        if isinstance(event, InjectionChanged) and event.state == "applied":
            (shop.folder / ".slochaos/runs/full/.journal").unlink()

    result = run(shop.experiment("1s"), take_the_room, run_id="full")

    journal = json.loads((shop.folder / ".slochaos/runs/full/journal.json").read_text())
    assert (journal["status"], journal["slochaos"]["written_from"]) == ("completed", "events")
    assert [each["activity"]["name"] for each in journal["run"]] == ["down"]
    assert result.run.status == "passed"
    assert any(note.startswith("journal.json was written from the run's events") for note in result.notes)
    on_disk = Result.model_validate_json((shop.folder / ".slochaos/runs/full/result.json").read_text())
    assert on_disk.notes == result.notes


def test_a_run_leaves_no_room_set_aside(shop: LoadedShop) -> None:
    """What was held for the record is given back, after an invalid experiment too."""
    run(shop.experiment("1s"), run_id="whole")
    run(shop.experiment("1s", objectives={"nope": {"cost": "5%"}}), run_id="invalid")
    held = [path.name for path in shop.folder.glob(".slochaos/runs/*/.*")]
    assert held == []


def test_a_placebo_is_not_told_as_a_fault(shop: LoadedShop) -> None:
    """While it goes on, and in the table afterwards."""
    seen: list[Event] = []
    result = run(named(shop, "cut off"), seen.append, placebo=True)

    names = {name for each in seen if isinstance(each, Measured) for name in each.in_force}
    assert names == {"cut off (placebo: nothing is injected)"}
    page = io.StringIO()
    render(result, Console(file=page, width=130))
    assert "placebo: nothing was injected for cut off" in page.getvalue()
    assert "undone" not in page.getvalue()
    assert "recovered" not in page.getvalue()


def test_what_a_placebo_cannot_leave_out_is_refused(shop: LoadedShop) -> None:
    """Others' actions would run all the same, and nobody would charge them."""
    path = shop.experiment("1s")
    document = json.loads(path.read_text())
    theirs = {"type": "python", "module": "time", "func": "sleep", "arguments": {"secs": 0}}
    document["method"].append({"type": "action", "name": "theirs", "provider": theirs})
    result = run(shop.write("experiments/mixed.json", document), placebo=True, allow_foreign=("time.sleep",))
    assert (result.run.status, result.run.exit_code) == ("invalid", 2)
    assert "time.sleep" in result.run.reason
