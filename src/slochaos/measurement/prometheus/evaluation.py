"""Objectives over windows, with as few questions to the server as possible."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from slochaos.measurement.counting import Point
from slochaos.measurement.phases import History
from slochaos.measurement.prometheus import buckets as histogram_buckets
from slochaos.measurement.prometheus import estimates, exact
from slochaos.measurement.prometheus.evidence import gather
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Buckets, Measured, Window
from slochaos.measurement.samples import NoData
from slochaos.spec.objectives import Histogram, Indicator, Objective


def evaluate(server: PrometheusServer, asked: Sequence[tuple[Objective, Window]]) -> tuple[Measured, ...]:
    """Each objective over its window, in the order asked.

    One query plan: what several of them need is fetched once, in parallel with a bound. Raises SourceError
    for a server that does not answer; what it has no data of is NoData with its reason.
    """
    queried = [(o, w) for o, w in asked if estimates.is_query(o.indicator)]
    counted = [(o, w) for o, w in asked if not estimates.is_query(o.indicator)]
    estimated = iter(estimates.estimate(server, queried))
    evidence = gather(server, [(o.indicator, w) for o, w in counted])
    return tuple(
        next(estimated) if estimates.is_query(o.indicator) else exact.measure(evidence, o, w)
        for o, w in asked
    )


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
    evidence = gather(server, [(Indicator(observations, good=observations), window)])
    return histogram_buckets.measure(evidence, histogram, window)
