"""The durable outbox of AgentMesh's API."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from environments.agentmesh.outbox import BATCH, Entry, Outbox


def using(path: Path, work: Callable[[Outbox], Coroutine[Any, Any, None]]) -> None:
    """Run `work` on the outbox in this file, and close it."""

    async def run() -> None:
        outbox = Outbox(path)
        try:
            await work(outbox)
        finally:
            outbox.close()

    asyncio.run(run())


def applied_from(path: Path) -> list[Entry]:
    """What a new process would apply from this file."""
    entries: list[Entry] = []

    async def keep(batch: Sequence[Entry]) -> None:
        entries.extend(batch)

    using(path, lambda outbox: outbox.drain(keep))
    return entries


def test_what_was_acknowledged_is_there_after_a_restart(tmp_path: Path) -> None:
    """Entries come back in the order in which they were acknowledged, whatever text they hold."""
    path = tmp_path / "outbox"
    entries = [{"id": str(n), "text": f'line\n"quoted" ✓ {n}'} for n in range(5)]

    async def append(outbox: Outbox) -> None:
        for entry in entries:
            await outbox.append(entry)

    using(path, append)
    assert applied_from(path) == entries


def test_entries_that_come_together_share_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst of 100 writes costs a few fsyncs, not 100."""
    syncs: list[int] = []
    monkeypatch.setattr(os, "fsync", syncs.append)

    async def burst(outbox: Outbox) -> None:
        await asyncio.gather(*(outbox.append({"id": n}) for n in range(100)))

    using(tmp_path / "outbox", burst)
    assert len(applied_from(tmp_path / "outbox")) == 100
    assert 1 <= len(syncs) <= 5


def test_it_is_empty_once_all_is_applied(tmp_path: Path) -> None:
    """The file does not grow from outage to outage."""
    path = tmp_path / "outbox"

    async def append(outbox: Outbox) -> None:
        await outbox.append({"id": 1})

    using(path, append)
    assert applied_from(path) == [{"id": 1}]
    assert path.read_bytes() == b""
    assert applied_from(path) == []


def test_a_failure_while_applying_keeps_what_was_not_applied(tmp_path: Path) -> None:
    """The batch that failed, and those behind it, are applied the next time."""

    class DatabaseGone(Exception):
        pass

    seen: list[int] = []

    async def fail_on_second(batch: Sequence[Entry]) -> None:
        seen.append(len(batch))
        if len(seen) == 2:
            raise DatabaseGone

    async def fail(outbox: Outbox) -> None:
        await asyncio.gather(*(outbox.append({"id": n}) for n in range(BATCH + 10)))
        with pytest.raises(DatabaseGone):
            await outbox.drain(fail_on_second)
        assert len(outbox) == 10
        await outbox.drain(fail_on_second)
        assert len(outbox) == 0

    using(tmp_path / "outbox", fail)
    assert seen == [BATCH, 10, 10]


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    """A line that a crash cut short was never acknowledged; what is written next starts a line of its own."""
    path = tmp_path / "outbox"
    path.write_bytes(b'{"id":1}\n{"id":2')

    async def append(outbox: Outbox) -> None:
        await outbox.append({"id": 3})

    using(path, append)
    assert applied_from(path) == [{"id": 1}, {"id": 3}]


def test_a_write_that_fails_is_not_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller gets the error, and no half line stays behind."""
    path = tmp_path / "outbox"

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    async def append(outbox: Outbox) -> None:
        await outbox.append({"id": 1})
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(OSError, match="No space"):
                await outbox.append({"id": 2})
        await outbox.append({"id": 3})

    using(path, append)
    assert applied_from(path) == [{"id": 1}, {"id": 3}]


def test_a_file_that_is_no_outbox_is_refused(tmp_path: Path) -> None:
    """Nothing of it is applied and nothing of it is cut off."""
    path = tmp_path / "outbox"
    path.write_bytes(b"not json\n")
    with pytest.raises(ValueError, match="Expecting value"):
        Outbox(path)
    assert path.read_bytes() == b"not json\n"
