"""The targets' own pages, read directly: what a server would show only after its next scrape.

For the abort watch alone. What a run is charged is counted from the server's samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from slochaos.errors import SlochaosError
from slochaos.measurement.phases import History
from slochaos.measurement.prometheus.answers import Target
from slochaos.measurement.readingloop import ReadingLoop
from slochaos.measurement.samples import Sample, Series
from slochaos.measurement.scrape import ScrapeReader
from slochaos.measurement.selection import PROCESS_START
from slochaos.spec.objectives import Metric
from slochaos.spec.sources import ScrapeSource

MOST_TARGETS = 50
"""More are not read directly: each is a connection and a thread of its own."""


class DirectWatch:
    """Reads the targets that show what objectives select, every `every_s` seconds. Snapshots are for any thread."""

    def __init__(self, every_s: float, wanted: Iterable[Metric]) -> None:
        self.every_s = every_s
        self._wanted = tuple(wanted)
        self._loops: dict[str, ReadingLoop] = {}
        self._addresses: dict[str, str] = {}
        self._unusable = ""

    def follow(self, sources: Mapping[str, Mapping[str, str]], targets: Iterable[Target]) -> None:
        """Read these sources too (their names and targets' labels) from now on, at their targets' addresses."""
        by_labels = {frozenset(target.labels.items()): target for target in targets}
        for name, labels in sources.items():
            target = by_labels.get(frozenset(labels.items()))
            if name in self._loops or self._unusable:
                continue
            if target is None:
                self._unusable = f"the server scrapes no target {name} itself"
            elif len(self._loops) >= MOST_TARGETS:
                self._unusable = f"there are more than {MOST_TARGETS} targets"
            else:
                self._begin(name, target)

    def _begin(self, name: str, target: Target) -> None:
        try:
            source = ScrapeSource(name, target.scrape_url, self.every_s)
            loop = ReadingLoop(ScrapeReader(source, self._wanted, labels=target.labels))
        except SlochaosError as error:
            self._unusable = error.message
            return
        self._loops = {**self._loops, name: loop}
        self._addresses[name] = target.scrape_url
        loop.start()

    @property
    def usable(self) -> bool:
        """Whether it is worth following more targets."""
        return not self._unusable

    def history(self) -> History:
        """What was read so far."""
        return {name: loop.samples() for name, loop in self._loops.items()}

    def problem(self, seen: History) -> str:
        """Why these pages cannot stand for what the server has `seen`; empty if they can."""
        if self._unusable:
            return self._unusable
        if not self._loops:
            return "no target of the server shows what the objectives select"
        history = self.history()
        return next(filter(None, (self._problem(n, history[n], seen.get(n, ())) for n in history)), "")

    def _problem(self, name: str, own: Iterable[Sample], seen: Iterable[Sample]) -> str:
        newest = next((each for each in reversed(tuple(own))), None)
        address = self._addresses[name]
        if newest is None or newest.failure:
            return f"{address} cannot be read from here ({newest.failure if newest else 'no answer yet'})"
        last = next((each for each in reversed(tuple(seen)) if each.is_page), None)
        missing = sorted(shown(last) - shown(newest)) if last else []
        return f"{address} does not show {missing[0]} as the server has it" if missing else ""

    def ask(self, instant: float) -> None:
        """Read every page at once."""
        for loop in self._loops.values():
            loop.ask(instant)

    def wait_for(self, instant: float, deadline: float) -> bool:
        """Wait until each page was read at or after `instant`."""
        return all(loop.wait_for(instant, deadline) for loop in self._loops.values())

    def stop(self) -> None:
        """End the threads and close the connections."""
        for loop in self._loops.values():
            loop.ask_to_end()
        for loop in self._loops.values():
            loop.wait_for_end()


def shown(sample: Sample) -> frozenset[str]:
    """The names of what a page counts."""
    return frozenset(name for name, _ in counted(sample) if not name.endswith("_created"))


def counted(sample: Sample) -> list[Series]:
    """The series that objectives select; a process start alone is none."""
    return [series for series in sample.values if series[0] != PROCESS_START]
