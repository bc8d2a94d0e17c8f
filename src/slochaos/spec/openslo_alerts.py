"""OpenSLO's AlertPolicy, AlertCondition and AlertNotificationTarget: declared, referred to, or inline."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar, cast

from slochaos.spec.alerts import AlertCondition, AlertPolicy, Comparison, NotificationTarget
from slochaos.spec.fields import Field, Section
from slochaos.spec.openslo_metadata import Metadata, description, read_metadata
from slochaos.spec.openslo_profile import Reading
from slochaos.spec.openslo_references import Names, References
from slochaos.spec.openslo_windows import seconds_of

T = TypeVar("T")


def read_target(metadata: Metadata, spec: Field, reading: Reading) -> NotificationTarget:
    """An AlertNotificationTarget's `spec`. Raises InvalidInput."""
    section = reading.section(spec, required=("target",), optional=("description",))
    return NotificationTarget(
        name=metadata.name,
        target=section["target"].text(),
        display_name=metadata.display_name,
        description=description(section, reading),
        where=spec.where,
    )


def read_condition(metadata: Metadata, spec: Field, reading: Reading) -> AlertCondition:
    """An AlertCondition's `spec`. Raises InvalidInput."""
    section = reading.section(spec, required=("severity", "condition"), optional=("description",))
    condition = reading.section(
        section["condition"],
        required=("kind", "threshold", "lookbackWindow"),
        optional=("op", "alertAfter"),
    )
    condition["kind"].one_of("burnrate")
    return AlertCondition(
        name=metadata.name,
        severity=section["severity"].text(),
        operator=_operator(condition, reading),
        threshold=_threshold(condition["threshold"]),
        lookback=condition["lookbackWindow"].text(),
        lookback_s=seconds_of(condition["lookbackWindow"]),
        after_s=condition.get("alertAfter", _after, 0),
        display_name=metadata.display_name,
        description=description(section, reading),
        where=condition["threshold"].where,
    )


def read_policy(metadata: Metadata, spec: Field, references: References, reading: Reading) -> AlertPolicy:
    """An AlertPolicy's `spec`: exactly one condition, at least one target. Raises InvalidInput."""
    section = reading.section(
        spec,
        required=("conditions", "notificationTargets"),
        optional=("description", "alertWhenNoData", "alertWhenBreaching", "alertWhenResolved"),
    )
    conditions, targets = section["conditions"].items(), section["notificationTargets"].items()
    if len(conditions) != 1:
        raise section["conditions"].error(f"has {len(conditions)} entries, OpenSLO wants exactly one")
    if not targets:
        raise section["notificationTargets"].error(
            "is empty", "targetRef: NAME of an AlertNotificationTarget"
        )
    return AlertPolicy(
        name=metadata.name,
        condition=_given(conditions[0], "conditionRef", references.conditions, read_condition, reading),
        targets=tuple(
            _given(each, "targetRef", references.targets, read_target, reading) for each in targets
        ),
        when_breaching=section.get("alertWhenBreaching", Field.flag, False),
        when_resolved=section.get("alertWhenResolved", Field.flag, False),
        when_no_data=section.get("alertWhenNoData", Field.flag, False),
        display_name=metadata.display_name,
        description=description(section, reading),
        where=spec.where,
    )


def read_policies(items: list[Field], references: References, reading: Reading) -> tuple[AlertPolicy, ...]:
    """An SLO's `alertPolicies`: each an `alertPolicyRef` or a whole policy. Raises InvalidInput."""

    def policy(metadata: Metadata, spec: Field, reading: Reading) -> AlertPolicy:
        return read_policy(metadata, spec, references, reading)

    return tuple(_given(each, "alertPolicyRef", references.policies, policy, reading) for each in items)


def _given(
    each: Field,
    reference: str,
    names: Names[T],
    read: Callable[[Metadata, Field, Reading], T],
    reading: Reading,
) -> T:
    """What an entry refers to, or holds inline (kind, metadata, spec)."""
    if isinstance(each.node.value, str):
        reading.mistake(each.error("is a name, has to be a mapping", f"{reference}: {each.node.value}"))
        return names.find(each, reading)
    if reference in each.members():
        return names.find(reading.section(each, required=(reference,))[reference], reading)
    inline = reading.section(each, required=("kind", "metadata", "spec"))
    inline["kind"].one_of(names.kind)
    return read(read_metadata(inline["metadata"], reading), inline["spec"], reading)


def _operator(condition: Section, reading: Reading) -> Comparison:
    """Burn rate `op` threshold. Published documents leave it out, or write lte for "exceeds"."""
    if "op" not in condition:
        reading.mistake(condition.field.error("'op' is missing", "op: gte"))
        return "gte"
    operator = cast("Comparison", condition["op"].one_of("lte", "gte", "lt", "gt"))
    if reading.lenient and operator in ("lte", "lt"):
        meant: Comparison = "gte" if operator == "lte" else "gt"
        reading.mistake(
            condition["op"].error(f"{operator} alerts while little is burnt, read as {meant}", f"op: {meant}")
        )
        return meant
    return operator


def _threshold(field: Field) -> Fraction:
    threshold = field.decimal()
    if threshold < 0:
        raise field.error(f"{field.node.text} is negative, no burn rate is", "14.4, for example")
    return threshold


def _after(field: Field) -> int:
    """`0m` is no delay, which is fine here."""
    return 0 if field.node.text in ("0m", "0h") else seconds_of(field)
