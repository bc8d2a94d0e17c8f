"""A ledger that cannot be used is one message with a way out; several processes at once are no failure."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from slochaos.errors import InvalidInput, StateError
from slochaos.ledger import database, schema
from slochaos.ledger.store import Ledger
from tests.unit.sample_results import passed_result

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with one run."""
    path = tmp_path / "ledger.db"
    with Ledger(path) as ledger:
        ledger.add(passed_result())
    return path


@contextmanager
def statement_on_connect(ledger: Ledger, statement: str) -> Iterator[None]:
    """Run a statement on each new connection of the ledger, to put SQLite into a real bad state."""

    def run(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(statement)

    event.listen(ledger._engine, "connect", run)
    yield
    event.remove(ledger._engine, "connect", run)


def test_locked_ledger_is_named_after_the_busy_timeout(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that holds the write lock for too long is said, and waiting is advised."""
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.2)
    with closing(sqlite3.connect(path, isolation_level=None)) as other, Ledger(path) as ledger:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match=r"ledger\.db is locked by another process") as caught:
            ledger.add(passed_result())
        assert "wait" in caught.value.hint
        assert len(ledger.history()) == 1, "reading goes on beside a writer"


def test_read_only_ledger_can_be_read_and_says_why_it_is_not_written(path: Path) -> None:
    """A ledger without write access still shows its history."""
    with Ledger(path) as ledger, statement_on_connect(ledger, "PRAGMA query_only=ON"):
        assert len(ledger.history()) == 1
        with pytest.raises(StateError, match="is read-only"):
            ledger.add(passed_result())


def test_full_disk_is_said_and_keeps_what_was_there(path: Path) -> None:
    """A write that no longer fits fails whole: nothing of it stays, nothing of before is lost."""
    with Ledger(path) as ledger:
        with statement_on_connect(ledger, "PRAGMA max_page_count=1"):
            big = passed_result(notes=("x" * 100_000,))
            with pytest.raises(StateError, match="the disk is full") as caught:
                ledger.add(big)
            assert "free some space" in caught.value.hint
        assert ledger.get("7f3a-91c2") == passed_result()


@pytest.mark.parametrize(
    "content", [b"this is no database at all, but long enough to look" * 50, b"SQLite format 3\0junk"]
)
def test_damaged_file_is_said(tmp_path: Path, content: bytes) -> None:
    """Neither a foreign file nor a cut one gives a traceback, and it is not overwritten."""
    path = tmp_path / "ledger.db"
    path.write_bytes(content)
    with Ledger(path) as ledger:
        for use in (ledger.history, lambda: ledger.add(passed_result())):
            with pytest.raises(StateError, match=r"ledger\.db .*(not a ledger|damaged)"):
                use()
    assert path.read_bytes() == content


def test_newer_ledger_is_left_alone(path: Path) -> None:
    """Tables of a later version are neither read nor written by this one; upgrading is advised."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'")
    with Ledger(path) as ledger:
        for use in (ledger.history, lambda: ledger.add(passed_result())):
            with pytest.raises(StateError, match="written by a newer slochaos") as caught:
                use()
            assert "upgrade" in caught.value.hint


def test_folder_that_is_missing_is_said(tmp_path: Path) -> None:
    """A ledger in a folder that does not exist cannot be made; reading it finds nothing."""
    with Ledger(tmp_path / "missing" / "ledger.db") as ledger:
        assert ledger.history() == []
        with pytest.raises(StateError, match="cannot be made: No such file or directory"):
            ledger.add(passed_result())


def test_path_that_is_a_folder_is_said(tmp_path: Path) -> None:
    """A folder in the place of the file is one message too."""
    with Ledger(tmp_path) as ledger, pytest.raises(StateError, match=r"cannot be (made|opened)"):
        ledger.add(passed_result())


@pytest.mark.parametrize(
    "location", ["mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "http://u:secret@h", "://"]
)
def test_other_locations_are_invalid_and_keep_their_password(location: str) -> None:
    """Only SQLite in a file and PostgreSQL are supported, and no message shows a password."""
    with pytest.raises(InvalidInput) as caught:
        Ledger(location)
    assert "secret" not in str(caught.value)


def test_several_processes_make_the_tables_once(tmp_path: Path) -> None:
    """Runs that start together on a fresh machine all get recorded."""
    path = tmp_path / "ledger.db"
    code = (
        "import sys\n"
        "from slochaos.ledger.store import Ledger\n"
        "with Ledger(sys.argv[1]) as ledger:\n"
        "    ledger.begin(sys.argv[2], 'e', 'local', '2025-03-04T14:02:00Z', 'h')\n"
    )
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path), f"run-{n}"], cwd=ROOT, stderr=subprocess.PIPE
        )
        for n in range(3)
    ]
    errors = [child.communicate(timeout=60)[1].decode() for child in children]
    assert [child.returncode for child in children] == [0, 0, 0], errors
    with Ledger(path) as ledger:
        assert sorted(run.id for run in ledger.running()) == ["run-0", "run-1", "run-2"]


def test_recording_a_run_needs_no_alembic(path: Path) -> None:
    """Where the tables are up to date, the migration library is not even imported."""
    code = (
        "import sys\n"
        "from slochaos.ledger.store import Ledger\n"
        "with Ledger(sys.argv[1]) as ledger:\n"
        "    ledger.begin('another', 'e', 'local', '2025-03-04T14:02:00Z', 'h')\n"
        "assert 'alembic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True, cwd=ROOT, timeout=60)
