"""samples.ndjson: what was read, for whoever wants to count again. Written beside the sampling, never in it."""

from __future__ import annotations

import json
import os
import queue
import threading
from pathlib import Path
from typing import Any

from slochaos.errors import StateError
from slochaos.measurement.samples import Sample, Series

QUEUE_LIMIT = 2000
"""Samples that may wait for a slow disk; more are dropped and counted."""


class SampleFile:
    """A line per sample: source, started, finished, wall, failure, values by series number.

    A series is named once, in a line `{"series": {number: text}}` before its first value. A line holds
    only values that differ from the source's line before; a line after a drop holds all of them.
    """

    def __init__(self, path: Path) -> None:
        """Raises StateError when the file cannot be made."""
        self.dropped = 0
        self.error = ""
        self._queue: queue.Queue[Sample | None] = queue.Queue(QUEUE_LIMIT)
        self._numbers: dict[Series, int] = {}
        self._before: dict[str, dict[int, float]] = {}
        try:
            descriptor = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise StateError(
                f"{path} cannot be written: {error.strerror}", hint="free space, or run where you can write"
            ) from error
        self._file = os.fdopen(descriptor, "w", encoding="utf-8")
        self._thread = threading.Thread(target=self._write_all, name="samples-file", daemon=True)
        self._thread.start()

    def offer(self, sample: Sample) -> None:
        """Hand over a sample; never waits."""
        try:
            self._queue.put_nowait(sample)
        except queue.Full:
            self.dropped += 1

    def close(self, patience_s: float = 5.0) -> None:
        """Write what waits, then close."""
        try:
            self._queue.put(None, timeout=patience_s)
        except queue.Full:
            self.error = self.error or "the disk is too slow"
        self._thread.join(patience_s)

    def _write_all(self) -> None:
        while (sample := self._queue.get()) is not None:
            if not self.error:
                self._write(sample)
        try:
            self._file.close()
        except OSError as error:  # closing writes again what a full disk has refused before
            self.error = self.error or f"samples are not written any more: {error}"

    def _write(self, sample: Sample) -> None:
        try:
            self._file.writelines(
                f"{json.dumps(line, separators=(',', ':'))}\n" for line in self._lines(sample)
            )
            self._file.flush()
        except (OSError, ValueError) as error:
            self.error = f"samples are not written any more: {error}"

    def _lines(self, sample: Sample) -> list[dict[str, Any]]:
        fresh = {
            series: len(self._numbers) + n
            for n, series in enumerate(sample.values.keys() - self._numbers.keys())
        }
        self._numbers.update(fresh)
        values = {self._numbers[series]: value for series, value in sample.values.items()}
        before = self._before.get(sample.source, {})
        changed = {number: value for number, value in values.items() if before.get(number) != value}
        gone = sorted(before.keys() - values.keys()) if not sample.failure else []
        if not sample.failure:
            self._before[sample.source] = values
        line: dict[str, Any] = {
            "source": sample.source,
            "started": sample.started,
            "finished": sample.finished,
            "wall": sample.wall,
            "values": changed,
        }
        line.update({"failure": sample.failure} if sample.failure else {})
        line.update({"gone": gone} if gone else {})
        return [
            *([{"series": {number: _text(series) for series, number in fresh.items()}}] if fresh else []),
            line,
        ]


def _text(series: Series) -> str:
    name, labels = series
    inside = ",".join(f"{key}={json.dumps(value)}" for key, value in labels)
    return f"{name}{{{inside}}}" if inside else name
