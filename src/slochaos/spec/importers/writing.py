"""Imported objectives as OpenSLO v1 documents: YAML that `slochaos validate` accepts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import yaml

from slochaos.spec.importers.imported import ImportedSlo, Window
from slochaos.spec.objectives import Counter, Histogram, Indicator, Metric, Query, Samples

_DOLLAR = re.compile(r"\$(?=[${])")
_DOLLAR_OF_NO_VARIABLE = re.compile(r"\$(?!\{[A-Za-z_][A-Za-z0-9_]*\})(?=[${])")


class _Number(str):
    """A number with its digits as they were written."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Numbers as they were written, text of several lines as a block."""


def _number(dumper: yaml.SafeDumper, number: _Number) -> yaml.Node:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:float" if "." in number else "tag:yaml.org,2002:int", number
    )


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(_Number, _number)
_Dumper.add_representer(str, _text)


def to_yaml(slos: Iterable[ImportedSlo], *, keep_variables: bool = False) -> str:
    """The documents. `keep_variables`: `${name}` in them is a variable; otherwise every dollar is a dollar."""
    dollar = _DOLLAR_OF_NO_VARIABLE if keep_variables else _DOLLAR
    documents = [_escaped(_document(slo), dollar) for slo in slos]
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100_000)


def _document(slo: ImportedSlo) -> dict[str, Any]:
    objective: dict[str, Any] = {slo.target.field: _Number(slo.target.text)}
    if slo.slices:
        objective |= {"timeSliceTarget": _Number(slo.slices.target), "timeSliceWindow": slo.slices.length}
    spec = {
        "description": slo.description,
        "service": slo.service,
        "budgetingMethod": "Timeslices" if slo.slices else "Occurrences",
        "timeWindow": [_window(slo.window)],
        "indicator": {"metadata": {"name": slo.name}, "spec": {"ratioMetric": _ratio(slo.indicator)}},
        "objectives": [objective],
    }
    metadata = {
        "name": slo.name,
        "displayName": slo.display_name,
        "labels": {key: list(value) if isinstance(value, tuple) else value for key, value in slo.labels},
    }
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {key: value for key, value in metadata.items() if value},
        "spec": {key: value for key, value in spec.items() if value},
    }


def _window(window: Window) -> dict[str, Any]:
    if not window.start:
        return {"duration": window.duration, "isRolling": True}
    calendar = {"startTime": window.start, "timeZone": window.time_zone}
    return {"duration": window.duration, "isRolling": False, "calendar": calendar}


def _ratio(indicator: Indicator) -> dict[str, Any]:
    return {
        "counter": not isinstance(indicator.total, Samples),
        "good" if indicator.good else "bad": _metric(indicator.part),
        "total": _metric(indicator.total),
    }


def _metric(metric: Metric) -> dict[str, Any]:
    spec: dict[str, str]
    match metric:
        case Counter(selector):
            spec = {"selector": str(selector)}
        case Samples(selector):
            spec = {"samples": str(selector)}
        case Query(text):
            spec = {"query": text}
        case Histogram(selector, at_most):
            spec = {"histogram": str(selector)}
            if at_most is not None:
                spec["at_most"] = f"{_decimal(at_most)}s"
    return {"metricSource": {"type": "prometheus", "spec": spec}}


def _decimal(value: Fraction) -> str:
    """All digits of a decimal number."""
    with localcontext(prec=40):
        return f"{Decimal(value.numerator) / value.denominator:f}"


def _escaped(value: Any, dollar: re.Pattern[str]) -> Any:
    """The value with `$$` for these dollars in every text."""
    if isinstance(value, dict):
        return {key: _escaped(each, dollar) for key, each in value.items()}
    if isinstance(value, list):
        return [_escaped(each, dollar) for each in value]
    return dollar.sub("$$", value) if type(value) is str else value
