"""Bad events by part of a window, from what the server has at the parts' ends only.

Enough to say when a budget comes back, at a small part of the cost of counting each part: a counter's values at the
ends are counted as pages that were read there. Where a part ends between two scrapes, the earlier one stands for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from slochaos.measurement.prometheus import exact
from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.closer import narrow, of_these_processes
from slochaos.measurement.prometheus.evidence import Picked
from slochaos.measurement.prometheus.fetching import Asking, Range, joined
from slochaos.measurement.prometheus.gauges import BEFORE_END_S, in_part
from slochaos.measurement.prometheus.pages import EARLY_S, UP
from slochaos.measurement.prometheus.plan import Ask, Found, address_of, asks_of, job_asks, merged
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.selection import PROCESS_START
from slochaos.spec.objectives import Indicator, Objective, Samples

Ends = tuple[float, ...]
"""Where parts end: the window's start, the ends of its parts, epoch seconds."""


@dataclass(frozen=True)
class _Run:
    """Ends at equal distances, which one range question asks about together."""

    step_s: float
    ends: Ends

    def question(self, expression: str, early_s: float = 0.0) -> Range:
        """The expression at each of the ends, or so much earlier."""
        first, last = self.ends[0] - early_s, self.ends[-1] - early_s
        return expression, Window(first, last + self.step_s / 2), self.step_s

    def at_ends(self, found: RawSeries, early_s: float = 0.0) -> RawSeries:
        """A series of the answer, its values at the ends that they stand for."""
        first = self.ends[0] - early_s
        times = [self.ends[round((at - first) / self.step_s)] for at in found.times]
        return replace(found, times=times)


def _runs(ends: Ends) -> list[_Run]:
    """The ends of the parts, by runs of parts of one length. The window's start is none of them."""
    parts = groupby(pairwise(ends), key=lambda part: max(round(part[1] - part[0], 3), 0.001))
    return [_Run(length_s, tuple(end for _, end in some)) for length_s, some in parts]


@dataclass(frozen=True)
class _Pages:
    """Counters at the ends of a window's parts, in use like evidence.Evidence."""

    now: float
    warnings: tuple[str, ...]
    found: Found
    ends: Ends

    def of(self, indicator: Indicator, window: Window) -> Picked:
        """The values of one indicator and its targets, each target read at each end."""
        series = {each.series: each for ask in asks_of(indicator) for each in self.found.of(ask)}
        addresses = {address_of(each.labels) for each in series.values()}
        ups = [
            RawSeries(UP, {"job": job, "instance": instance}, self.ends, [1.0] * len(self.ends))
            for job, instance in addresses
        ]
        starts = self.found.at(PROCESS_START, addresses)
        return Picked([*series.values(), *starts, *ups], [], period_s=window.length_s)


def bad_by_part(
    server: PrometheusServer, objectives: Sequence[Objective], ends: Ends
) -> Mapping[str, list[tuple[float, float]]]:
    """By objective its (bad events, end) of each part that has any. Raises SourceError.

    For objectives that count events of counters, histograms or gauges. What has no data has no parts.
    """
    asking = Asking(server)
    gauges = [each for each in objectives if isinstance(each.indicator.total, Samples)]
    counters = [each for each in objectives if not isinstance(each.indicator.total, Samples)]
    found = dict(_bad_samples(asking, gauges, ends)) if gauges else {}
    if counters:
        pages = _pages(asking, [each.indicator for each in counters], ends)
        read = Window(ends[0] + EARLY_S, ends[-1])  # from when the first of these pages counts as read
        for each in counters:
            points = exact.over_time(pages, each, read)
            found[each.name] = [(float(p.total - p.good), p.instant) for p in points if p.total > p.good]
    return found


def _pages(asking: Asking, indicators: Sequence[Indicator], ends: Ends) -> _Pages:
    asks = merged(ask for indicator in indicators for ask in asks_of(indicator))
    series = _read(asking, asks, ends)
    jobs = {each.labels.get("job", "") for each in series}
    starts = _read(asking, job_asks(jobs, {PROCESS_START}), ends)
    restarted = {address_of(each.labels) for each in starts if each.values[0] != each.values[-1]}
    series = [each for each in series if address_of(each.labels) not in restarted]
    texts = [text for ask in narrow(asks, restarted) for text in of_these_processes(ask)]
    series += _read_texts(asking, texts, ends)
    return _Pages(asking.server.now(), tuple(asking.warnings), Found([*series, *starts]), ends)


def _read(asking: Asking, asks: Iterable[Ask], ends: Ends) -> list[RawSeries]:
    """The values of series at the ends, as if they had been scraped there."""
    return _read_texts(asking, map(str, asks), ends)


def _read_texts(asking: Asking, texts: Iterable[str], ends: Ends) -> list[RawSeries]:
    names = dict.fromkeys(texts, "")
    first, *others = _runs(ends)
    runs = [replace(first, ends=(ends[0], *first.ends)), *others]
    return _joined(_asked(asking, names, run) for run in runs)


def _asked(asking: Asking, names: Mapping[str, str], run: _Run, early_s: float = 0.0) -> list[RawSeries]:
    """The values of expressions at a run's ends, or so much earlier. `names`: of expressions whose values have none."""
    questions = {run.question(text, early_s): name for text, name in names.items()}
    return [
        run.at_ends(replace(each, name=each.name or questions[question]), early_s)
        for question, found in asking.ranges(questions).items()
        for each in found
    ]


def _joined(runs: Iterable[Iterable[RawSeries]]) -> list[RawSeries]:
    found: tuple[RawSeries, ...] = ()
    for run in runs:
        found = joined(found, run)
    return list(found)


def _bad_samples(
    asking: Asking, objectives: Sequence[Objective], ends: Ends
) -> Mapping[str, list[tuple[float, float]]]:
    """Samples that are bad, by part."""
    asks = merged(ask for each in objectives for ask in asks_of(each.indicator))
    counts, ones = (_over_parts(asking, name, asks, ends) for name in ("count", "sum"))
    found: dict[str, list[tuple[float, float]]] = {}
    for each in objectives:
        total, one = (_sums(values, each.indicator) for values in (counts, ones))
        bad = {end: total[end] - one[end] if each.indicator.good is not None else one[end] for end in total}
        found[each.name] = [(bad[end], end) for end in sorted(bad) if bad[end] > 0]
    return found


def _over_parts(asking: Asking, function: str, asks: Sequence[Ask], ends: Ends) -> Found:
    """`function`_over_time of each part's samples, at the part's end."""
    names = [(ask.only(name), name) for ask in asks for name in ask.counters]
    return Found(
        _joined(
            _asked(
                asking, {in_part(function, ask, run.step_s): name for ask, name in names}, run, BEFORE_END_S
            )
            for run in _runs(ends)
        )
    )


def _sums(values: Found, indicator: Indicator) -> Mapping[float, float]:
    """By end, over all of the indicator's series."""
    found = {each.series: each for ask in asks_of(indicator)[:1] for each in values.of(ask)}
    sums: dict[float, float] = {}
    for each in found.values():
        for at, value in zip(each.times, each.values, strict=True):
            sums[at] = sums.get(at, 0.0) + value
    return sums
