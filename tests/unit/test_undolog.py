"""The undo log: what is on disk before a step is taken, and what a later process makes of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from slochaos.errors import StateError
from slochaos.guard.undolog import BLOCK, UndoLog, log_path, logged_runs, read_log
from slochaos.identity import ProcessIdentity


def write(log: UndoLog, identifier: str, *states: str) -> None:
    for state in states:
        log.write({"id": identifier, "state": state, "at": 1.0, "wall": 2.0})


def test_a_log_has_its_space_before_anything_is_injected(tmp_path: Path) -> None:
    """A disk that fills up during a fault cannot stop the record of its undo."""
    log = UndoLog.create(tmp_path, "run-1", {})
    assert log_path(tmp_path, "run-1").stat().st_blocks * 512 >= BLOCK
    log.close()


def test_open_entries_are_those_without_an_end(tmp_path: Path) -> None:
    """An injection stays open until it is undone, gone, expired, superseded, waived or refused."""
    log = UndoLog.create(tmp_path, "run-1", {})
    write(log, "1", "intended", "sent", "applied", "undoing", "undone")
    write(log, "2", "intended", "sent", "applied")
    write(log, "3", "intended")
    run = read_log(log.path)
    assert run is not None
    assert [(entry.id, entry.applied, entry.sent) for entry in run.open] == [
        ("2", True, True),
        ("3", False, False),
    ]
    log.close()


def test_a_torn_last_line_is_no_record(tmp_path: Path) -> None:
    """A process killed while it writes leaves half a line, which announces nothing."""
    log = UndoLog.create(tmp_path, "run-1", {})
    write(log, "1", "intended")
    with log.path.open("r+b") as file:
        file.seek(len(log.path.read_bytes().split(b"\0", 1)[0]))
        file.write(b'{"id":"1","state":"se')
    run = read_log(log.path)
    assert run is not None
    assert run.entries["1"].state == "intended"
    log.close()
    again = UndoLog.claim(log.path)
    assert again is not None
    write(again, "1", "undone")
    run = read_log(log.path)
    assert run is not None
    assert run.open == []
    again.close()


def test_only_one_process_writes_a_log(tmp_path: Path) -> None:
    """A log can be claimed when its writer is gone, not before."""
    log = UndoLog.create(tmp_path, "run-1", {})
    assert UndoLog.claim(log.path) is None
    log.close()
    claimed = UndoLog.claim(log.path)
    assert claimed is not None
    claimed.remove()
    assert list(logged_runs(tmp_path)) == []


def test_a_run_lives_as_long_as_its_guard(tmp_path: Path) -> None:
    """Told by the guard's identity in the header: looking takes no lock that could hinder an undoer."""
    me = vars(ProcessIdentity.of(os.getpid()))
    UndoLog.create(tmp_path, "living", {"guard": me}).close()
    UndoLog.create(tmp_path, "replaced", {"guard": {**me, "started": 1.0}}).close()
    UndoLog.create(tmp_path, "before-boot", {"guard": {**me, "boot": "another"}}).close()
    assert {run.run_id: run.alive for run in logged_runs(tmp_path)} == {
        "living": True,
        "replaced": False,
        "before-boot": False,
    }


def test_a_run_id_that_left_a_log_is_not_taken_again(tmp_path: Path) -> None:
    """The message says how to finish the earlier run."""
    UndoLog.create(tmp_path, "run-1", {}).close()
    with pytest.raises(StateError, match="recover --run run-1"):
        UndoLog.create(tmp_path, "run-1", {})


@pytest.mark.parametrize("run_id", ["../evil", "", "a/b", "Upper", "x" * 64])
def test_a_run_id_never_becomes_a_path(tmp_path: Path, run_id: str) -> None:
    """An id outside the pattern is refused before any file is touched."""
    with pytest.raises(StateError, match="cannot be a run's id"):
        UndoLog.create(tmp_path, run_id, {})


def test_the_log_of_another_user_is_not_replayed(tmp_path: Path) -> None:
    """Who owns a log decides what is injected where, so the owner is checked."""
    log = UndoLog.create(tmp_path, "run-1", {})
    log.close()
    if os.geteuid() == 0:
        os.chown(log.path, 12345, 12345)
        with pytest.raises(StateError, match="another user"):
            read_log(log.path)
    else:
        assert log.path.stat().st_uid == os.geteuid()


def test_a_symbolic_link_is_no_log(tmp_path: Path) -> None:
    """A link could lead to somebody else's injections."""
    (tmp_path / "elsewhere").mkdir()
    UndoLog.create(tmp_path / "elsewhere", "run-1", {}).close()
    (tmp_path / "undo").mkdir()
    (tmp_path / "undo" / "run-2.log").symlink_to(tmp_path / "elsewhere" / "undo" / "run-1.log")
    [run] = logged_runs(tmp_path)
    assert "cannot be read" in run.damage
    assert run.open == []


def test_a_damaged_log_names_its_line(tmp_path: Path) -> None:
    """Damage is said, with what to do, and never skipped."""
    log = UndoLog.create(tmp_path, "run-1", {})
    write(log, "1", "intended")
    with log.path.open("r+b") as file:
        file.seek(len(log.path.read_bytes().split(b"\0", 1)[0]))
        file.write(b"garbage\n")
    with pytest.raises(StateError, match=r"run-1\.log:3: the undo log is damaged"):
        read_log(log.path)
    log.close()


def test_a_log_grows_past_its_first_block(tmp_path: Path) -> None:
    """Many injections in one run need more room than was allocated first."""
    log = UndoLog.create(tmp_path, "run-1", {})
    for number in range(200):
        log.write({"id": str(number), "state": "intended", "filler": "x" * 600})
    run = read_log(log.path)
    assert run is not None
    assert len(run.open) == 200
    log.close()


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "[" * 5_000,
        '{"id": "1"}',
        '{"id": 1, "state": "sent"}',
        '{"id": "1", "state": "sent", "wall": "yesterday"}',
        '{"id": "1", "state": "sent", "expires_wall": 1e300}',
        '{"id": "1", "state": "applied", "operations": ["rm"]}',
        '{"id": "1", "state": "applied", "service": {"name": "api", "pid": -1, "started": 1, "boot": "b"}}',
    ],
)
def test_a_record_of_another_shape_is_damage(tmp_path: Path, line: str) -> None:
    """It is said with its line, and `status` goes on with the other runs."""
    log_path(tmp_path, "run-1").parent.mkdir()
    log_path(tmp_path, "run-1").write_text(f'{{"run": "run-1"}}\n{line}\n')
    with pytest.raises(StateError, match=r"run-1\.log:2: the undo log is damaged"):
        read_log(log_path(tmp_path, "run-1"))
    assert [run.damage != "" for run in logged_runs(tmp_path)] == [True]
