"""Sloth: `prometheus/v1` files and the Kubernetes kind PrometheusServiceLevel, which differ in how fields are spelt.

Queries hold `{{.window}}` for their range. Files name no window: Sloth's own default is 30 days.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from slochaos.spec.fields import Field, Section
from slochaos.spec.importers import kubernetes
from slochaos.spec.importers.imported import (
    Import,
    ImportedSlo,
    NotCarried,
    carried,
    labels_in,
    name_of,
    optional_text,
    percent,
)
from slochaos.spec.importers.indicators import Found, of_events, of_ratio
from slochaos.spec.nodes import quoted
from slochaos.spec.objectives import WINDOW

VERSION = "prometheus/v1"
API_VERSION = "sloth.slok.dev/v1"
KIND = "PrometheusServiceLevel"
USUAL_WINDOW = "30d"

_WINDOW = re.compile(r"\{\{\s*\.window\s*\}\}")


@dataclass(frozen=True)
class _Words:
    """How a format spells the fields of two words."""

    error_query: str
    total_query: str
    error_ratio_query: str
    slo_plugins: str


_IN_FILES = _Words("error_query", "total_query", "error_ratio_query", "slo_plugins")
_IN_KUBERNETES = _Words("errorQuery", "totalQuery", "errorRatioQuery", "sloPlugins")


def read(root: Field, result: Import) -> None:
    """One document. Raises InvalidInput."""
    if "apiVersion" in root.open_section():
        for each in kubernetes.objects(root, API_VERSION, KIND):
            _read_spec(each.spec, _IN_KUBERNETES, result)
        return
    version = root.open_section()["version"]
    if version.text() != VERSION:
        raise version.error(f"{quoted(version.text())} is not {VERSION}")
    _read_spec(root, _IN_FILES, result)


def _read_spec(spec: Field, words: _Words, result: Import) -> None:
    section = spec.section(required=("service", "slos"), optional=("version", "labels", words.slo_plugins))
    if words.slo_plugins in section:
        result.drop(section[words.slo_plugins], section["service"].text())
    labels = labels_in(section)
    for each in section["slos"].items():
        slo = each.section(
            required=("name", "objective", "sli"), optional=("description", "labels", "alerting", "plugins")
        )
        reader = _Reader(slo, section["service"], labels, words, result)
        result.add(slo["name"], slo["name"].scalar(), reader.convert)


@dataclass(frozen=True)
class _Reader:
    """Converts one entry of `slos`."""

    slo: Section
    service: Field
    shared_labels: dict[str, str]
    words: _Words
    result: Import

    def convert(self) -> tuple[ImportedSlo, Found]:
        """Raises InvalidInput."""
        slo, name = self.slo, self.slo["name"].scalar()
        service = self.service.text()
        for part in ("alerting", "plugins"):
            if part in slo:
                self.result.drop(slo[part], name)
        target = percent(slo["objective"])
        found = self._indicator()
        labels = self.shared_labels | labels_in(slo)
        imported = ImportedSlo(
            name=name_of(slo["name"], service, name),
            display_name=f"{service}: {name}",
            service=service,
            description=slo.get("description", optional_text, ""),
            labels=tuple(labels.items()),
            target=target,
            window=self.result.asked_window(slo["name"], USUAL_WINDOW),
            indicator=found.indicator,
        )
        return imported, found

    def _indicator(self) -> Found:
        sli = self.slo["sli"].section(optional=("events", "raw", "plugin"))
        kind = sli.exactly_one("events", "raw", "plugin")
        if kind == "plugin":
            plugin = sli["plugin"].section(required=("id",), optional=("options",))["id"].text()
            raise NotCarried(
                f"its indicator is made by the plugin {quoted(plugin)}", hint="write out its two queries"
            )
        if kind == "raw":
            query = sli["raw"].section(required=(self.words.error_ratio_query,))[self.words.error_ratio_query]
            return carried(lambda: of_ratio(_query(query), "bad"))
        words = self.words
        events = sli["events"].section(required=(words.error_query, words.total_query))
        return carried(
            lambda: of_events(_query(events[words.error_query]), _query(events[words.total_query]), "bad")
        )


def _query(each: Field) -> str:
    return _WINDOW.sub(WINDOW, each.text())
