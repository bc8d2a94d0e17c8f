"""OpenSLO's SLO: its window, its indicator and its objectives, as Objective values; of several SLIs, a Composite."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, cast

from slochaos.spec.alerts import AlertPolicy
from slochaos.spec.composites import Composite, Part
from slochaos.spec.fields import Field, Section
from slochaos.spec.objectives import Histogram, Indicator, Method, Objective
from slochaos.spec.openslo_alerts import read_policies
from slochaos.spec.openslo_indicators import is_threshold, read_indicator
from slochaos.spec.openslo_metadata import Metadata, description, display_name, read_metadata
from slochaos.spec.openslo_profile import NotMeasurable, Reading
from slochaos.spec.openslo_references import References
from slochaos.spec.openslo_windows import TimeWindow, slice_seconds, time_window

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


@dataclass(frozen=True)
class Slo:
    """One SLO: its objectives and, if they have an indicator each, what they make up together."""

    objectives: tuple[Objective, ...]
    composite: Composite | None = None


@dataclass(frozen=True)
class _Shared:
    """What all objectives of one SLO have in common."""

    metadata: Metadata
    section: Section
    description: str
    window: TimeWindow
    method: Method
    operator: Literal["lte", "lt"]
    drain_s: float | None
    alerts: tuple[AlertPolicy, ...]
    is_composite: bool


def read_slo(metadata: Metadata, spec: Field, references: References, reading: Reading) -> Slo:
    """An SLO's `spec`. Raises InvalidInput."""
    section = reading.section(
        spec,
        required=("service", "objectives"),
        optional=(
            "budgetingMethod",
            "timeWindow",
            "description",
            "indicator",
            "indicatorRef",
            "alertPolicies",
        ),
    )
    fields = section["objectives"].items()
    if not fields:
        raise section["objectives"].error("is empty", "an SLO needs at least one objective")
    own = [bool({"indicator", "indicatorRef"} & each.members().keys()) for each in fields]
    shared = _shared(metadata, section, references, reading, is_composite=any(own) and len(fields) > 1)
    parts = [
        _Reader(field, shared, references, reading).objective("" if len(fields) == 1 else str(number))
        for number, field in enumerate(fields, start=1)
    ]
    objectives = tuple(objective for objective, _ in parts if objective)
    if not shared.is_composite or len(objectives) < len(fields):
        return Slo(objectives)
    return Slo(
        objectives, _composite(shared, [(objective, weight) for objective, weight in parts if objective])
    )


def _shared(
    metadata: Metadata, section: Section, references: References, reading: Reading, *, is_composite: bool
) -> _Shared:
    operator = metadata.ours["operator"].one_of("lte", "lt") if "operator" in metadata.ours else "lte"
    section["service"].text()
    return _Shared(
        metadata=metadata,
        section=section,
        description=description(section, reading),
        window=time_window(section.members.get("timeWindow"), section.field, reading),
        method=_method(section, reading),
        operator=cast("Literal['lte', 'lt']", operator),
        drain_s=metadata.ours["drain"].seconds() if "drain" in metadata.ours else None,
        alerts=read_policies(list(section.items("alertPolicies")), references, reading),
        is_composite=is_composite,
    )


def _method(section: Section, reading: Reading) -> Method:
    if "budgetingMethod" not in section:
        reading.mistake(section.field.error("'budgetingMethod' is missing", "budgetingMethod: Occurrences"))
        return "Occurrences"
    method = section["budgetingMethod"].one_of("Occurrences", "Timeslices", "RatioTimeslices")
    return cast("Method", method)


def _composite(shared: _Shared, parts: list[tuple[Objective, Fraction]]) -> Composite:
    """The weights become shares of their sum."""
    whole = sum(weight for _, weight in parts)
    name = shared.metadata.name
    return Composite(
        name=name,
        display_name=shared.metadata.display_name or name,
        parts=tuple(Part(objective, weight / whole) for objective, weight in parts),
        alerts=shared.alerts,
        description=shared.description,
        where=shared.section["objectives"].where,
    )


