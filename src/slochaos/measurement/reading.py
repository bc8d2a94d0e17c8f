"""One page's cumulative values of an indicator, per child. Says nothing about time: that is counters.py."""

from __future__ import annotations

import math
from collections.abc import Mapping

from slochaos.measurement import histograms
from slochaos.measurement.samples import NoData, Series
from slochaos.measurement.selection import Bound, Child, bound_of, child_of, family, selector_of, series_names
from slochaos.spec.objectives import Counter, Histogram, Indicator, Metric

Values = Mapping[Series, float]
Vector = tuple[float, ...]
"""Cumulative counts that reset together. The first one is what resets are seen by."""


class Unreadable(Exception):
    """Values that are no evidence; carries the NoData that stands for them."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.no_data = NoData(reason, detail)


class MetricReader:
    """A counter or histogram as (at least, at most) per child.

    Both are equal except for a histogram's threshold between two buckets; `coarse` then names the bucket
    that is missing. Which series belong to the metric is decided once per series.
    """

    def __init__(self, metric: Counter | Histogram) -> None:
        self.metric = metric
        self.coarse = ""
        self._names = frozenset(series_names(metric))
        self._known: dict[Series, tuple[Child, Bound | None] | None] = {}

    def read(self, values: Values) -> dict[Child, Vector]:
        """Raises Unreadable for values that are no histogram, or several buckets taken for a counter."""
        if isinstance(self.metric, Histogram):
            return self._histogram(self.metric, values)
        counts: dict[Child, Vector] = {}
        for child, _, value in self._mine(values):
            if child in counts:
                raise Unreadable(
                    "indicator", f"{_selector(self.metric)} adds several buckets of one histogram"
                )
            counts[child] = (value, value)
        return counts

    def _histogram(self, metric: Histogram, values: Values) -> dict[Child, Vector]:
        buckets: dict[Child, dict[Bound, float]] = {}
        for child, bound, value in self._mine(values):
            # _count stands in for the last bucket where a page leaves that out.
            bucket = math.inf if bound is None else bound
            if bound is not None or bucket not in buckets.get(child, {}):
                buckets.setdefault(child, {})[bucket] = value
        try:
            return {child: self._child(metric, found) for child, found in buckets.items()}
        except histograms.BrokenHistogram as error:
            raise Unreadable("indicator", f"{_selector(metric)} is no histogram: {error}") from error

    def _child(self, metric: Histogram, buckets: dict[Bound, float]) -> Vector:
        if metric.at_most is None:
            everything = histograms.observations(buckets)
            return everything, everything
        if not self.coarse:
            self.coarse = histograms.coarse(buckets, metric.at_most)
        return histograms.within(buckets, metric.at_most)

    def _mine(self, values: Values) -> list[tuple[Child, Bound | None, float]]:
        found = []
        for series, value in values.items():
            if series[0] not in self._names:
                continue
            if series not in self._known:
                self._known[series] = self._identify(series)
            known = self._known[series]
            if known is not None:
                found.append((*known, value))
        return found

    def _identify(self, series: Series) -> tuple[Child, Bound | None] | None:
        selector = selector_of(self.metric)
        if selector is None or not selector.matches(dict(series[1])):
            return None
        bound = bound_of(series[1])
        if isinstance(self.metric, Histogram) and series[0].endswith("_bucket") and bound is None:
            raise Unreadable("indicator", f"{_selector(self.metric)} has a bucket whose le is no number")
        return child_of(self.metric, series), bound


class RatioReader:
    """Total and bad events of an indicator whose parts are of one metric family.

    Vectors are (total, bad at least, bad at most). Every series is read once, so that a request can never
    be in one of them and not in the other.
    """

    def __init__(self, indicator: Indicator) -> None:
        total, part = indicator.total, indicator.part
        assert isinstance(total, Counter | Histogram)
        assert isinstance(part, Counter | Histogram)
        self._total, self._part = MetricReader(total), MetricReader(part)
        self._part_is_good = indicator.good is not None

    @property
    def coarse(self) -> str:
        """Which bucket is missing, if one is."""
        return self._part.coarse

    def read(self, values: Values) -> dict[Child, Vector]:
        """Raises Unreadable, also for good (or bad) events that are not among the total."""
        totals, parts = self._total.read(values), self._part.read(values)
        for child in parts.keys() - totals.keys():
            labels = ", ".join(f"{key}={value}" for key, value in child[1])
            raise Unreadable("indicator", f"events with {labels} are good or bad, but not in the total")
        return {
            child: self._vector(total[0], parts.get(child, (0.0, 0.0))) for child, total in totals.items()
        }

    def _vector(self, total: float, part: Vector) -> Vector:
        at_least, at_most = part
        return (
            (total, total - at_most, total - at_least) if self._part_is_good else (total, at_least, at_most)
        )


def share_a_family(indicator: Indicator) -> bool:
    """Whether one page shows good and total consistently."""
    return family(indicator.total) == family(indicator.part)


def is_counted(metric: Metric) -> bool:
    """Whether the metric is made of counters."""
    return isinstance(metric, Counter | Histogram)


def _selector(metric: Metric) -> str:
    return str(selector_of(metric))
