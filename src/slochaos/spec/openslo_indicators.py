"""OpenSLO's SLI: how good and total events are counted, from `ratioMetric` or `thresholdMetric`.

`metricSource.spec` takes one of `selector`, `histogram` (with `at_most`), `samples`, `query`.
"""

from __future__ import annotations

from collections.abc import Container
from fractions import Fraction

from slochaos.spec import selectors
from slochaos.spec.durations import parse_exact
from slochaos.spec.fields import Field, Section
from slochaos.spec.objectives import Counter, Histogram, Indicator, Metric, Query, Samples
from slochaos.spec.openslo_metadata import description

METRIC_KEYS = ("selector", "histogram", "samples", "query")


def is_threshold(spec: Field) -> bool:
    """Whether an SLI's spec is a `thresholdMetric`, so that its objectives carry `op` and `value`."""
    return "thresholdMetric" in spec.members()


def read_indicator(spec: Field, data_sources: Container[str]) -> Indicator:
    """An SLI's `spec`. A threshold's indicator has no bound yet: `bounded` gives it one.

    Raises InvalidInput.
    """
    section = spec.section(optional=("description", "thresholdMetric", "ratioMetric"))
    section.get("description", description, "")
    if section.exactly_one("thresholdMetric", "ratioMetric") == "thresholdMetric":
        return _threshold(section["thresholdMetric"], data_sources)
    return _ratio(section["ratioMetric"], data_sources)


def _threshold(metric: Field, data_sources: Container[str]) -> Indicator:
    observed = _metric(metric, data_sources)
    if not isinstance(observed, Histogram) or observed.at_most is not None:
        raise metric.error(
            "a threshold can be counted on a histogram only, with its bound in the objective",
            "spec: {histogram: 'name{...}'}, or give the SLI as a ratioMetric",
        )
    return Indicator(total=observed, good=observed)


def _ratio(ratio: Field, data_sources: Container[str]) -> Indicator:
    section = ratio.section(optional=("counter", "good", "bad", "total", "raw", "rawType"))
    if section.exactly_one("total", "raw") == "raw":
        return _raw(section, data_sources)
    part = section.exactly_one("good", "bad")
    if "rawType" in section:
        raise section["rawType"].error("belongs to 'raw' only")
    total = _metric(section["total"], data_sources)
    counted = _metric(section[part], data_sources)
    _check_counter(section, total)
    _check_pair(section, part, counted, total)
    return Indicator(total=total, good=counted) if part == "good" else Indicator(total=total, bad=counted)


def _raw(section: Section, data_sources: Container[str]) -> Indicator:
    for name in ("good", "bad"):
        if name in section:
            raise section[name].error("does not go with 'raw'")
    meaning = section["rawType"].one_of("success", "failure")
    metric = _metric(section["raw"], data_sources)
    if not isinstance(metric, Samples) or meaning == "failure":
        raise section["raw"].error(
            "a raw ratio has no events to count",
            "give good and total, or samples of a 0/1 gauge with rawType: success",
        )
    return Indicator(total=metric, good=metric)


def _check_counter(section: Section, total: Metric) -> None:
    is_counter = section.get("counter", Field.flag, not isinstance(total, Samples))
    if isinstance(total, (Counter, Histogram)) and not is_counter:
        raise section["counter"].error("is false, but selector and histogram read counters", "counter: true")


def _check_pair(section: Section, part: str, counted: Metric, total: Metric) -> None:
    """Good (or bad) and total have to count the same kind of thing."""
    if isinstance(total, Histogram) and total.at_most is not None:
        raise section["total"].error("'at_most' belongs to 'good': the total is every observation")
    is_good = isinstance(counted, Samples) or (isinstance(counted, Histogram) and counted.at_most is not None)
    if part == "bad" and is_good:
        raise section[part].error("counts good events, not bad ones", "call it 'good'")
    families = [(Counter, Histogram), (Samples,), (Query,)]
    if not any(isinstance(counted, family) and isinstance(total, family) for family in families):
        raise section[part].error(
            f"does not count in the same way as 'total' ({_key(counted)}, {_key(total)})"
        )


def _metric(metric: Field, data_sources: Container[str]) -> Metric:
    source = metric.section(required=("metricSource",))["metricSource"]
    section = source.section(required=("spec",), optional=("metricSourceRef", "type"))
    if "metricSourceRef" not in section and "type" not in section:
        raise source.error("needs 'metricSourceRef' or 'type'")
    section.get("type", Field.text, "")
    reference = section.get("metricSourceRef", Field.name, "")
    if reference and reference not in data_sources:
        raise section["metricSourceRef"].error(f"there is no DataSource {reference!r} in the given files")
    return _metric_spec(section["spec"])


def _metric_spec(spec: Field) -> Metric:
    section = spec.section(optional=(*METRIC_KEYS, "at_most"))
    kind = section.exactly_one(*METRIC_KEYS)
    if "at_most" in section and kind != "histogram":
        raise section["at_most"].error("goes with 'histogram' only")
    if kind == "query":
        return Query(section["query"].text())
    selector = section[kind].parsed(selectors.parse)
    if kind == "histogram":
        return Histogram(selector, section.get("at_most", _bound, None))
    return Counter(selector) if kind == "selector" else Samples(selector)


def _bound(at_most: Field) -> Fraction:
    bound = at_most.parsed(parse_exact)
    if bound <= 0:
        raise at_most.error("has to be more than 0")
    return bound


def _key(metric: Metric) -> str:
    return {Counter: "selector", Histogram: "histogram", Samples: "samples", Query: "query"}[type(metric)]