@dataclass(frozen=True)
class _Reader:
    """Reads one entry of `objectives`."""

    field: Field
    shared: _Shared
    references: References
    reading: Reading

    def objective(self, number: str) -> tuple[Objective | None, Fraction]:
        """The objective with its weight; None for one that cannot be measured, which the lenient profile leaves out."""
        section = self.reading.section(self.field, optional=_OBJECTIVE)
        weight = self._weight(section)
        try:
            indicator = self._indicator(section)
        except NotMeasurable as problem:
            self.reading.mistake(problem)
            return None, weight
        shown = section.get("displayName", lambda each: display_name(each, self.reading), "")
        return self._with(section, indicator, number, shown), weight

    def _with(self, section: Section, indicator: Indicator, number: str, shown: str) -> Objective:
        shared = self.shared
        name = shared.metadata.name
        if number:
            name = f"{name}-{_slug(shown) or number}"
        slice_s, slice_target = _slices(section, shared.method, self.reading)
        return Objective(
            name=name,
            display_name=(shown if number else shared.metadata.display_name) or shown or name,
            service=shared.section["service"].text(),
            target=_target(section),
            operator=shared.operator,
            window_s=shared.window.seconds,
            window=shared.window.text,
            method=shared.method,
            indicator=indicator,
            slice_s=slice_s,
            slice_target=slice_target,
            where=self.field.where,
            drain_s=shared.drain_s,
            calendar=shared.window.calendar,
            alerts=() if shared.is_composite else shared.alerts,
            description=shared.description,
        )

    def _weight(self, section: Section) -> Fraction:
        """`compositeWeight`, 1 where it is not given."""
        if "compositeWeight" not in section:
            return Fraction(1)
        weight = section["compositeWeight"].decimal()
        if weight <= 0:
            raise section["compositeWeight"].error(f"{float(weight):g} is not more than 0")
        if not self.shared.is_composite:
            self.reading.mistake(
                section["compositeWeight"].error(
                    "weighs nothing: only several objectives with an indicator each make a composite",
                    "remove it, or give each objective its own indicator",
                )
            )
        return weight

    def _indicator(self, section: Section) -> Indicator:
        """The indicator of one objective: its own, or the SLO's; inline, or by name."""
        slo = self.shared.section
        at_objective = "indicator" in section or "indicatorRef" in section
        at_slo = "indicator" in slo or "indicatorRef" in slo
        if at_objective and at_slo:
            raise section.field.error("has an indicator, and so has the SLO", "keep one of the two")
        owner = section if at_objective or self.shared.is_composite else slo
        if owner.exactly_one("indicator", "indicatorRef") == "indicatorRef":
            return _bounded(section, self.references.indicators.find(owner["indicatorRef"], self.reading))
        inline = self.reading.section(owner["indicator"], required=("spec",), optional=("metadata",))
        if "metadata" in inline:
            read_metadata(inline["metadata"], self.reading)
        else:
            self.reading.mistake(
                owner["indicator"].error("'metadata' is missing", "metadata: {name: NAME-OF-THE-SLI}")
            )
        if not is_threshold(inline["spec"]):
            self._no_comparison(section)
        return _bounded(section, read_indicator(inline["spec"], self.references, self.reading))

    def _no_comparison(self, section: Section) -> None:
        """`op` and `value` compare a threshold's values; published ratios carry them too."""
        for name in ("op", "value"):
            if name in section:
                self.reading.mistake(
                    section[name].error(
                        "belongs to a thresholdMetric", "remove it: the ratio's target says it all"
                    )
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


def _slices(section: Section, method: Method, reading: Reading) -> tuple[int, Fraction]:
    """Slice length in seconds, and the good share that makes a slice good (1 where slices are not judged)."""
    if method != "Timeslices" and "timeSliceTarget" in section:
        reading.mistake(
            section["timeSliceTarget"].error("belongs to budgetingMethod: Timeslices", "remove it")
        )
    if method == "Occurrences":
        if "timeSliceWindow" in section:
            reading.mistake(
                section["timeSliceWindow"].error(
                    "belongs to budgetingMethod: Timeslices or RatioTimeslices", "remove it"
                )
            )
        return 60, Fraction(1)
    length_s = slice_seconds(section["timeSliceWindow"], reading)
    if method == "RatioTimeslices":
        return length_s, Fraction(1)
    share = section["timeSliceTarget"].decimal()
    if not 0 < share <= 1:
        raise section["timeSliceTarget"].error(f"{float(share):g} is outside of 0 to 1 (0 excluded)")
    return length_s, share


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
