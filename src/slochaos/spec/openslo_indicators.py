"""OpenSLO's SLI: how good and total events are counted, from `ratioMetric` or `thresholdMetric`.

`metricSource.spec` takes one of `selector`, `histogram` (with `at_most`), `samples`, `query`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from slochaos.errors import InvalidInput
from slochaos.spec import selectors
from slochaos.spec.durations import parse_exact
from slochaos.spec.fields import Field, Section
from slochaos.spec.nearest import nearest
from slochaos.spec.objectives import Counter, Histogram, Indicator, Metric, Query, Samples
from slochaos.spec.openslo_metadata import description
from slochaos.spec.openslo_profile import NotMeasurable, Reading
from slochaos.spec.openslo_references import References

METRIC_KEYS = ("selector", "histogram", "samples", "query")
SPEAK_PROMQL = ("prometheus", "thanos", "mimir", "cortex", "victoriametrics")
"""Types of sources, in lower case, whose `query` is PromQL."""


def is_threshold(spec: Field) -> bool:
    """Whether an SLI's spec is a `thresholdMetric`, so that its objectives carry `op` and `value`."""
    return "thresholdMetric" in spec.members()


def read_indicator(spec: Field, references: References, reading: Reading) -> Indicator:
    """An SLI's `spec`. A threshold's indicator has no bound yet: its objective gives it one.

    Raises InvalidInput; NotMeasurable for a source that slochaos cannot read.
    """
    section = reading.section(spec, optional=("description", "thresholdMetric", "ratioMetric"))
    description(section, reading)
    metrics = _Metrics(references, reading)
    if section.exactly_one("thresholdMetric", "ratioMetric") == "thresholdMetric":
        return _threshold(section["thresholdMetric"], metrics)
    return _ratio(section["ratioMetric"], metrics)


def _threshold(metric: Field, metrics: _Metrics) -> Indicator:
    observed = metrics.read(metric)
    if not isinstance(observed, Histogram) or observed.at_most is not None:
        raise metric.error(
            "a threshold can be counted on a histogram only, with its bound in the objective",
            "spec: {histogram: 'name{...}'}, or give the SLI as a ratioMetric",
        )
    return Indicator(total=observed, good=observed)


def _ratio(ratio: Field, metrics: _Metrics) -> Indicator:
    section = metrics.reading.section(ratio, optional=("counter", "good", "bad", "total", "raw", "rawType"))
    if section.exactly_one("total", "raw") == "raw":
        return _raw(section, metrics)
    part = section.exactly_one("good", "bad")
    if "rawType" in section:
        raise section["rawType"].error("belongs to 'raw' only")
    total = metrics.read(section["total"])
    counted = metrics.read(section[part])
    _check_counter(section, total)
    _check_pair(section, part, counted, total)
    return Indicator(total=total, good=counted) if part == "good" else Indicator(total=total, bad=counted)


def _raw(section: Section, metrics: _Metrics) -> Indicator:
    for name in ("good", "bad"):
        if name in section:
            raise section[name].error("does not go with 'raw'")
    meaning = section["rawType"].one_of("success", "failure")
    metric = metrics.read(section["raw"])
    if not isinstance(metric, Samples) or meaning == "failure":
        raise _not_measurable(
            section["raw"],
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


@dataclass(frozen=True)
class _Metrics:
    """Reads the metrics of one SLI."""

    references: References
    reading: Reading

    def read(self, metric: Field) -> Metric:
        """What stands under good, bad, total, raw or thresholdMetric: one `metricSource`."""
        source = self.reading.section(metric, required=("metricSource",))["metricSource"]
        section = self.reading.section(source, required=("spec",), optional=("metricSourceRef", "type"))
        kind = section.get("type", Field.text, "")
        if "metricSourceRef" in section:
            kind = self._kind_of(section["metricSourceRef"], kind)
        elif not kind:
            raise source.error("needs 'metricSourceRef' or 'type'", "type: prometheus")
        return self._spec(section["spec"], kind)

    def _kind_of(self, reference: Field, kind: str) -> str:
        """The kind of source that is referred to; one that says its kind itself may do without, leniently."""
        try:
            declared = self.references.data_sources.find(reference, self.reading)
        except InvalidInput as problem:
            if not kind:
                raise
            self.reading.mistake(problem)
            return kind
        return kind or declared.type

    def _spec(self, spec: Field, kind: str) -> Metric:
        members = spec.members()
        if not members:
            raise spec.error("is empty", f"one of {', '.join(METRIC_KEYS)}")
        if not members.keys() & set(METRIC_KEYS):
            near = next(filter(None, (nearest(str(key), METRIC_KEYS) for key in members)), "")
            raise _not_measurable(
                spec, f"has none of {', '.join(METRIC_KEYS)}", near or "selector: 'name{...}', for example"
            )
        if "query" in members and kind.lower() not in SPEAK_PROMQL:
            raise _not_measurable(
                members["query"],
                f"is asked of {kind!r}, which speaks no PromQL",
                "type: prometheus, if it does",
            )
        section = spec.section(optional=(*METRIC_KEYS, "at_most"))
        key = section.exactly_one(*METRIC_KEYS)
        if "at_most" in section and key != "histogram":
            raise section["at_most"].error("goes with 'histogram' only")
        if key == "query":
            return Query(section["query"].text())
        selector = section[key].parsed(selectors.parse)
        if key == "histogram":
            return Histogram(selector, section.get("at_most", _bound, None))
        return Counter(selector) if key == "selector" else Samples(selector)


def _not_measurable(field: Field, message: str, hint: str) -> NotMeasurable:
    problem = field.error(f"cannot be measured: {message}", hint)
    return NotMeasurable(problem.message, hint=problem.hint)


def _bound(at_most: Field) -> Fraction:
    bound = at_most.parsed(parse_exact)
    if bound <= 0:
        raise at_most.error("has to be more than 0")
    return bound


def _key(metric: Metric) -> str:
    return {Counter: "selector", Histogram: "histogram", Samples: "samples", Query: "query"}[type(metric)]
