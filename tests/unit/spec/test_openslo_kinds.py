"""Alert policies, composites, calendars and slices of ratios become values; every rule has its message."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import InvalidInput
from slochaos.spec import openslo
from slochaos.spec.alerts import AlertCondition, AlertPolicy, NotificationTarget
from slochaos.spec.calendars import Calendar
from tests.unit.spec.writing import GOOD_SLO, changed, metric, write, yaml_text

CONDITION: dict[str, Any] = {
    "apiVersion": "openslo/v1",
    "kind": "AlertCondition",
    "metadata": {"name": "fast-burn"},
    "spec": {
        "severity": "page",
        "condition": {
            "kind": "burnrate",
            "op": "gte",
            "threshold": 13.44,
            "lookbackWindow": "1h",
            "alertAfter": "5m",
        },
    },
}
TARGET: dict[str, Any] = {
    "apiVersion": "openslo/v1",
    "kind": "AlertNotificationTarget",
    "metadata": {"name": "on-call"},
    "spec": {"target": "pagerduty"},
}
POLICY: dict[str, Any] = {
    "apiVersion": "openslo/v1",
    "kind": "AlertPolicy",
    "metadata": {"name": "page"},
    "spec": {
        "alertWhenBreaching": True,
        "conditions": [{"conditionRef": "fast-burn"}],
        "notificationTargets": [{"targetRef": "on-call"}],
    },
}
ALERTED = changed(GOOD_SLO, "spec", "alertPolicies", to=[{"alertPolicyRef": "page"}])


def inline(document: dict[str, Any]) -> dict[str, Any]:
    """The object as it stands inside another one: without a version."""
    return {key: document[key] for key in ("kind", "metadata", "spec")}


def part(name: str, target: float, **more: Any) -> dict[str, Any]:
    sli = {"ratioMetric": {"good": metric(selector=f"{name}_good"), "total": metric(selector=name)}}
    return {
        "displayName": name,
        "target": target,
        "indicator": {"metadata": {"name": name}, "spec": sli},
    } | more


def composite(*parts: dict[str, Any]) -> dict[str, Any]:
    slo = changed(GOOD_SLO, "spec", "indicator", drop=True)
    result: dict[str, Any] = changed(slo, "spec", "objectives", to=list(parts))
    return result


def check(folder: Path, *objects: Any, lenient: bool = False) -> openslo.Catalogue:
    return openslo.check([write(folder / "x.yaml", yaml_text(*objects))], {}, lenient=lenient)


def problem(folder: Path, *objects: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        openslo.load([write(folder / "x.yaml", yaml_text(*objects))], {})
    return str(caught.value)


def test_an_alert_policy_is_a_value_however_it_is_put_together(tmp_path: Path) -> None:
    """References across the files of a folder, and the same policy inline, give equal values."""
    for number, each in enumerate((ALERTED, POLICY, CONDITION, TARGET)):
        write(tmp_path / "slos" / "deep" / f"{number}.yaml", each)
    write(tmp_path / "slos" / ".hidden.yaml", "not: openslo")
    (policy,) = openslo.load([tmp_path / "slos"], {}).objectives[0].alerts
    assert policy == AlertPolicy(
        name="page",
        condition=AlertCondition(
            "fast-burn", "page", "gte", Fraction("13.44"), "1h", 3600, 300, where=policy.condition.where
        ),
        targets=(NotificationTarget("on-call", "pagerduty", where=policy.targets[0].where),),
        when_breaching=True,
        where=policy.where,
    )
    whole = changed(POLICY, "spec", "conditions", 0, to=inline(CONDITION))
    whole = changed(whole, "spec", "notificationTargets", 0, to=inline(TARGET))
    (other,) = (
        check(tmp_path, changed(ALERTED, "spec", "alertPolicies", 0, to=inline(whole))).objectives[0].alerts
    )
    assert (other.condition.threshold, other.targets[0].target) == (Fraction("13.44"), "pagerduty")


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ((ALERTED,), "alertPolicyRef: there is no AlertPolicy 'page' in the given files"),
        ((POLICY, TARGET), "conditionRef: there is no AlertCondition 'fast-burn'"),
        ((POLICY, CONDITION), "targetRef: there is no AlertNotificationTarget 'on-call'"),
        ((changed(POLICY, "spec", "conditions", to=[]), TARGET), "conditions: has 0 entries"),
        ((changed(POLICY, "spec", "notificationTargets", to=[]), CONDITION), "notificationTargets: is empty"),
        ((changed(POLICY, "spec", "alertWhenBreaching", to="yes"), CONDITION, TARGET), "has to be true or false"),
        ((changed(POLICY, "spec", "conditions", 0, to={"kind": "AlertCondition"}), TARGET), "'metadata' is missing"),
        ((changed(CONDITION, "spec", "severity", drop=True),), "'severity' is missing"),
        ((changed(CONDITION, "spec", "condition", "kind", to="budget"),), "'budget' is not one of burnrate"),
        ((changed(CONDITION, "spec", "condition", "op", to="ge"),), "'ge' is not one of lte, gte, lt, gt"),
        ((changed(CONDITION, "spec", "condition", "threshold", to=-1),), "-1 is negative, no burn rate is"),
        ((changed(CONDITION, "spec", "condition", "lookbackWindow", to="0h"),), "'0h' is no duration of OpenSLO"),
        ((changed(TARGET, "spec", "target", drop=True),), "'target' is missing"),
        ((changed(ALERTED, "spec", "alertPolicies", 0, to="page"),), "alertPolicies[0]: is a name"),
    ],
)  # fmt: skip
def test_each_mistake_of_an_alert_has_its_message(tmp_path: Path, objects: Any, expected: str) -> None:
    """Every rule of the alert kinds is checked, with the property's path."""
    assert expected in problem(tmp_path, *objects)


