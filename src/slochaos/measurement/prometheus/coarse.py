"""Bad events by part of a window, from what the server has at the parts' ends only.

Enough to say when a budget comes back, at a small part of the cost of counting each part: a counter's values at the
ends are counted as pages that were read there. Where a part ends between two scrapes, the earlier one stands for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from slochaos.measurement.prometheus import exact
from slochaos.measurement.prometheus.answers import RawSeries, Value
from slochaos.measurement.prometheus.evidence import Picked
from slochaos.measurement.prometheus.fetching import Asking
from slochaos.measurement.prometheus.gauges import over_time
from slochaos.measurement.prometheus.pages import UP
from slochaos.measurement.prometheus.plan import Ask, Found, address_of, asks_of, job_asks, merged
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.selection import PROCESS_START
from slochaos.spec.objectives import Indicator, Objective, Samples

Ends = tuple[float, ...]
"""Where parts end: the window's start, the ends of its parts, epoch seconds."""


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
        for each in counters:
            points = exact.over_time(pages, each, Window(ends[0], ends[-1]))
            found[each.name] = [(float(p.total - p.good), p.instant) for p in points if p.total > p.good]
    return found


def _pages(asking: Asking, indicators: Sequence[Indicator], ends: Ends) -> _Pages:
    asks = merged(ask for indicator in indicators for ask in asks_of(indicator))
    series = _read(asking, asks, ends)
    jobs = {each.labels.get("job", "") for each in series}
    starts = _read(asking, job_asks(jobs, {PROCESS_START}), ends)
    return _Pages(asking.server.now(), tuple(asking.warnings), Found([*series, *starts]), ends)


def _read(asking: Asking, asks: Iterable[Ask], ends: Ends) -> list[RawSeries]:
    """The values of series at the ends, as if they had been scraped there."""
    questions = {(str(ask), at): at for ask in asks for at in ends}
    values: dict[tuple[str, tuple[tuple[str, str], ...]], dict[float, float]] = {}
    for question, found in asking.instants(questions).items():
        for value in found:
            values.setdefault(_series(value), {})[questions[question]] = value.value
    return [
        RawSeries(name, dict(labels), sorted(at), [at[each] for each in sorted(at)])
        for (name, labels), at in values.items()
    ]


def _series(value: Value) -> tuple[str, tuple[tuple[str, str], ...]]:
    labels = {name: text for name, text in value.labels.items() if name != "__name__"}
    return value.labels.get("__name__", ""), tuple(sorted(labels.items()))


def _bad_samples(
    asking: Asking, objectives: Sequence[Objective], ends: Ends
) -> Mapping[str, list[tuple[float, float]]]:
    """Samples that are bad, by part."""
    asks = merged(ask for each in objectives for ask in asks_of(each.indicator))
    found: dict[str, list[tuple[float, float]]] = {each.name: [] for each in objectives}
    for start, end in pairwise(ends):
        counts = over_time(asking, "count", asks, Window(start, end))
        ones = over_time(asking, "sum", asks, Window(start, end))
        for each in objectives:
            total, one = (_sum(values, each.indicator) for values in (counts, ones))
            bad = total - one if each.indicator.good is not None else one
            found[each.name] += [(bad, end)] if bad > 0 else []
    return found


def _sum(values: Found, indicator: Indicator) -> float:
    found = {each.series: each.values[0] for ask in asks_of(indicator)[:1] for each in values.of(ask)}
    return math.fsum(found.values())
