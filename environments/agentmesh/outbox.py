"""A durable outbox: writes that the database could not take, on disk before they are acknowledged.

One JSON object per line. Appends that come at the same time share one fsync (group commit). Entries are
applied in order and removed afterwards, so after a crash some are applied twice: applying must be
idempotent. A torn last line was never acknowledged and is dropped.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

Entry = dict[str, Any]

BATCH = 200


class Outbox:
    """Entries in the order in which they were acknowledged. One process at a time may use a file.

    Raises ValueError for a file that is no outbox.
    """

    def __init__(self, path: Path) -> None:
        whole = _whole_lines(path)
        self._entries = deque(json.loads(line) for line in whole.splitlines())
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, len(whole))
        self._unwritten: list[Entry] = []
        self._commit: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._entries)

    def close(self) -> None:
        """Close the file. What is in it stays for the next start."""
        os.close(self._file)

    async def append(self, entry: Entry) -> None:
        """Return once the entry is on disk. Raises OSError if it cannot be written."""
        self._unwritten.append(entry)
        if self._commit is None or self._commit.done():
            self._commit = asyncio.create_task(self._commit_next())
        commit = self._commit
        await asyncio.shield(commit)

    async def _commit_next(self) -> None:
        # Waiting for the lock gathers what arrives during the previous fsync into one batch.
        async with self._writing:
            self._commit = None
            batch, self._unwritten = self._unwritten, []
            await asyncio.to_thread(_write, self._file, b"".join(map(_line, batch)))
            self._entries.extend(batch)

    async def drain(self, apply: Callable[[Sequence[Entry]], Awaitable[None]]) -> None:
        """Apply all entries, in batches and in order, and forget them. What `apply` raises stops it.

        Entries that arrive meanwhile are applied too; the file is emptied when none is left.
        """
        while self._entries:
            batch = [self._entries[index] for index in range(min(BATCH, len(self._entries)))]
            await apply(batch)
            for _ in batch:
                self._entries.popleft()
            async with self._writing:
                if not self._entries:
                    await asyncio.to_thread(os.ftruncate, self._file, 0)


def _line(entry: Entry) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def _write(file: int, data: bytes) -> None:
    size = os.fstat(file).st_size
    try:
        written = 0
        while written < len(data):
            written += os.write(file, data[written:])
        os.fsync(file)
    except OSError:
        os.ftruncate(file, size)  # a full disk must not leave half a line for the next batch to follow
        raise


def _whole_lines(path: Path) -> bytes:
    data = path.read_bytes() if path.exists() else b""
    return data[: data.rfind(b"\n") + 1]
