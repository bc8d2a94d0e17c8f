"""One page's cumulative values of an indicator, per child. Says nothing about time: that is counters.py."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from slochaos.measurement.histograms import BrokenHistogram, Layout, coarse
from slochaos.measurement.samples import NoData, Series
from slochaos.measurement.selection import (
    Bound,
    Child,
    bound_of,
    family,
    selector_of,
    series_names,
    without_bound,
)
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
    that is missing. Pages look alike from reading to reading, so where the metric's series stand on a page
    is worked out only when its series change.
    """

    def __init__(self, metric: Counter | Histogram) -> None:
        self.metric = metric
        self.coarse = ""
        self._page: list[Series] = []
        self._layouts: dict[Child, Layout] = {}

    def read(self, values: Values) -> dict[Child, Vector]:
        """Raises Unreadable for values that are no histogram, or several buckets taken for a counter."""
        page = list(values)
        try:
            if page != self._page:
                self._layouts = self._lay_out(page)
                self._page = page
            numbers = list(values.values())
            return {child: layout.within(numbers) for child, layout in self._layouts.items()}
        except BrokenHistogram as error:
            kind = "counter" if isinstance(self.metric, Counter) else "histogram"
            raise Unreadable("indicator", f"{_selector(self.metric)} is no {kind}: {error}") from error

    def _lay_out(self, page: Sequence[Series]) -> dict[Child, Layout]:
        positions: dict[Child, dict[Bound, int]] = {}
        names, of_family = series_names(self.metric), family(self.metric)
        matches = self.metric.selector.matches
        for position, series in enumerate(page):
            if series[0] not in names or not matches(dict(series[1])):
                continue
            found = positions.setdefault((of_family, without_bound(series[1])), {})
            bound = self._bound(series)
            # _count stands in for the last bucket where a page leaves that out.
            if bound is not None or math.inf not in found:
                found[math.inf if bound is None else bound] = position
        return {child: self._layout(found) for child, found in positions.items()}

    def _layout(self, positions: dict[Bound, int]) -> Layout:
        if isinstance(self.metric, Counter):
            if len(positions) > 1:
                raise Unreadable(
                    "indicator", f"{_selector(self.metric)} adds several buckets of one histogram"
                )
            [position] = positions.values()
            return Layout.of({math.inf: position}, None)
        threshold = self.metric.at_most
        if threshold is not None and not self.coarse:
            self.coarse = coarse(positions, threshold)
        return Layout.of(positions, threshold)

    def _bound(self, series: Series) -> Bound | None:
        bound = bound_of(series[1])
        if isinstance(self.metric, Histogram) and series[0].endswith("_bucket") and bound is None:
            raise Unreadable("indicator", f"{_selector(self.metric)} has a bucket whose le is no number")
        return bound * self.metric.unit_s if bound and isinstance(self.metric, Histogram) else bound


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
