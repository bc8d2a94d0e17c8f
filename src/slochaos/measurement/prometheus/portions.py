"""The raw samples that a live history grows by, fetched in an order that leaves no scrape half seen."""

from __future__ import annotations

from collections.abc import Iterable

from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.fetching import ask_all
from slochaos.measurement.prometheus.live import SCRAPE_DURATION
from slochaos.measurement.prometheus.pages import UP
from slochaos.measurement.prometheus.plan import ask_of, job_asks, merged
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.selection import PROCESS_START
from slochaos.spec.objectives import Metric

_OF_TARGETS = frozenset({UP, PROCESS_START, SCRAPE_DURATION})


class Portions:
    """What these metrics need, time after time. `jobs` are those that had series so far; `warnings` the server's."""

    def __init__(self, wanted: Iterable[Metric]) -> None:
        self.jobs: frozenset[str] = frozenset()
        self.warnings: dict[str, None] = {}
        self._asks = merged(ask for each in wanted if (ask := ask_of(each)) is not None)

    def fetch(self, server: PrometheusServer, since: float, start: float, end: float) -> list[RawSeries]:
        """The samples in [start, end], epoch seconds; from `since` on when there is a job that was not known.

        The targets' `up` comes first: all that it tells of has come in when the series are asked for. Raises
        SourceError.
        """
        raw = self._once(server, start, end)
        jobs = frozenset(job for each in raw if (job := each.labels.get("job", "")))
        if jobs <= self.jobs:
            return raw
        self.jobs |= jobs
        return self._once(server, since, end)

    def _once(self, server: PrometheusServer, start: float, end: float) -> list[RawSeries]:
        found: list[RawSeries] = []
        for asks in (job_asks(self.jobs, _OF_TARGETS), self._asks):
            texts = [str(ask) for ask in asks]
            answers = ask_all(server, texts, lambda text: server.raw(text, start, end)) if texts else {}
            for answer in answers.values():
                found += answer.value
                self.warnings |= dict.fromkeys(answer.warnings)
        return list({each.series: each for each in found}.values())
