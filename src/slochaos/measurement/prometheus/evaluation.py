"""Objectives over windows, with as few questions to the server as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from slochaos.measurement.counting import Point
from slochaos.measurement.phases import History
from slochaos.measurement.prometheus import buckets as histogram_buckets
from slochaos.measurement.prometheus import estimates, exact, gauges, sliced
from slochaos.measurement.prometheus.evidence import gather
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.thinning import thin
from slochaos.measurement.prometheus.windows import Buckets, Measured, Window
from slochaos.measurement.samples import NoData
from slochaos.spec.objectives import Histogram, Indicator, Objective, Samples

RAW_LONGEST_S = 2 * 3600.0
"""Windows up to this are counted from all of their samples; longer ones from what the server aggregates."""

SLICES_LONGEST_S = 26 * 3600.0
"""The same for objectives in slices, of which only all samples tell everything."""

Asked = tuple[Objective, Window]


def evaluate(server: PrometheusServer, asked: Sequence[Asked]) -> tuple[Measured, ...]:
    """Each objective over its window, in the order asked; objectives in slices over the slices that it touches.

    One query plan: what several of them need is fetched once, in parallel with a bound. Raises SourceError
    for a server that does not answer; what it has no data of is NoData with its reason.
    """
    meant = [(objective, exact.slices(objective, window)) for objective, window in asked]
    by_way: dict[_Way, list[Asked]] = {}
    for each in meant:
        by_way.setdefault(_way(*each), []).append(each)
    found: dict[Asked, Measured] = {}
    for way, some in by_way.items():
        found |= dict(zip(some, way(server, some), strict=True))
    return tuple(found[each] for each in meant)


_Way = Callable[[PrometheusServer, Sequence[Asked]], Sequence[Measured]]


def _way(objective: Objective, window: Window) -> _Way:
    """How an objective is measured over a window."""
    if estimates.is_query(objective.indicator):
        return estimates.estimate
    if window.length_s <= (SLICES_LONGEST_S if objective.in_slices else RAW_LONGEST_S):
        return _from_raw
    if objective.in_slices:
        return _from_sliced
    return _from_gauges if isinstance(objective.indicator.total, Samples) else _from_thin


def _from_raw(server: PrometheusServer, asked: Sequence[Asked]) -> Sequence[Measured]:
    evidence = gather(server, [(objective.indicator, window) for objective, window in asked])
    return [exact.measure(evidence, *each) for each in asked]


def _from_gauges(server: PrometheusServer, asked: Sequence[Asked]) -> Sequence[Measured]:
    questions = dict.fromkeys((objective.indicator, window) for objective, window in asked)
    answers = {each: gauges.measure(server, *each) for each in questions}
    return [answers[objective.indicator, window] for objective, window in asked]


def _from_sliced(server: PrometheusServer, asked: Sequence[Asked]) -> Sequence[Measured]:
    return [sliced.measure(server, *each) for each in asked]


def _from_thin(server: PrometheusServer, asked: Sequence[Asked]) -> Sequence[Measured]:
    indicators: dict[Window, list[Indicator]] = {}
    for objective, window in asked:
        indicators.setdefault(window, []).append(objective.indicator)
    evidence = {window: thin(server, some, window) for window, some in indicators.items()}
    return [exact.measure(evidence[window], objective, window) for objective, window in asked]


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


def buckets(server: PrometheusServer, histogram: Histogram, window: Window) -> Buckets | NoData:
    """A histogram's observations over a window by bucket, summed over its series: what quantiles come from."""
    observations = Histogram(histogram.selector)
    indicator = Indicator(observations, good=observations)
    if window.length_s > RAW_LONGEST_S:
        return histogram_buckets.measure(thin(server, [indicator], window), histogram, window)
    return histogram_buckets.measure(gather(server, [(indicator, window)]), histogram, window)
