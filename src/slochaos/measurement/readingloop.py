"""One source read over and over, at its own period, on a thread of its own."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

from slochaos import clock
from slochaos.measurement.samples import Sample
from slochaos.measurement.scrape import ScrapeReader


def unheeded(_: Sample) -> None:
    """For samples that nobody wants as they come."""


class ReadingLoop:
    """The thread of one source. `keep` is told each sample. What the thread shares is guarded by `_changed`."""

    def __init__(self, reader: ScrapeReader, keep: Callable[[Sample], None] = unheeded) -> None:
        self._source, self._reader, self._keep = reader.source, reader, keep
        self._samples: list[Sample] = []
        self._changed = threading.Condition()
        self._asked = -math.inf
        self._ending = False
        self._thread = threading.Thread(target=self._run, name=f"sample-{reader.source.name}", daemon=True)

    def start(self) -> None:
        """Read for the first time, and go on."""
        self._thread.start()

    def ask(self, instant: float) -> None:
        """Ask for a reading that starts at or after `instant`."""
        with self._changed:
            self._asked = instant
            self._changed.notify_all()

    def wait_for(self, instant: float, deadline: float) -> bool:
        """Wait for a sample that started at or after `instant`."""
        with self._changed:
            return self._changed.wait_for(lambda: self.newest() >= instant, max(deadline - clock.now(), 0.0))

    def samples(self) -> tuple[Sample, ...]:
        """All samples so far, failed ones too."""
        with self._changed:
            return tuple(self._samples)

    def ask_to_end(self) -> None:
        """Take no further reading."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def wait_for_end(self) -> None:
        """A thread that hangs in a name look-up is left behind: it is a daemon and holds nothing."""
        if self._thread.ident is not None:
            self._thread.join(self._reader.deadline_s + 1.0)

    def newest(self) -> float:
        """When the newest sample was started; before everything without one."""
        return self._samples[-1].started if self._samples else -math.inf

    def _run(self) -> None:
        try:
            due = clock.now()
            while not self._ending:
                self._take()
                # Multiples of the period from the first reading on: a slow page does not shift the schedule.
                # A reading in between, asked for by `sample_now`, takes no scheduled one away.
                late_s = clock.now() - due
                if late_s >= 0:
                    due += self._source.every_s * max(1, math.ceil(late_s / self._source.every_s))
                self._sleep(due)
        finally:
            self._reader.close()

    def _take(self) -> None:
        sample = self._read()
        with self._changed:
            self._samples.append(sample)
            self._changed.notify_all()
        self._keep(sample)

    def _read(self) -> Sample:
        started, wall = clock.now(), clock.wall()
        try:
            return self._reader.read()
        except Exception as error:  # noqa: BLE001 - the border of a thread: it must go on, and say what happened
            failure = f"internal error: {type(error).__name__}: {error}"
            return Sample(self._source.name, started, clock.now(), wall, {}, failure)

    def _sleep(self, due: float) -> None:
        """Until the next reading is due, one is asked for, or the end."""
        with self._changed:
            while not self._ending and self._asked <= self.newest() and (left := due - clock.now()) > 0:
                self._changed.wait(left)
