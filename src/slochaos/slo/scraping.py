"""What a server says of its scraping, as far as it does any: Mimir and Thanos are given their samples."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from slochaos.errors import SourceError
from slochaos.measurement.prometheus.answers import Target
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.selection import series_names
from slochaos.spec.objectives import Metric, Query
from slochaos.spec.selectors import Matcher, Selector

_LOOK_S = 900
"""How much of the past tells at which interval samples come."""


def targets(server: PrometheusServer) -> tuple[Target, ...]:
    """What the server scrapes; none where it does not say."""
    try:
        return server.targets()
    except SourceError:
        return ()


def retention_s(server: PrometheusServer) -> float | None:
    """For how long samples are kept; None where the server does not say."""
    try:
        return server.retention_s()
    except SourceError:
        return None


def version(server: PrometheusServer) -> str:
    """Its version; empty where the server does not say."""
    try:
        return server.build().version
    except SourceError:
        return ""


def of_metric(metric: Metric, known: Sequence[Target]) -> list[Target]:
    """Those that the metric may be scraped from: what its conditions on job and instance do not exclude."""
    if isinstance(metric, Query):
        return list(known)
    return [target for target in known if is_scraped_by(metric.selector, target)]


def is_scraped_by(selector: Selector, target: Target) -> bool:
    """Whether the target's labels are not excluded by the selector's conditions on job and instance."""
    conditions = [matcher for matcher in selector.matchers if matcher.label in ("job", "instance")]
    return all(matcher.matches(target.labels) for matcher in conditions)


def interval_s(server: PrometheusServer, metric: Metric, known: Sequence[Target], now: float) -> float | None:
    """Seconds between the metric's samples: of its slowest targets, else what the newest samples of one series show.

    None where neither tells. Raises SourceError.
    """
    scraped = [target.interval_s for target in of_metric(metric, known)]
    if scraped or isinstance(metric, Query):
        return max(scraped, default=None)
    name = series_names(metric)[-1]
    series = Selector(name, metric.selector.matchers)
    busiest = server.query(f"topk(1, count_over_time({series}[{_LOOK_S}s]))", at=now)
    for value in busiest[:1]:
        labels = tuple(Matcher(label, "=", text) for label, text in sorted(value.labels.items()))
        for each in server.raw(Selector(name, labels), now - _LOOK_S, now):
            steps = [later - earlier for earlier, later in pairwise(each.times)]
            return float(round(median(steps), 1)) if steps else None
    return None
