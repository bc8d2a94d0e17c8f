"""Events reach watchers and files, and never hold up the run."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from slochaos.runner.events import Event, Notice, StepStarted, ToolkitEvent
from slochaos.runner.stream import EventStream


def lines(path: Path) -> list[dict[str, object]]:
    """The file's events."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_event_reaches_the_watcher_and_the_files(tmp_path: Path) -> None:
    """In order, and Chaos Toolkit's events in their own shape."""
    seen: list[Event] = []
    stream = EventStream(seen.append)
    stream.write_to(tmp_path / "run.ndjson")
    stream.write_also_to(tmp_path / "given.ndjson")
    stream.emit(StepStarted(step="load"))
    stream.emit(ToolkitEvent(name="method-completed", payload={"a": 1}, at=0.0))
    stream.close()

    assert [event.type for event in seen] == ["step-started", "event"]
    assert [line["type"] for line in lines(tmp_path / "run.ndjson")] == ["step-started", "method-completed"]
    assert lines(tmp_path / "given.ndjson")[1] == {
        "type": "method-completed",
        "timestamp": "1970-01-01T00:00:00.000Z",
        "a": 1,
    }
    assert (tmp_path / "run.ndjson").stat().st_mode & 0o777 == 0o600


def test_the_next_run_has_a_file_of_its_own(tmp_path: Path) -> None:
    """A repeat's events are not in the first run's file; a file that was asked for gets all."""
    stream = EventStream(lambda _: None)
    stream.write_also_to(tmp_path / "all")
    for number in (1, 2):
        stream.write_to(tmp_path / f"run-{number}")
        stream.emit(Notice(text=str(number)))
    stream.close()

    assert [line["text"] for line in lines(tmp_path / "run-1")] == ["1"]
    assert [line["text"] for line in lines(tmp_path / "run-2")] == ["2"]
    assert [line["text"] for line in lines(tmp_path / "all")] == ["1", "2"]


def test_a_watcher_that_breaks_is_not_asked_again(tmp_path: Path) -> None:
    """The files go on."""
    calls: list[Event] = []

    def broken(event: Event) -> None:
        calls.append(event)
        raise BrokenPipeError

    stream = EventStream(broken)
    stream.write_to(tmp_path / "file")
    stream.emit(Notice(text="one"))
    stream.emit(Notice(text="two"))
    stream.close()

    assert len(calls) == 1
    assert len(lines(tmp_path / "file")) == 2


def test_what_nobody_takes_is_dropped_and_counted() -> None:
    """Emitting returns at once, also when the watcher hangs."""
    released = threading.Event()

    def hang(_: Event) -> None:
        released.wait(30)

    stream = EventStream(hang)
    for number in range(5000):
        stream.emit(Notice(text=str(number)))
    assert stream.dropped >= 2900
    released.set()
    stream.close()


def test_a_full_disk_ends_the_file_and_nothing_else() -> None:
    """/dev/full takes no byte; the watcher still sees everything."""
    seen: list[Event] = []
    stream = EventStream(seen.append)
    stream.write_to(Path("/dev/full"))
    stream.emit(Notice(text="one"))
    stream.emit(Notice(text="two"))
    stream.close()
    assert len(seen) == 2