def test_an_error_is_reported_once_and_the_other_objects_are_read(tmp_path: Path) -> None:
    """A broken condition gives one error, none for the policy and the SLO that refer to it."""
    broken = changed(CONDITION, "spec", "severity", to=1)
    found = check(
        tmp_path, broken, TARGET, POLICY, ALERTED, changed(GOOD_SLO, "metadata", "name", to="other")
    )
    assert ["severity" in str(error) for error in found.errors] == [True]
    assert [objective.name for objective in found.objectives] == ["other"]


def test_objectives_with_indicators_of_their_own_make_a_composite(tmp_path: Path) -> None:
    """Each part is an objective; the whole is their mean, weighted, exactly; its alerts are the whole's."""
    slo = composite(part("reads", 0.999, compositeWeight=3), part("writes", 0.99, compositeWeight=1))
    slo["spec"]["alertPolicies"] = [{"alertPolicyRef": "page"}]
    found = check(tmp_path, slo, POLICY, CONDITION, TARGET)
    assert not found.errors
    assert [(o.name, o.target, o.alerts) for o in found.objectives] == [
        ("api-success-reads", Fraction("0.999"), ()),
        ("api-success-writes", Fraction("0.99"), ()),
    ]
    (whole,) = found.composites
    assert (whole.name, [p.weight for p in whole.parts]) == ("api-success", [Fraction(3, 4), Fraction(1, 4)])
    assert whole.target == Fraction("0.99675")
    assert [alert.name for alert in whole.alerts] == ["page"]


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        (composite(part("a", 0.9, compositeWeight=0), part("b", 0.9)), "compositeWeight: 0 is not more than 0"),
        (composite(part("a", 0.9), {"target": 0.9}), "objectives[1]: has to have exactly one of indicator"),
        (changed(composite(part("a", 0.9)), "spec", "indicatorRef", to="x"), "has an indicator, and so has the SLO"),
    ],
)  # fmt: skip
def test_each_mistake_of_a_composite_has_its_message(tmp_path: Path, objects: Any, expected: str) -> None:
    """Weights are positive, and indicators stand on one level only."""
    assert expected in problem(tmp_path, objects)


def test_a_composite_and_an_objective_of_one_name_are_refused(tmp_path: Path) -> None:
    """`shop-a` as a part of `shop` and as a composite of its own could not be told apart."""
    shop = changed(composite(part("a", 0.9), part("b", 0.9)), "metadata", "name", to="shop")
    other = changed(composite(part("x", 0.9), part("y", 0.9)), "metadata", "name", to="shop-a")
    assert "a composite named 'shop-a', and an objective at" in problem(tmp_path, shop, other)


def window(**fields: Any) -> dict[str, Any]:
    result: dict[str, Any] = changed(GOOD_SLO, "spec", "timeWindow", to=[fields])
    return result


def test_a_calendar_window_is_kept_with_its_zone(tmp_path: Path) -> None:
    """Start, zone, count and unit arrive; the usual length stands beside them."""
    start = {"startTime": "2024-01-01 00:00:00", "timeZone": "Europe/Berlin"}
    objective = check(tmp_path, window(duration="1M", calendar=start)).objectives[0]
    assert objective.calendar == Calendar(datetime(2024, 1, 1), "Europe/Berlin", 1, "M")  # noqa: DTZ001
    assert (objective.window, objective.window_s) == ("1M", 30 * 86_400)


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [
        ({"startTime": "2024-01-01T00:00:00Z", "timeZone": "UTC"}, "is no date with time\n  -> 2024-01-01 00:00:00"),
        ({"startTime": "2024-02-30 00:00:00", "timeZone": "UTC"}, "is no date with time"),
        ({"startTime": "0001-01-01 00:00:00", "timeZone": "UTC"}, "1 is outside of 1970 to 2200"),
        ({"startTime": "2024-01-01 00:00:00", "timeZone": "Berlin"}, "'Berlin' is no time zone of the IANA database"),
        ({"startTime": "2024-01-01 00:00:00", "timeZone": "../../etc/passwd"}, "is no time zone"),
        ({"startTime": "2024-01-01 00:00:00", "timeZone": "America"}, "is no time zone"),
        ({"startTime": "2024-01-01 00:00:00"}, "'timeZone' is missing"),
    ],
)  # fmt: skip
def test_each_mistake_of_a_calendar_has_its_message(tmp_path: Path, calendar: Any, expected: str) -> None:
    """Dates have no offset, and zones are those of the IANA database."""
    assert expected in problem(tmp_path, window(duration="1M", calendar=calendar))
    start = {"startTime": "2024-01-01 00:00:00", "timeZone": "UTC"}
    assert "a rolling window has no calendar" in problem(
        tmp_path, window(duration="1M", isRolling=True, calendar=start)
    )


def test_slices_of_ratios_have_a_length_and_no_target_of_their_own(tmp_path: Path) -> None:
    """RatioTimeslices needs timeSliceWindow; timeSliceTarget belongs to Timeslices."""
    slo = changed(GOOD_SLO, "spec", "budgetingMethod", to="RatioTimeslices")
    slo = changed(slo, "spec", "objectives", to=[{"target": 0.99, "timeSliceWindow": "5m"}])
    objective = check(tmp_path, slo).objectives[0]
    assert (objective.method, objective.slice_s, objective.in_slices) == ("RatioTimeslices", 300, True)
    wrong = changed(slo, "spec", "objectives", 0, "timeSliceTarget", to=0.9)
    assert "timeSliceTarget: belongs to budgetingMethod: Timeslices" in problem(tmp_path, wrong)
