"""OpenSLO's SLO: its window, its indicator and its objectives, as Objective values."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, cast

from slochaos.spec.fields import Field, Section
from slochaos.spec.nearest import did_you_mean
from slochaos.spec.nodes import quoted
from slochaos.spec.objectives import Histogram, Indicator, Objective
from slochaos.spec.openslo_indicators import is_threshold, read_indicator
from slochaos.spec.openslo_metadata import Metadata, description, display_name, read_metadata

_DAY_S = 86_400
_UNITS_S = {
    "m": 60,
    "h": 3600,
    "d": _DAY_S,
    "w": 7 * _DAY_S,
    "M": 30 * _DAY_S,
    "Q": 90 * _DAY_S,
    "Y": 365 * _DAY_S,
}
"""Rolling months, quarters and years are 30, 90 and 365 days."""

_DURATION = re.compile(r"([0-9]{1,6})([mhdwMQY])")
_SPEC = ("description", "indicator", "indicatorRef", "alertPolicies")
_OBJECTIVE = (
    "displayName",
    "op",
    "value",
    "target",
    "targetPercent",
    "timeSliceTarget",
    "timeSliceWindow",
    "indicator",
    "indicatorRef",
    "compositeWeight",
)

Method = Literal["Occurrences", "Timeslices"]


@dataclass(frozen=True)
class _Indicators:
    """Indicators that references may name, and the data sources that inline ones may."""

    named: Mapping[str, Indicator]
    data_sources: Container[str]


@dataclass(frozen=True)
class _Shared:
    """What all objectives of one SLO have in common."""

    metadata: Metadata
    service: str
    window: str
    window_s: int
    method: Method
    operator: Literal["lte", "lt"]
    drain_s: float | None


def read_objectives(
    metadata: Metadata, spec: Field, indicators: Mapping[str, Indicator], data_sources: Container[str]
) -> list[Objective]:
    """The objectives of one SLO. Raises InvalidInput."""
    section = spec.section(
        required=("service", "budgetingMethod", "timeWindow", "objectives"), optional=_SPEC
    )
    section.get("description", description, "")
    for policy in section.items("alertPolicies"):
        policy.members()
    shared = _shared(metadata, section)
    fields = section["objectives"].items()
    if not fields:
        raise section["objectives"].error("is empty", "an SLO needs at least one objective")
    known = _Indicators(indicators, data_sources)
    return [
        _objective(field, section, shared, known, "" if len(fields) == 1 else str(number))
        for number, field in enumerate(fields, start=1)
    ]


def _shared(metadata: Metadata, section: Section) -> _Shared:
    window, window_s = _time_window(section["timeWindow"])
    operator = metadata.ours["operator"].one_of("lte", "lt") if "operator" in metadata.ours else "lte"
    return _Shared(
        metadata=metadata,
        service=section["service"].text(),
        window=window,
        window_s=window_s,
        method=_method(section["budgetingMethod"]),
        operator=cast("Literal['lte', 'lt']", operator),
        drain_s=metadata.ours["drain"].seconds() if "drain" in metadata.ours else None,
    )


def _method(field: Field) -> Method:
    method = field.one_of("Occurrences", "Timeslices", "RatioTimeslices")
    if method == "RatioTimeslices":
        raise field.error("RatioTimeslices comes with a later version", "Occurrences or Timeslices")
    return cast("Method", method)


def _time_window(windows: Field) -> tuple[str, int]:
    entries = windows.items()
    if len(entries) != 1:
        raise windows.error(f"has {len(entries)} entries, OpenSLO wants exactly one")
    section = entries[0].section(required=("duration",), optional=("isRolling", "calendar"))
    window = section["duration"].text()
    window_s = _window_seconds(section["duration"])
    if section.get("isRolling", Field.flag, False):
        if "calendar" in section:
            raise section["calendar"].error("a rolling window has no calendar")
        return window, window_s
    section["calendar"].section(required=("startTime", "timeZone"))
    raise section["calendar"].error(
        "windows aligned to the calendar come with a later version", "isRolling: true"
    )


def _window_seconds(field: Field) -> int:
    """`<int>` with one of m h d w M Q Y, in seconds."""
    match = _DURATION.fullmatch(field.text())
    if match is None or int(match[1]) == 0:
        raise field.error(
            f"{quoted(field.text())} is no duration of OpenSLO", "a number with one of m h d w M Q Y: 7d"
        )
    return int(match[1]) * _UNITS_S[match[2]]


def _objective(field: Field, slo: Section, shared: _Shared, known: _Indicators, number: str) -> Objective:
    section = field.section(optional=_OBJECTIVE)
    if "compositeWeight" in section:
        raise section["compositeWeight"].error("weighted composites come with a later version")
    shown = section.get("displayName", display_name, "")
    name = shared.metadata.name
    if number:
        name = f"{name}-{_slug(shown) or number}"
    slice_s, slice_target = _slices(section, shared.method)
    return Objective(
        name=name,
        display_name=(shown if number else shared.metadata.display_name) or shown or name,
        service=shared.service,
        target=_target(section),
        operator=shared.operator,
        window_s=shared.window_s,
        window=shared.window,
        method=shared.method,
        indicator=_indicator(section, slo, known),
        slice_s=slice_s,
        slice_target=slice_target,
        where=field.where,
        drain_s=shared.drain_s,
    )


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _target(section: Section) -> Fraction:
    """The good share to reach, exact. 1 is refused: it leaves no budget to speak of."""
    kind = section.exactly_one("target", "targetPercent")
    share = section[kind].decimal() / (1 if kind == "target" else 100)
    if not 0 <= share < 1:
        below = "1" if kind == "target" else "100"
        raise section[kind].error(f"{section[kind].node.text} is outside of 0 to {below} ({below} excluded)")
    return share


def _slices(section: Section, method: Method) -> tuple[int, Fraction]:
    """Slice length in seconds, and the good share that makes a slice good."""
    if method == "Occurrences":
        for name in ("timeSliceTarget", "timeSliceWindow"):
            if name in section:
                raise section[name].error("belongs to budgetingMethod: Timeslices")
        return 60, Fraction(1)
    share = section["timeSliceTarget"].decimal()
    if not 0 < share <= 1:
        raise section["timeSliceTarget"].error(f"{float(share):g} is outside of 0 to 1 (0 excluded)")
    return _window_seconds(section["timeSliceWindow"]), share


def _indicator(section: Section, slo: Section, known: _Indicators) -> Indicator:
    """The indicator of one objective: its own, or the SLO's; inline, or by name."""
    at_objective = "indicator" in section or "indicatorRef" in section
    at_slo = "indicator" in slo or "indicatorRef" in slo
    if at_objective and at_slo:
        raise section.field.error("has an indicator, and so has the SLO", "keep one of the two")
    owner = section if at_objective else slo
    if owner.exactly_one("indicator", "indicatorRef") == "indicatorRef":
        reference = owner["indicatorRef"].name()
        if reference not in known.named:
            hint = did_you_mean(reference, known.named) or "add the SLI's file to the environment's slos"
            raise owner["indicatorRef"].error(f"there is no SLI {reference!r} in the given files", hint)
        return _bounded(section, known.named[reference])
    inline = owner["indicator"].section(required=("spec",), optional=("metadata",))
    inline.get("metadata", read_metadata, None)
    if not is_threshold(inline["spec"]):
        for name in ("op", "value"):
            if name in section:
                raise section[name].error(
                    "belongs to a thresholdMetric", "remove it: the ratio's target says it all"
                )
    return _bounded(section, read_indicator(inline["spec"], known.data_sources))


def _bounded(section: Section, indicator: Indicator) -> Indicator:
    """A threshold's indicator with the bound of this objective; any other as it is."""
    part = indicator.part
    if indicator.total is not part or not isinstance(part, Histogram):
        return indicator
    operator = section["op"].one_of("lte", "gte", "lt", "gt")
    if operator != "lte":
        raise section["op"].error(
            f"{operator} cannot be counted on buckets, whose bounds are inclusive", "op: lte"
        )
    value = section["value"].decimal()
    if value <= 0:
        raise section["value"].error("has to be more than 0 (seconds)")
    return replace(indicator, good=replace(part, at_most=value))
