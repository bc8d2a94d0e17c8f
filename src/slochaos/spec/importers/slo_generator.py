"""slo-generator: `sre.google.com/v2` ServiceLevelObjective on its Prometheus backend.

`[window` stands for the range, and `${NAME}` for what its environment fills, which our environments fill too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from slochaos.errors import InvalidInput
from slochaos.spec.fields import Field, Section
from slochaos.spec.importers import promql
from slochaos.spec.importers.imported import (
    Import,
    ImportedSlo,
    NotCarried,
    carried,
    labels_in,
    name_of,
    optional_text,
    share,
)
from slochaos.spec.importers.indicators import Found, of_bucket, of_events, of_good_and_bad, of_ratio
from slochaos.spec.nodes import quoted
from slochaos.spec.objectives import WINDOW

API_VERSION = "sre.google.com/v2"
KIND = "ServiceLevelObjective"
USUAL_WINDOW = "30d"

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_DROPPED = ("error_budget_policy", "exporters", "frequency")
_OPERATORS = ("increase", "sum")


def read(root: Field, result: Import) -> None:
    """One document. Raises InvalidInput."""
    members = root.open_section()
    if "apiVersion" not in members and "service_name" in members:
        raise root.error("is a file of slo-generator 1", "slo-generator migrate makes one of version 2")
    section = root.section(required=("apiVersion", "kind", "metadata", "spec"))
    for key, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
        if section[key].text() != wanted:
            raise section[key].error(f"{quoted(section[key].text())} is not {wanted}")
    metadata = section["metadata"].section(required=("name",), optional=("labels", "annotations"))
    name = metadata["name"]
    result.add(name, name.scalar(), _Reader(metadata, section["spec"], result).convert)


@dataclass(frozen=True)
class _Reader:
    """Converts one document."""

    metadata: Section
    spec: Field
    result: Import

    def convert(self) -> tuple[ImportedSlo, Found]:
        """Raises InvalidInput."""
        name = self.metadata["name"].text()
        spec = self.spec.section(
            required=("backend", "method", "service_level_indicator", "goal"),
            optional=("description", *_DROPPED),
        )
        self._name_losses(spec, name)
        backend = spec["backend"].text()
        if backend.partition("/")[0] != "prometheus":
            raise NotCarried(f"its backend is {quoted(backend)}, not prometheus")
        labels = labels_in(self.metadata)
        target = share(spec["goal"])
        found = _indicator(spec)
        imported = ImportedSlo(
            name=name_of(self.metadata["name"], name),
            display_name=name,
            service=labels.get("service_name") or labels.get("service") or name,
            description=spec.get("description", optional_text, ""),
            labels=tuple(labels.items()),
            target=target,
            window=self.result.asked_window(self.metadata["name"], USUAL_WINDOW),
            indicator=found.indicator,
        )
        return imported, found

    def _name_losses(self, spec: Section, name: str) -> None:
        for part in _DROPPED:
            if part in spec:
                self.result.drop(spec[part], name)
        carried_texts = [spec.get("description", optional_text, "")]
        carried_texts += [each.node.text for each in spec["service_level_indicator"].members().values()]
        variables = sorted({name for text in carried_texts for name in _VARIABLE.findall(text)})
        if variables:
            where = spec["service_level_indicator"]
            message = f"{name}: the environment's variables have to set {', '.join(variables)}"
            self.result.say(where, "note", message)


def _indicator(spec: Section) -> Found:
    method = spec["method"].one_of("good_bad_ratio", "query_sli", "distribution_cut")
    if method == "query_sli":
        section = spec["service_level_indicator"].section(required=("expression",))
        return carried(lambda: of_ratio(_in_window(section["expression"].text()), "good"))
    if method == "distribution_cut":
        return _distribution_cut(spec["service_level_indicator"])
    section = spec["service_level_indicator"].section(
        required=("filter_good",), optional=("filter_bad", "filter_valid", "operators")
    )
    operators = [each.text() for each in section.items("operators")] or list(_OPERATORS)
    good = _applied(section["filter_good"], operators)
    other = "filter_bad" if "filter_bad" in section else section.exactly_one("filter_bad", "filter_valid")
    if other == "filter_bad":  # as the tool does, filter_valid is not looked at then
        bad = _applied(section["filter_bad"], operators)
        return carried(lambda: of_good_and_bad(good, bad))
    total = _applied(section["filter_valid"], operators)
    return carried(lambda: of_events(good, total, "good"))


def _distribution_cut(indicator: Field) -> Found:
    """`expression` is a histogram's `_bucket` series, `threshold_bucket` the label `le` of the good ones."""
    section = indicator.section(required=("expression", "threshold_bucket"))
    bound = section["threshold_bucket"].scalar()
    expression = section["expression"].text().strip()

    def find() -> Found:
        series = promql.series_of(promql.parse(re.sub(r"\[window\]$", "", expression)))
        if series is None or series.counted != "value" or not series.selector.name.endswith("_bucket"):
            raise InvalidInput("its expression is no selector of the buckets of one histogram")
        return of_bucket(series.selector, bound)

    return carried(find)


def _applied(query: Field, operators: list[str]) -> str:
    """The query with its range and its operators, as slo-generator applies them."""
    text = query.text().strip()
    text = _in_window(text) if "[window" in text else f"{text}[{WINDOW}]"
    for operator in operators:
        text = f"{operator}({text})"
    return text


def _in_window(text: str) -> str:
    return text.replace("[window", f"[{WINDOW}")
