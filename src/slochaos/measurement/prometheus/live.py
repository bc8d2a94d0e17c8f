"""What a server tells of its targets while a run goes on: a history that grows at its end, in the run's clock.

Pure. `pages` puts raw samples together for a window that is over; here they come in portions, and a sample that
was given out never changes: phases are cut at it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from slochaos.measurement.counters import NEVER_SEEN
from slochaos.measurement.counting import period_of
from slochaos.measurement.phases import PATIENCE_S, History
from slochaos.measurement.prometheus import parsing
from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.pages import GONE, MISSED, UP, USUAL_PERIOD_S, Page, pages_of, samples_of
from slochaos.measurement.samples import Sample

SCRAPE_DURATION = "scrape_duration_seconds"

_PERIODS_LOOKED_AT = 20

Address = tuple[str, str]


@dataclass(frozen=True)
class RunClock:
    """From the server's timestamps to this host's clocks.

    `ahead_s`: a timestamp minus the instant (clock.now) at which it was made; `skew_s`: minus this host's
    epoch seconds; both give or take `uncertainty_s`.
    """

    ahead_s: float
    skew_s: float
    uncertainty_s: float

    def placed(self, sample: Sample, took_s: float) -> Sample:
        """A sample of a server's timestamp. The scrape began at the timestamp, and took `took_s`."""
        at, unsure_s = sample.started - self.ahead_s, self.uncertainty_s
        return sample._replace(
            started=at - unsure_s,
            finished=at + took_s + unsure_s,
            wall=sample.started - self.skew_s,
        )


@dataclass
class _Source:
    """One target's samples so far. `upto`: the newest timestamp taken. `missing`: it shows nothing at the moment."""

    samples: list[Sample] = field(default_factory=list)
    labels: Mapping[str, str] = field(default_factory=dict)
    upto: float = -math.inf
    last_page: float = -math.inf
    missing: bool = False

    @property
    def period_s(self) -> float:
        """Its usual time between scrapes, seconds."""
        period_s = period_of(self.samples[-_PERIODS_LOOKED_AT:])
        return period_s if 0 < period_s < math.inf else USUAL_PERIOD_S


class LiveHistory:
    """The targets' samples since `since` (a timestamp). `gauge_up`: some objective counts `up` itself.

    A target that appears later, fails for longer than phases wait for a sample, or is not scraped any more has an
    absent sample there, so that what it may have counted unseen widens the count. Of one that goes on failing no
    more samples are kept until it answers.
    """

    def __init__(self, run_clock: RunClock, since: float, *, gauge_up: bool = False) -> None:
        self._clock = run_clock
        self._since = since
        self._gauge_up = gauge_up
        self._sources: dict[str, _Source] = {}

    def take(self, raw: Iterable[RawSeries], now: float) -> list[Sample]:
        """Take a portion, which may repeat what was taken; `now` is the server's time of asking. What is new."""
        known = list(raw)
        took_s = _durations(known)
        first = not self._sources
        new: list[Sample] = []
        for page in self._pages([each for each in known if each.name != SCRAPE_DURATION]):
            source = self._sources.setdefault(page.name, _Source(labels=dict(page.labels)))
            if not first and not source.samples:
                source.samples.append(self._absence(page.name, self._since, NEVER_SEEN))
            durations = took_s.get(frozenset(page.labels), {})
            for sample in samples_of(page):
                if sample.started > source.upto:
                    new += self._append(source, sample, durations.get(sample.started, 0.0))
        new += [sample for name in self._sources for sample in self._look_for_gone(name, now)]
        return new

    def history(self) -> History:
        """A snapshot, in the run's clock."""
        return {name: tuple(source.samples) for name, source in self._sources.items()}

    def labels(self) -> Mapping[str, Mapping[str, str]]:
        """By source the labels of its target; empty for what belongs to none."""
        return {name: source.labels for name, source in self._sources.items()}

    def period_s(self) -> float:
        """The longest usual time between two scrapes; 0 without any."""
        return max((s.period_s for s in self._sources.values() if len(s.samples) > 1), default=0.0)

    def scrape_s(self) -> float:
        """The longest scrape seen."""
        return max(
            (s.finished - s.started for each in self._sources.values() for s in each.samples[-1:]),
            default=0.0,
        )

    def _pages(self, known: Sequence[RawSeries]) -> list[Page]:
        found = pages_of(_trimmed(known)) if any(each.name != UP for each in known) else []
        if self._gauge_up:
            alone = pages_of([each for each in known if each.name == UP])
            found += [replace(page, name=f"{page.name} (up)") for page in alone]
        return found

    def _append(self, source: _Source, sample: Sample, took_s: float) -> list[Sample]:
        placed = self._clock.placed(sample, took_s)
        source.upto = sample.started
        if sample.is_page:
            source.last_page, source.missing = sample.started, False
            new = [placed]
        elif source.missing:
            return []
        elif sample.started - source.last_page > max(PATIENCE_S, 2 * source.period_s):
            source.missing = True
            new = [self._absence(sample.source, sample.started, sample.failure)]
        else:
            new = [placed]
        source.samples += new
        return new

    def _look_for_gone(self, name: str, now: float) -> list[Sample]:
        """Of a target that the server stopped scraping: where it would have been seen next."""
        source = self._sources[name]
        slack_s = MISSED * source.period_s
        if source.missing or now < source.upto + 2 * slack_s:
            return []
        source.missing = True
        source.upto += slack_s
        source.samples.append(self._absence(name, source.upto, GONE))
        return source.samples[-1:]

    def _absence(self, name: str, at: float, why: str) -> Sample:
        return self._clock.placed(Sample(name, at, at, at, {}, absent=why), 0.0)


def _trimmed(known: Sequence[RawSeries]) -> list[RawSeries]:
    """Nothing newer than the newest `up` of its target: that scrape came in while we were asking, and is not whole."""
    newest: dict[Address, float] = {}
    for each in known:
        if each.name == UP:
            newest[_address(each)] = max(each.times[-1], newest.get(_address(each), -math.inf))
    cut = [parsing.within(each, -math.inf, newest.get(_address(each), math.inf)) for each in known]
    return [each for each in cut if each.times]


def _durations(known: Iterable[RawSeries]) -> dict[frozenset[tuple[str, str]], dict[float, float]]:
    """By target and timestamp how long the scrape took, seconds."""
    return {
        frozenset(each.labels.items()): dict(zip(each.times, each.values, strict=True))
        for each in known
        if each.name == SCRAPE_DURATION
    }


def _address(series: RawSeries) -> Address:
    return series.labels.get("job", ""), series.labels.get("instance", "")
