"""Sampling all sources of an environment for as long as a run lasts."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from slochaos import clock
from slochaos.errors import SourceError
from slochaos.measurement.samplefile import SampleFile
from slochaos.measurement.samples import Sample
from slochaos.measurement.scrape import ScrapeReader
from slochaos.measurement.selection import metrics
from slochaos.spec.environment import Environment
from slochaos.spec.sources import ScrapeSource


class Sampler:
    """One thread per source, each at its own period on an absolute schedule.

    All samples of a run are kept, at about 70 bytes for each series of each sample: ten minutes of two
    sources with 200 selected series each, at 4 readings a second, are 70 MB. `history` is a snapshot: what
    it returns never changes afterwards.

    `samples_file` (NDJSON, 0600) is written through a bounded queue that never holds up the sampling.
    """

    def __init__(self, environment: Environment, samples_file: Path | None = None) -> None:
        """Raises InvalidInput for a source whose URL cannot be read."""
        wanted = metrics(environment.objectives)
        self._readers = {s.name: ScrapeReader(s, wanted) for s in environment.pages}
        self._path = samples_file
        self._file: SampleFile | None = None
        self._loops = {s.name: _Loop(s, self._readers[s.name], self._keep) for s in environment.pages}

    def start(self) -> None:
        """Start the threads; the first readings begin at once.

        Raises SourceError without any source, StateError when the samples file cannot be made.
        """
        if not self._loops:
            raise SourceError("the environment names no source", hint="add one under sources: {name, scrape}")
        self._file = SampleFile(self._path) if self._path else None
        for loop in self._loops.values():
            loop.start()

    def stop(self) -> None:
        """End the threads, close connections and the file. Returns within a few seconds. Idempotent."""
        for loop in self._loops.values():
            loop.ask_to_end()
        for loop in self._loops.values():
            loop.wait_for_end()
        if self._file is not None:
            self._file.close()

    def sample_now(self, timeout_s: float = 5.0) -> bool:
        """Read every source at once, beside the schedule; wait until each sample (good or failed) is in.

        Only samples that started after the call count. False when one did not come within `timeout_s`.
        """
        asked = clock.now()
        for loop in self._loops.values():
            loop.ask(asked)
        return all(loop.wait_for(asked, asked + timeout_s) for loop in self._loops.values())

    @property
    def history(self) -> Mapping[str, Sequence[Sample]]:
        """All samples so far, by source. Safe from any thread."""
        return {name: loop.samples() for name, loop in self._loops.items()}

    @property
    def dropped(self) -> int:
        """Samples that are missing in the file, because the disk was too slow."""
        return self._file.dropped if self._file else 0

    @property
    def write_error(self) -> str:
        """Why the file ended early; empty if it did not."""
        return self._file.error if self._file else ""

    def metric_names(self) -> Mapping[str, frozenset[str]]:
        """Every metric name on each source's newest good page, for `baseline.baseline_problems`."""
        return {name: reader.metric_names() for name, reader in self._readers.items()}

    def _keep(self, sample: Sample) -> None:
        if self._file is not None:
            self._file.offer(sample)


class _Loop:
    """The thread of one source. What it shares is guarded by `_changed`."""

    def __init__(self, source: ScrapeSource, reader: ScrapeReader, keep: Callable[[Sample], None]) -> None:
        self._source, self._reader, self._keep = source, reader, keep
        self._samples: list[Sample] = []
        self._changed = threading.Condition()
        self._asked = -math.inf
        self._ending = False
        self._thread = threading.Thread(target=self._run, name=f"sample-{source.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self, instant: float) -> None:
        """Ask for a reading that starts at or after `instant`."""
        with self._changed:
            self._asked = instant
            self._changed.notify_all()

    def wait_for(self, instant: float, deadline: float) -> bool:
        """Wait for a sample that started at or after `instant`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._newest() >= instant, max(deadline - clock.now(), 0.0))

    def samples(self) -> tuple[Sample, ...]:
        with self._changed:
            return tuple(self._samples)

    def ask_to_end(self) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def wait_for_end(self) -> None:
        """A thread that hangs in a name look-up is left behind: it is a daemon and holds nothing."""
        if self._thread.ident is not None:
            self._thread.join(self._reader.deadline_s + 1.0)

    def _newest(self) -> float:
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
            while not self._ending and self._asked <= self._newest() and (left := due - clock.now()) > 0:
                self._changed.wait(left)
