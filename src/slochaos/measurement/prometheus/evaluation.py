"""Objectives over windows, with as few questions to the server as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from slochaos.measurement.counting import Point
from slochaos.measurement.phases import History
from slochaos.measurement.prometheus import buckets as histogram_buckets
from slochaos.measurement.prometheus import estimates, exact, gauges, sliced
from slochaos.measurement.prometheus.evidence import Evidence, gather
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.thinning import ThinEvidence
from slochaos.measurement.prometheus.thinning import thin as thinned
from slochaos.measurement.prometheus.windows import Buckets, Measured, Window
from slochaos.measurement.samples import NoData
from slochaos.spec.objectives import Histogram, Indicator, Objective, Samples

RAW_LONGEST_S = 2 * 3600.0
"""Windows up to this are counted from all of their samples; longer ones from what the server aggregates."""

SLICES_LONGEST_S = 26 * 3600.0
"""The same for objectives in slices, of which only all samples tell everything."""

Asked = tuple[Objective, Window]
AskedLatency = tuple[Histogram, Window]


def evaluate(server: PrometheusServer, asked: Sequence[Asked]) -> tuple[Measured, ...]:
    """Each objective over its window, in the order asked; objectives in slices over the slices that it touches.

    One query plan: what several of them need is fetched once, in parallel with a bound. Raises SourceError
    for a server that does not answer; what it has no data of is NoData with its reason.
    """
    return evaluate_with(server, asked, ())[0]


def evaluate_with(
    server: PrometheusServer, asked: Sequence[Asked], latencies: Sequence[AskedLatency]
) -> tuple[tuple[Measured, ...], tuple[Buckets | NoData, ...]]:
    """The same, and each histogram's observations over its window by bucket, in the same plan.

    The observations are summed over a histogram's series: what quantiles come from.
    """
    meant = [(objective, exact.slices(objective, window)) for objective, window in asked]
    wanted = [(_observations(histogram), window) for histogram, window in latencies]
    samples = _Samples.fetched(
        server,
        raw=[(o.indicator, window) for o, window in meant if _way(o, window) == "raw"]
        + [each for each in wanted if _is_short(each[1])],
        thin=[(o.indicator, window) for o, window in meant if _way(o, window) == "thin"]
        + [each for each in wanted if not _is_short(each[1])],
    )
    found = _asked_otherwise(server, meant)
    for objective, window in meant:
        if (objective, window) not in found:
            source = samples.of(window, raw=_way(objective, window) == "raw")
            found[objective, window] = exact.measure(source, objective, window)
    observed = {
        (histogram, window): histogram_buckets.measure(
            samples.of(window, raw=_is_short(window)), histogram, window
        )
        for histogram, window in dict.fromkeys(latencies)
    }
    return tuple(found[each] for each in meant), tuple(observed[each] for each in latencies)


_Way = Literal["query", "raw", "thin", "sliced", "gauges"]


def _way(objective: Objective, window: Window) -> _Way:
    """How an objective is measured over a window."""
    if estimates.is_query(objective.indicator):
        return "query"
    if window.length_s <= (SLICES_LONGEST_S if objective.in_slices else RAW_LONGEST_S):
        return "raw"
    if objective.in_slices:
        return "sliced"
    return "gauges" if isinstance(objective.indicator.total, Samples) else "thin"


def _is_short(window: Window) -> bool:
    return window.length_s <= RAW_LONGEST_S


def _observations(histogram: Histogram) -> Indicator:
    all_of_them = Histogram(histogram.selector)
    return Indicator(all_of_them, good=all_of_them)


@dataclass(frozen=True)
class _Samples:
    """What was fetched: all samples of short windows, and of each long one a few."""

    raw: Evidence
    thin: Mapping[Window, ThinEvidence]

    @classmethod
    def fetched(
        cls,
        server: PrometheusServer,
        raw: Sequence[tuple[Indicator, Window]],
        thin: Sequence[tuple[Indicator, Window]],
    ) -> _Samples:
        indicators: dict[Window, list[Indicator]] = {}
        for indicator, window in thin:
            indicators.setdefault(window, []).append(indicator)
        return cls(
            gather(server, raw),
            {window: thinned(server, some, window) for window, some in indicators.items()},
        )

    def of(self, window: Window, *, raw: bool) -> exact.Source:
        return self.raw if raw else self.thin[window]


def _asked_otherwise(server: PrometheusServer, asked: Sequence[Asked]) -> dict[Asked, Measured]:
    """What is not counted from samples fetched together."""
    found: dict[Asked, Measured] = {}
    for way, measure in _OTHERWISE.items():
        some = [each for each in dict.fromkeys(asked) if _way(*each) == way]
        found |= dict(zip(some, measure(server, some), strict=True))
    return found


def _from_gauges(server: PrometheusServer, asked: Sequence[Asked]) -> Sequence[Measured]:
    return gauges.measure(server, [(objective.indicator, window) for objective, window in asked])


def _from_sliced(server: PrometheusServer, asked: Sequence[Asked]) -> Sequence[Measured]:
    return [sliced.measure(server, *each) for each in asked]


_OTHERWISE: Mapping[_Way, Callable[[PrometheusServer, Sequence[Asked]], Sequence[Measured]]] = {
    "query": estimates.estimate,
    "gauges": _from_gauges,
    "sliced": _from_sliced,
}


def history(server: PrometheusServer, objectives: Iterable[Objective], window: Window) -> History:
    """The pages of all targets that have series of these objectives, from before `window` to after it.

    One source per scraped target, one Sample per scrape (a failed scrape is a failed Sample), instants are
    epoch seconds. A target that is not scraped for all of the window has `absent` samples at its ends.
    Raises SourceError.
    """
    asked = [(objective.indicator, window) for objective in objectives]
    return gather(server, asked).history(window)


def over_time(server: PrometheusServer, objective: Objective, window: Window) -> list[Point]:
    """Good and total events from scrape to scrape, for charts and for recovery. Empty when there is no data."""
    return exact.over_time(gather(server, [(objective.indicator, window)]), objective, window)
