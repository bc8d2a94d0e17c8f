"""Carries events to whoever watches, without ever holding up the run.

Events go through a bounded queue to one thread, which writes the NDJSON files and calls `on_event`. A
terminal that hangs, a full disk or a closed pipe costs events, never time: what does not fit is dropped.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from slochaos.runner.events import Event

_LIMIT = 2000
_FLUSH_WITHIN_S = 1.0


@dataclass(frozen=True)
class _Opened:
    """A file that joins, in order with the events."""

    file: IO[str]
    of_the_run: bool


class Watcher(Protocol):
    """Takes part in a run without holding it up."""

    def on_event(self, event: Event) -> None:
        """Take in one event; has to return at once."""

    def close(self) -> None:
        """The last event was delivered."""


class EventStream:
    """Where the supervisor puts its events. `emit` returns at once, from any thread.

    `dropped` events reached nobody; `write_error` says why a file ends early, empty while none does.
    """

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self.dropped = 0
        self.write_error = ""
        self._on_event: Callable[[Event], None] | None = on_event
        self._watchers: list[Watcher] = []
        self._files: list[IO[str]] = []
        self._of_the_run: IO[str] | None = None
        self._queue: queue.Queue[Event | _Opened | None] = queue.Queue(_LIMIT)
        self._thread = threading.Thread(target=self._carry, name="events", daemon=True)
        self._thread.start()

    def write_to(self, path: Path) -> None:
        """Write NDJSON to this file of the run from now on, and no more to that of the run before. Raises OSError."""
        self._queue.put(_Opened(_open(path), of_the_run=True))

    def write_also_to(self, path: Path) -> None:
        """Write NDJSON to this file too, across runs. Raises OSError when it cannot be opened."""
        self._queue.put(_Opened(_open(path), of_the_run=False))

    def watch(self, watcher: Watcher) -> None:
        """Give the watcher every event from now on. Called before the first fault, from the supervisor."""
        self._watchers.append(watcher)

    def emit(self, event: Event) -> None:
        """Hand over one event, or drop it when nobody has taken the last ones."""
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Deliver what is queued, for a second at most, and close the files."""
        with contextlib.suppress(queue.Full):
            self._queue.put(None, timeout=_FLUSH_WITHIN_S)
        self._thread.join(_FLUSH_WITHIN_S)
        for watcher in self._watchers:
            watcher.close()

    def _carry(self) -> None:
        while (event := self._queue.get()) is not None:
            if isinstance(event, _Opened):
                self._take(event)
                continue
            self._write(event)
            for watcher in self._watchers:
                watcher.on_event(event)
            self._show(event)
        for file in list(self._files):
            self._drop(file)

    def _take(self, opened: _Opened) -> None:
        if opened.of_the_run and self._of_the_run is not None:
            self._drop(self._of_the_run)
        if opened.of_the_run:
            self._of_the_run = opened.file
        self._files.append(opened.file)

    def _drop(self, file: IO[str]) -> None:
        if file in self._files:
            self._files.remove(file)
        with contextlib.suppress(OSError):
            file.close()

    def _write(self, event: Event) -> None:
        if not self._files:
            return
        line = json.dumps(event.as_line(), default=str, ensure_ascii=False) + "\n"
        for file in list(self._files):
            try:
                file.write(line)
            except OSError as error:
                # A full disk: this file ends here, the run goes on.
                self.write_error = self.write_error or f"events are not written any more: {error.strerror}"
                self._drop(file)

    def _show(self, event: Event) -> None:
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception:  # noqa: BLE001 - a watcher's fault (a closed pipe, a broken renderer) is not the run's
            self._on_event = None


def _open(path: Path) -> IO[str]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8", buffering=1)
