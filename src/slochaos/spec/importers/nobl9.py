"""Nobl9: `n9/v1alpha` SLOs on Prometheus. Each objective of an SLO becomes an SLO, since they are independent.

A count metric is a counter's value (`incremental: true`) or the number of events in the query's own range.
"""

from __future__ import annotations

from dataclasses import dataclass

from slochaos.spec.fields import Field, Section
from slochaos.spec.importers.imported import (
    Import,
    ImportedSlo,
    Labels,
    NotCarried,
    Slices,
    Window,
    carried,
    name_of,
    optional_text,
    share,
)
from slochaos.spec.importers.indicators import Found, Kind, of_events
from slochaos.spec.nodes import quoted

API_VERSION = "n9/v1alpha"
SLICE = "1m"
"""The length of its time slices."""

_UNITS = {
    "Minute": ("m", 527_040),
    "Hour": ("h", 8_784),
    "Day": ("d", 366),
    "Week": ("w", 52),
    "Month": ("M", 12),
    "Quarter": ("Q", 4),
    "Year": ("Y", 1),
}
"""OpenSLO's unit, and how many of them a window of at most a year has."""

_PROMETHEUS = ("prometheus", "amazonPrometheus", "azurePrometheus")
_SPEC = ("service", "budgetingMethod", "objectives", "timeWindows")
_DROPPED = ("alertPolicies", "attachments", "anomalyConfig", "composite")
_OBJECTIVE = (
    "displayName",
    "name",
    "target",
    "value",
    "op",
    "primary",
    "timeSliceTarget",
    "timeSliceWindow",
    "countMetrics",
    "rawMetric",
    "composite",
)


def read(root: Field, result: Import) -> None:
    """One document: an object or a list of them; objects that are no SLO are named and left out."""
    for each in root.items() if isinstance(root.node.value, list) else [root]:
        section = each.section(
            required=("apiVersion", "kind", "metadata", "spec"),
            optional=("status", "organization", "manifestSrc"),
        )
        if section["apiVersion"].text() != API_VERSION:
            raise section["apiVersion"].error(f"{quoted(section['apiVersion'].text())} is not {API_VERSION}")
        if section["kind"].text() != "SLO":
            result.say(section["kind"], "note", f"the {section['kind'].text()} is not imported")
            continue
        result.refuse_window(each)
        _read_slo(section, result)


def _read_slo(section: Section, result: Import) -> None:
    metadata = section["metadata"].section(
        required=("name",), optional=("displayName", "project", "labels", "annotations")
    )
    spec = section["spec"].section(
        required=_SPEC, optional=("description", "indicator", "createdAt", "createdBy", "tier", *_DROPPED)
    )
    name = metadata["name"].text()
    for part in _DROPPED:
        if part in spec:
            result.drop(spec[part], name)
    objectives = spec["objectives"].items()
    for number, each in enumerate(objectives, start=1):
        objective = each.section(required=("target",), optional=_OBJECTIVE)
        own = (
            objective.get("name", Field.text, "")
            or objective.get("displayName", optional_text, "")
            or str(number)
        )
        reader = _Reader(metadata, spec, objective, "" if len(objectives) == 1 else own)
        result.add(each, f"{name} / {own}", reader.convert)


@dataclass(frozen=True)
class _Reader:
    """Converts one objective; `own` is its name where there are several."""

    metadata: Section
    spec: Section
    objective: Section
    own: str

    def convert(self) -> tuple[ImportedSlo, Found]:
        """Raises InvalidInput."""
        metadata, spec = self.metadata, self.spec
        name = metadata["name"].text()
        target = share(self.objective["target"])
        found = self._indicator()
        shown = metadata.get("displayName", optional_text, "") or name
        imported = ImportedSlo(
            name=name_of(metadata["name"], *([name, self.own] if self.own else [name])),
            display_name=f"{shown}: {self.own}" if self.own else shown,
            service=spec["service"].text(),
            description=spec.get("description", optional_text, ""),
            labels=metadata.get("labels", _labels, ()),
            target=target,
            window=_window(spec["timeWindows"]),
            slices=self._slices(),
            indicator=found.indicator,
        )
        return imported, found

    def _slices(self) -> Slices | None:
        if self.spec["budgetingMethod"].one_of("Occurrences", "Timeslices") == "Occurrences":
            return None
        good = self.objective["timeSliceTarget"]
        if not 0 < good.decimal() <= 1:
            raise good.error(f"{good.node.text} is outside of 0 to 1 (0 excluded)")
        return Slices(good.node.text, SLICE)

    def _indicator(self) -> Found:
        if "composite" in self.objective:
            raise NotCarried(
                "it is a composite of other SLOs", hint="give a composite's parts as objectives of one SLO"
            )
        if "countMetrics" not in self.objective:
            raise NotCarried(
                "it compares a metric's value with a threshold: no events to count",
                hint="count the good and the total requests, on a histogram for a latency",
            )
        counts = self.objective["countMetrics"].section(
            required=("incremental",), optional=("good", "bad", "total", "goodTotal")
        )
        if "goodTotal" in counts:
            raise NotCarried("good and total come from one query")
        kind: Kind = "good" if counts.exactly_one("good", "bad") == "good" else "bad"
        cumulative = counts["incremental"].flag()
        queries = _promql(counts[kind]), _promql(counts["total"])
        return carried(lambda: of_events(*queries, kind, cumulative=cumulative))


def _promql(metric: Field) -> str:
    members = metric.members()
    if len(members) != 1:
        raise metric.error(f"has {len(members)} data sources, one is wanted")
    source, query = next(iter(members.items()))
    if source not in _PROMETHEUS:
        raise NotCarried(f"its metric is one of {quoted(source)}, not of Prometheus")
    return query.open_section()["promql"].text()


def _window(windows: Field) -> Window:
    entries = windows.items()
    if len(entries) != 1:
        raise windows.error(f"has {len(entries)} entries, exactly one is wanted")
    section = entries[0].section(required=("unit", "count"), optional=("isRolling", "calendar", "period"))
    unit, most = _UNITS[section["unit"].one_of(*_UNITS)]
    length = f"{section['count'].whole(1, most)}{unit}"
    if section.get("isRolling", Field.flag, False):
        return Window(length)
    calendar = section["calendar"].section(required=("startTime", "timeZone"))
    return Window(length, calendar["startTime"].text(), calendar["timeZone"].text())


def _labels(labels: Field) -> Labels:
    """Values are text or lists of text."""
    return tuple((str(key), _values(value)) for key, value in labels.members().items())


def _values(value: Field) -> str | tuple[str, ...]:
    if isinstance(value.node.value, list):
        return tuple(each.scalar() for each in value.items())
    return optional_text(value)
