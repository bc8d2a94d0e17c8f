"""Sampling all sources of an environment for as long as a run lasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slochaos import clock
from slochaos.errors import SourceError
from slochaos.measurement.counting import measure
from slochaos.measurement.dilution import Asked
from slochaos.measurement.phases import PATIENCE_S, Cut, History, cut_after, cut_before
from slochaos.measurement.readingloop import ReadingLoop
from slochaos.measurement.samplefile import SampleFile
from slochaos.measurement.samples import Count, NoData, Sample
from slochaos.measurement.scrape import ScrapeReader
from slochaos.measurement.selection import metrics
from slochaos.measurement.watch import page_seconds
from slochaos.spec.environment import Environment
from slochaos.spec.objectives import Objective, Query

if TYPE_CHECKING:
    from slochaos.measurement.prometheus.following import Follower
    from slochaos.measurement.prometheus.phasewise import PhaseEstimates

_PAGE_WITHIN_S = 10.0


class Sampler:
    """One thread per source: pages are read at their own period, Prometheus servers are asked what they scraped.

    All samples of a run are kept, at about 70 bytes for each series of each sample: ten minutes of two
    sources with 200 selected series each, at 4 readings a second, are 70 MB. `history` is a snapshot: what
    it returns never changes afterwards. It holds one source per page, and one per target of a server.

    `samples_file` (NDJSON, 0600) is written through a bounded queue that never holds up the sampling.
    """

    def __init__(self, environment: Environment, samples_file: Path | None = None) -> None:
        """Raises InvalidInput for a source whose URL cannot be read."""
        wanted = metrics(environment.objectives)
        self._readers = {s.name: ScrapeReader(s, wanted) for s in environment.pages}
        self._path = samples_file
        self._file: SampleFile | None = None
        self._loops = {name: ReadingLoop(reader, self._keep) for name, reader in self._readers.items()}
        self._followers = self._follow(environment)
        self._estimated = {o.name for o in environment.objectives if isinstance(o.indicator.total, Query)}
        self._estimates: PhaseEstimates | None = None

    def _follow(self, environment: Environment) -> tuple[Follower, ...]:
        if not environment.prometheus_servers:
            return ()
        from slochaos.measurement.prometheus.following import Follower  # slow to import

        return tuple(
            Follower(source, environment.objectives, self._keep) for source in environment.prometheus_servers
        )

    def start(self) -> None:
        """Start the threads; the first readings begin at once.

        Raises SourceError without any source, StateError when the samples file cannot be made.
        """
        if not self._threads:
            raise SourceError(
                "the environment names no source",
                hint="add `prometheus: URL`, or one under sources: {name, scrape}",
            )
        self._file = SampleFile(self._path) if self._path else None
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End the threads, close connections and the file. Returns within a few seconds. Idempotent."""
        for thread in self._threads:
            thread.ask_to_end()
        for thread in self._threads:
            thread.wait_for_end()
        if self._file is not None:
            self._file.close()

    def sample_now(self, timeout_s: float = 5.0) -> bool:
        """Read every page at once, beside the schedule, and ask every server; wait until each answer is in.

        Only samples that started after the call count (of a server: nothing makes it scrape earlier than it
        would). False when one did not come within `timeout_s`.
        """
        asked = clock.now()
        for thread in self._threads:
            thread.ask(asked)
        return all(thread.wait_for(asked, asked + timeout_s) for thread in self._threads)

    @property
    def history(self) -> History:
        """All samples so far, by source: what is charged. Safe from any thread."""
        own = {name: loop.samples() for name, loop in self._loops.items()}
        return {**own, **_together([follower.history for follower in self._followers])}

    @property
    def watched(self) -> History:
        """What the abort watch looks at: as `history`, but targets of servers read directly where that goes."""
        own = {name: loop.samples() for name, loop in self._loops.items()}
        return {**own, **_together([follower.watched for follower in self._followers])}

    def measure(
        self, objective: Objective, history: History, start: Cut, end: Cut, asked: Asked | None = None
    ) -> Count | NoData:
        """Events (or slices) from `start` up to `end`: counted, or of PromQL what a server estimates."""
        if objective.name not in self._estimated or not self._followers:
            return measure(objective, history, start, end, asked)
        if self._estimates is None:
            from slochaos.measurement.prometheus.phasewise import PhaseEstimates  # slow to import

            self._estimates = PhaseEstimates(self._followers)
        return self._estimates.of(objective, start, end)

    def choose_watch(self) -> tuple[str, ...]:
        """Settle, before a fault begins, what the abort watch looks at; a sentence for each server."""
        for follower in self._followers:
            follower.choose_watch()
        watched = tuple(follower.about_watch() for follower in self._followers)
        names = ", ".join(sorted(self._estimated))
        unwatched = (
            f"{names}: PromQL is estimated after a phase, so neither abort nor recovery is watched for"
        )
        return (*watched, unwatched) if names else watched

    def cut_before(self, instant: float) -> Cut | None:
        """Of every source the last sample that was complete at `instant`; None while one has none."""
        return cut_before(self.history, instant, self._patience_s)

    def cut_after(self, instant: float) -> Cut | None:
        """Of every source the first sample that started at or after `instant`; None while one has none."""
        return cut_after(self.history, instant, self._patience_s)

    @property
    def delay_s(self) -> float:
        """How much later than an event the sample that shows it is here: 0 for pages, which are read when asked."""
        return max((follower.delay_s for follower in self._followers), default=0.0)

    @property
    def wait_s(self) -> float:
        """How long to wait for a sample at most."""
        return max(self.delay_s, _PAGE_WITHIN_S if self._loops else 0.0)

    @property
    def resolution_s(self) -> float:
        """The longest time between two samples of a source."""
        pages = [reader.source.every_s for reader in self._readers.values()]
        return max([*pages, *(follower.interval_s for follower in self._followers)], default=0.0)

    @property
    def detection_s(self) -> float:
        """The longest time from a bad event to the sample by which the abort watch sees it, as far as was seen."""
        own = self.history if self._readers else {}
        pages = [r.source.every_s + page_seconds(own.get(name, ())) for name, r in self._readers.items()]
        return max([*pages, *(follower.detection_s for follower in self._followers)], default=0.0)

    def begin(self, instant: float) -> Cut | None:
        """Where a phase begins that is about to: servers have samples of before `instant`, pages only later ones."""
        earlier = None if self._loops else self.cut_before(instant)
        if earlier is not None and all(sample.is_page for sample in earlier.samples.values()):
            return earlier
        return self.cut_after(instant)

    def has_until(self, instant: float) -> bool:
        """Whether every source has been heard of since `instant`."""
        return all(s[-1].started >= instant or s[-1].absent for s in self.history.values() if s)

    @property
    def shows_all(self) -> bool:
        """Whether each metric that objectives select has a series, as far as servers have been asked for it."""
        return all(follower.shows_all for follower in self._followers)

    @property
    def troubles(self) -> Mapping[str, str]:
        """By name the servers that did not answer last, and why."""
        return {f.source.name: f.failure for f in self._followers if f.failure}

    @property
    def remarks(self) -> tuple[str, ...]:
        """What has to be said of the sources: clocks that are off, answers that were partial."""
        clocks = [follower.about_clock() for follower in self._followers]
        return tuple(filter(None, [*clocks, *self.warnings]))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What servers warned of: answers that were not whole."""
        return tuple(f"{f.source.name} warned: {text}" for f in self._followers for text in f.warnings)

    @property
    def dropped(self) -> int:
        """Samples that are missing in the file, because the disk was too slow."""
        return self._file.dropped if self._file else 0

    @property
    def write_error(self) -> str:
        """Why the file ended early; empty if it did not."""
        return self._file.error if self._file else ""

    def metric_names(self) -> Mapping[str, frozenset[str]]:
        """Every metric name of each source, as far as known, for `baseline.baseline_problems`."""
        pages = {name: reader.metric_names() for name, reader in self._readers.items()}
        return {**pages, **{each.source.name: each.metric_names() for each in self._followers}}

    @property
    def _patience_s(self) -> float:
        return (
            max(PATIENCE_S, *(3 * follower.interval_s for follower in self._followers))
            if self._followers
            else PATIENCE_S
        )

    @property
    def _threads(self) -> Sequence[ReadingLoop | Follower]:
        return (*self._loops.values(), *self._followers)

    def _keep(self, sample: Sample) -> None:
        if self._file is not None:
            self._file.offer(sample)


def _together(histories: Sequence[History]) -> History:
    """One history of several servers, which may well have targets of the same name."""
    if len(histories) == 1:
        return histories[0]
    return {
        f"{name} (server {number})" if number else name: samples
        for number, history in enumerate(histories)
        for name, samples in history.items()
    }
