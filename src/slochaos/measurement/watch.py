"""The abort watch's view: the newest counts since a cut, brought up to date sample by sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from slochaos.measurement.counting import Counting
from slochaos.measurement.phases import Cut, History
from slochaos.measurement.samples import Count, NoData, Sample
from slochaos.spec.environment import Environment
from slochaos.spec.objectives import Objective

ASSUMED_PAGE_S = 0.1
"""What reading a page is taken to last before one was read."""

ASSUMED_SCRAPES_S = 15.0 + 3.75
"""A server's usual scrape interval, and how long it may take until it is asked for the sample."""


class Watch:
    """Counts since `start` (S0) per objective. Each call looks only at samples that are new. One thread."""

    def __init__(self, objectives: Iterable[Objective], history: History, start: Cut) -> None:
        self._objectives = tuple(objectives)
        self._start = start
        self._countings = self._begin(history)

    def _begin(self, history: History) -> dict[str, Counting]:
        return {o.name: Counting(o, history, self._start) for o in self._objectives}

    def newest(self, history: History) -> dict[str, Count | NoData]:
        """Counts by objective name, from `start` to the newest good sample of each source.

        A source that has stopped answering shows in the reason `source-down`, and its count stands still.
        """
        start = self._start.over(history)
        if start is not self._start:  # targets that appeared: they belong to the count from its start on
            self._start = start
            self._countings = self._begin(history)
        for counting in self._countings.values():
            counting.advance(history)
        return {name: counting.count() for name, counting in self._countings.items()}

    def read_until(self) -> dict[str, float]:
        """By source: the instant at which the newest good sample was complete."""
        until: dict[str, float] = {}
        for counting in self._countings.values():
            until.update(counting.read_until())
        return until


def since(objectives: Iterable[Objective], history: History, start: Cut) -> Watch:
    """A watch from `start` on."""
    return Watch(objectives, history, start)


def detection_seconds(environment: Environment) -> float:
    """The longest time from a bad event to the sample that shows it, as far as files tell.

    A page's period, and a tenth of a second to read it. Of a Prometheus server likewise, for its targets' own
    pages; where these are not watched, an interval of 15 seconds is assumed, with the sample's way here.
    `Sampler.detection_s` is what was seen.
    """
    servers = [ASSUMED_SCRAPES_S if s.watch_s is None else s.watch_s for s in environment.prometheus_servers]
    periods = [*(source.every_s for source in environment.pages), *servers]
    return max((every_s + ASSUMED_PAGE_S for every_s in periods), default=0.0)


def page_seconds(samples: Sequence[Sample]) -> float:
    """How long reading a page took at most; a tenth of a second before it was read."""
    good = [s.finished - s.started for s in samples if not s.failure]
    return max(good, default=ASSUMED_PAGE_S)
