"""Copies of the same series, told apart by a replica label: a highly available pair without deduplication.

Counting all of them would count every event twice, so that a suggestion reads one of them.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import replace

from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.slo.suggestions import Found
from slochaos.spec.objectives import Counter, Histogram, Indicator, Metric, Query, Samples
from slochaos.spec.selectors import Matcher

REPLICA_LABELS = ("prometheus_replica", "replica", "__replica__", "receive_replica", "rule_replica")
"""What Prometheus Operator, Thanos and Mimir call it."""


def without_copies(
    server: PrometheusServer, found: Found, groups: Sequence[Mapping[str, str]], at: float, length_s: int
) -> Found:
    """The same, reading one replica only if series differ in nothing else. Raises SourceError.

    `groups`: the label sets of the series that were found; they were there in the `length_s` seconds before `at`.
    """
    for label in REPLICA_LABELS:
        values = Tally(group[label] for group in groups if label in group)
        if len(values) < 2:
            continue
        series = f"last_over_time({_series(found.objective.indicator.total)}[{length_s}s])"
        if server.query(f"count({series}) > count(count without ({label}) ({series}))", at=at):
            # Of two that have as much, always the same one.
            first = min(values, key=lambda value: (-values[value], value))
            return _only(found, Matcher(label, "=", first), sorted(values))
    return found


def _series(metric: Metric) -> str:
    if isinstance(metric, Histogram):
        return str(replace(metric.selector, name=f"{metric.selector.name}_count"))
    assert isinstance(metric, Counter | Samples)
    return str(metric.selector)


def _only(found: Found, matcher: Matcher, values: Sequence[str]) -> Found:
    objective = found.objective
    return replace(
        found,
        objective=replace(objective, indicator=_narrowed(objective.indicator, matcher)),
        refused=found.refused and _narrowed(found.refused, matcher),
        assumed=f"{found.assumed}; of the copies by {matcher.label} ({', '.join(values)}) one is counted",
    )


def _narrowed(indicator: Indicator, matcher: Matcher) -> Indicator:
    def narrow(metric: Metric) -> Metric:
        if isinstance(metric, Query):
            return metric
        selector = replace(metric.selector, matchers=(*metric.selector.matchers, matcher))
        return replace(metric, selector=selector)

    return Indicator(
        narrow(indicator.total),
        good=indicator.good and narrow(indicator.good),
        bad=indicator.bad and narrow(indicator.bad),
    )
