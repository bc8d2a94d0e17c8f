"""Pyrra: `pyrra.dev/v1alpha1` ServiceLevelObjective, whose indicators name their series without functions."""

from __future__ import annotations

from dataclasses import dataclass

from slochaos.errors import InvalidInput
from slochaos.spec.durations import parse_exact
from slochaos.spec.fields import Field, Section
from slochaos.spec.importers import kubernetes, promql
from slochaos.spec.importers.imported import (
    Import,
    ImportedSlo,
    Window,
    carried,
    duration,
    labels_in,
    name_of,
    optional_text,
    percent,
)
from slochaos.spec.importers.indicators import Found, of_gauge, of_native_histogram, of_selectors
from slochaos.spec.importers.kubernetes import KubernetesObject
from slochaos.spec.nodes import quoted
from slochaos.spec.selectors import Selector

API_VERSION = "pyrra.dev/v1alpha1"
KIND = "ServiceLevelObjective"

_DROPPED = ("alerting", "partial_response_strategy", "rulenamespace")


def read(root: Field, result: Import) -> None:
    """One document. Raises InvalidInput."""
    for each in kubernetes.objects(root, API_VERSION, KIND):
        result.refuse_window(each.spec)
        name = each.metadata["name"]
        result.add(name, name.scalar(), _Reader(each, name.scalar(), result).convert)


@dataclass(frozen=True)
class _Reader:
    """Converts one object."""

    slo: KubernetesObject
    label: str
    result: Import

    def convert(self) -> tuple[ImportedSlo, Found]:
        """Raises InvalidInput. Pyrra knows no services: the namespace stands for one."""
        metadata = self.slo.metadata
        spec = self.slo.spec.section(
            required=("target", "window", "indicator"), optional=("description", *_DROPPED)
        )
        for part in _DROPPED:
            if part in spec:
                self.result.drop(spec[part], self.label)
        target = percent(spec["target"])
        found = self._indicator(spec["indicator"])
        imported = ImportedSlo(
            name=name_of(metadata["name"], self.label),
            display_name=self.label,
            service=metadata.get("namespace", Field.text, self.label),
            description=spec.get("description", optional_text, ""),
            labels=tuple(labels_in(metadata).items()),
            target=target,
            window=Window(duration(spec["window"])),
            indicator=found.indicator,
        )
        return imported, found

    def _indicator(self, indicator: Field) -> Found:
        section = indicator.section(optional=("ratio", "latency", "latencyNative", "bool_gauge"))
        kind = section.exactly_one("ratio", "latency", "latencyNative", "bool_gauge")
        if kind == "bool_gauge":
            gauge = section[kind].section(required=("metric",), optional=("grouping",))
            return of_gauge(_selector(gauge["metric"]), _grouping(gauge))
        if kind == "latencyNative":
            native = section[kind].section(required=("total", "latency"), optional=("grouping",))
            return of_native_histogram(
                _metric(native["total"]), native["latency"].parsed(parse_exact), _grouping(native)
            )
        part = "errors" if kind == "ratio" else "success"
        pair = section[kind].section(required=(part, "total"), optional=("grouping",))
        selectors = _metric(pair[part]), _metric(pair["total"])
        return of_selectors(*selectors, "bad" if kind == "ratio" else "good", _grouping(pair))


def _metric(query: Field) -> Selector:
    return _selector(query.section(required=("metric",))["metric"])


def _selector(metric: Field) -> Selector:
    def read() -> Selector:
        series = promql.series_of(promql.parse(metric.text()))
        if series is None or series.counted != "value":
            raise InvalidInput(f"{quoted(metric.text())} is no selector of one metric that slochaos reads")
        return series.selector

    return carried(read)


def _grouping(section: Section) -> tuple[str, ...]:
    return tuple(each.text() for each in section.items("grouping"))
