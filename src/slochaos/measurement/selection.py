"""Which series a metric consists of, and what each of them stands for.

A *child* is what a client library increments: one label combination of one metric family. A counter's
child is one series, a histogram's child all its buckets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

from slochaos.measurement.samples import Series
from slochaos.spec.objectives import Counter, Histogram, Metric, Objective, Query, Samples
from slochaos.spec.selectors import Selector

PROCESS_START = "process_start_time_seconds"

Labels = tuple[tuple[str, str], ...]
Child = tuple[str, Labels]
"""Family name and labels without `le`."""

Bound = Fraction | float
"""A bucket's upper bound in the histogram's unit: exact, or math.inf."""


def metrics(objectives: Iterable[Objective]) -> tuple[Metric, ...]:
    """The metrics of these objectives, each once."""
    found: dict[Metric, None] = {}
    for objective in objectives:
        found[objective.indicator.total] = None
        found[objective.indicator.part] = None
    return tuple(found)


def selector_of(metric: Metric) -> Selector | None:
    """The metric's selector; None for PromQL."""
    return None if isinstance(metric, Query) else metric.selector


def family(metric: Metric) -> str:
    """The metric family: what one client-library object exposes, so that one page shows it consistently."""
    match metric:
        case Counter(selector):
            return selector.name.removesuffix("_bucket").removesuffix("_count")
        case Histogram(selector) | Samples(selector):
            return selector.name
        case Query(text):
            return text


def series_names(metric: Metric) -> tuple[str, ...]:
    """The names of the series that hold the metric's values."""
    match metric:
        case Histogram(selector):
            return (f"{selector.name}_bucket", f"{selector.name}_count")
        case Counter(selector) | Samples(selector):
            return (selector.name,)
        case Query():
            return ()


def created_name(family_name: str) -> str:
    """The series that tells when a child was made (client libraries expose it beside the counter)."""
    return f"{family_name.removesuffix('_total')}_created"


def without_bound(labels: Labels) -> Labels:
    """The labels except `le`."""
    return tuple(pair for pair in labels if pair[0] != "le")


def created_of(child: Child) -> Series:
    """The series that would tell when this child was made."""
    return created_name(child[0]), child[1]


def bound_of(labels: Labels) -> Bound | None:
    """The numeric value of `le`, exact; None where it is missing or no number."""
    return _bound(dict(labels).get("le", ""))


@lru_cache(maxsize=1024)
def _bound(text: str) -> Bound | None:
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        return math.inf if text.lower().lstrip("+") in ("inf", "infinity") else None
    # Exact only where a float can hold it at all: 1e-999999999 as a fraction would take for ever.
    return Fraction(text) if value else Fraction(0)


def is_wanted(metric: Metric, series: Series) -> bool:
    """Whether this series is needed to count the metric, or to know since when it counts."""
    selector = selector_of(metric)
    name, labels = series
    if selector is None:
        return False
    if name in series_names(metric):
        return selector.matches(dict(labels))
    return name == created_name(family(metric)) and selector.matches(
        {**dict(labels), **_bound_of_selector(metric)}
    )


def _bound_of_selector(metric: Metric) -> dict[str, str]:
    """The `le` that a counter selector of one bucket asks for: `_created` has none, and yet belongs to it."""
    selector = selector_of(metric)
    matchers = selector.matchers if selector else ()
    return {m.label: m.value for m in matchers if m.label == "le" and m.operator == "="}
