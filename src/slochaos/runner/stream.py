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
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from slochaos.runner.events import Event

_LIMIT = 2000
_FLUSH_WITHIN_S = 1.0


class EventStream:
    """Where the supervisor puts its events. `emit` returns at once, from any thread."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self.dropped = 0
        self._on_event: Callable[[Event], None] | None = on_event
        self._files: list[IO[str]] = []
        self._queue: queue.Queue[Event | None] = queue.Queue(_LIMIT)
        self._thread = threading.Thread(target=self._carry, name="events", daemon=True)
        self._thread.start()

    def write_to(self, paths: Sequence[Path]) -> None:
        """Also write NDJSON to these files from now on. Raises OSError when one cannot be opened."""
        for path in paths:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            self._files.append(os.fdopen(descriptor, "w", encoding="utf-8", buffering=1))

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
        if not self._thread.is_alive():
            for file in self._files:
                with contextlib.suppress(OSError):
                    file.close()

    def _carry(self) -> None:
        while (event := self._queue.get()) is not None:
            self._write(event)
            self._show(event)

    def _write(self, event: Event) -> None:
        if not self._files:
            return
        line = json.dumps(event.as_line(), default=str, ensure_ascii=False) + "\n"
        for file in list(self._files):
            try:
                file.write(line)
            except OSError:
                # A full disk: this file ends here, the run goes on.
                self._files.remove(file)
                with contextlib.suppress(OSError):
                    file.close()

    def _show(self, event: Event) -> None:
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception:  # noqa: BLE001 - a watcher's fault (a closed pipe, a broken renderer) is not the run's
            self._on_event = None
