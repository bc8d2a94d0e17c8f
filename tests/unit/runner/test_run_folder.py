"""The run's folder: private, with room for the record, used once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slochaos import paths
from slochaos.errors import InvalidInput, StateError
from slochaos.runner.folder import RunFolder, check_run_id, new_run_id


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_ids_are_eight_hex_digits() -> None:
    """As `7f3a-91c2`, and accepted as ids."""
    assert re.fullmatch(r"[0-9a-f]{4}-[0-9a-f]{4}", new_run_id())
    assert check_run_id(new_run_id())


@pytest.mark.parametrize("name", ["", "../up", "A", "a/b", "-a", "a" * 64, "a b", "a\n"])
def test_what_could_leave_the_folder_is_no_id(name: str) -> None:
    """Ids become names of files and toxics."""
    with pytest.raises(InvalidInput):
        check_run_id(name)


def test_the_folder_is_this_users_alone() -> None:
    """Folder 0700, files 0600."""
    folder = RunFolder.make("one")
    folder.write("result.json", "{}")
    assert folder.path == paths.run_dir("one")
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.path.iterdir())


def test_room_for_the_record_is_held_until_it_is_needed() -> None:
    """Four megabytes for the record and one for the journal, that neither samples nor logs can take."""
    folder = RunFolder.make("one")
    held = sum(path.stat().st_blocks * 512 for path in folder.path.iterdir())
    assert held >= 5 << 20
    assert folder.journal_room.stat().st_blocks * 512 >= 1 << 20
    folder.give_back_journal_room()
    folder.give_back_reserve()
    assert list(folder.path.iterdir()) == []


def test_a_folder_is_made_once() -> None:
    """The second run of that name is told, and the first one's files stay."""
    RunFolder.make("one").write("result.json", "{}")
    with pytest.raises(InvalidInput, match="there is a run one already"):
        RunFolder.make("one")
    assert (paths.run_dir("one") / "result.json").read_text() == "{}"


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A file stands where the folder belongs."""
    (tmp_path / ".slochaos").write_text("in the way")
    with pytest.raises(StateError, match="cannot be written"):
        RunFolder.make("one")


def test_a_write_is_whole_or_not_at_all() -> None:
    """What was there stays when the new text cannot be written."""
    folder = RunFolder.make("one")
    folder.write("result.json", "old")
    (folder.path / ".result.json").mkdir()
    with pytest.raises(StateError):
        folder.write("result.json", "new")
    assert (folder.path / "result.json").read_text() == "old"
