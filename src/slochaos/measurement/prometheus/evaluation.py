"""Objectives over windows, with as few questions to the server as possible."""

from __future__ import annotations

from collections.abc import Sequence

from slochaos.measurement.counting import Point
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Buckets, Measured, Window
from slochaos.measurement.samples import NoData
from slochaos.spec.objectives import Histogram, Objective


def evaluate(server: PrometheusServer, asked: Sequence[tuple[Objective, Window]]) -> tuple[Measured, ...]:
    """Each objective over its window, in the order asked.

    One query plan: what several of them need is fetched once, in parallel with a bound. Raises SourceError
    for a server that does not answer; what it has no data of is NoData with its reason.
    """
    raise NotImplementedError


def over_time(server: PrometheusServer, objective: Objective, window: Window) -> list[Point]:
    """Good and total events from scrape to scrape, for charts and for recovery. Empty when there is no data."""
    raise NotImplementedError


def buckets(server: PrometheusServer, histogram: Histogram, window: Window) -> Buckets | NoData:
    """A histogram's observations over a window by bucket, summed over its series: what quantiles come from."""
    raise NotImplementedError
