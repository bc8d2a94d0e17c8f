"""The lenient profile takes what published documents get wrong, and says each time what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slochaos.spec import openslo
from tests.unit.spec.test_openslo_kinds import ALERTED, CONDITION, POLICY, TARGET, check, inline
from tests.unit.spec.writing import GOOD_SLO, changed, metric

OBJECTIVE = ("spec", "objectives", 0)
SLICES = changed(
    changed(GOOD_SLO, "spec", "budgetingMethod", to="Timeslices"), *OBJECTIVE, "timeSliceTarget", to=0.9
)


@pytest.mark.parametrize(
    ("slo", "expected", "fix"),
    [
        (changed(GOOD_SLO, *OBJECTIVE, "op", to="gt"), "objectives[0].op: belongs to a thresholdMetric", "remove it"),
        (changed(GOOD_SLO, "spec", "timeWindow", drop=True), "spec: 'timeWindow' is missing", "isRolling: true"),
        (changed(GOOD_SLO, "spec", "budgetingMethod", drop=True), "'budgetingMethod' is missing", "Occurrences"),
        (changed(GOOD_SLO, "spec", "budgetMethod", to="x"), "budgetMethod: no field of that name", "budgetingMethod"),
        (changed(GOOD_SLO, "metadata", "name", to="API.Success"), "metadata.name: 'API.Success' is no name", "dashes"),
        (changed(GOOD_SLO, "metadata", "displayName", to="x" * 64), "has 64 characters", "shorten"),
        (changed(GOOD_SLO, "spec", "description", to="x" * 1051), "has 1051 characters", "shorten"),
        (changed(GOOD_SLO, "spec", "indicator", "metadata", drop=True), "indicator: 'metadata' is missing", "name:"),
        (changed(GOOD_SLO, *OBJECTIVE, "compositeWeight", to=2), "weighs nothing", "remove it"),
        (changed(SLICES, *OBJECTIVE, "timeSliceWindow", to=5), "timeSliceWindow: 5 has no unit", "5m"),
    ],
)  # fmt: skip
def test_a_published_mistake_is_an_error_and_leniently_a_warning(
    tmp_path: Path, slo: Any, expected: str, fix: str
) -> None:
    """Strict refuses with file, line and path; lenient reads the objective and warns in the same words."""
    (error,) = check(tmp_path, slo).errors
    found = check(tmp_path, slo, lenient=True)
    (warning,) = found.warnings
    assert expected in error.message
    assert fix in error.hint
    assert str(warning) == error.message
    assert (warning.rule, warning.severity, warning.line > 0) == (openslo.LENIENT, "warning", True)
    assert len(found.objectives) == 1
    assert not found.errors


def test_a_comparison_written_for_exceeds_is_read_as_meant(tmp_path: Path) -> None:
    """The specification's own example says `lte` for "exceeds 2", and names a policy by its bare name."""
    condition = changed(CONDITION, "spec", "condition", "op", to="lte")
    slo = changed(ALERTED, "spec", "alertPolicies", 0, to="page")
    found = check(tmp_path, condition, TARGET, POLICY, slo, lenient=True)
    assert found.objectives[0].alerts[0].condition.operator == "gte"
    assert {warning.message.split(":")[0] for warning in found.warnings} == {
        "spec.condition.op",
        "spec.alertPolicies[0]",
    }


def test_an_objective_of_another_system_is_left_out_leniently(tmp_path: Path) -> None:
    """A query for Datadog is sound OpenSLO, but nothing that slochaos can measure."""
    foreign = {"metricSource": {"type": "Datadog", "spec": {"query": "sum:requests{*}.as_count()"}}}
    sli = {"ratioMetric": {"good": foreign, "total": foreign}}
    slo = changed(changed(GOOD_SLO, "metadata", "name", to="other"), "spec", "indicator", "spec", to=sli)
    assert "cannot be measured" in check(tmp_path, slo).errors[0].message
    found = check(tmp_path, slo, GOOD_SLO, lenient=True)
    assert [objective.name for objective in found.objectives] == ["api-success"]
    assert [warning.rule for warning in found.warnings] == [openslo.LENIENT]


def test_a_source_that_is_not_declared_is_a_warning_where_its_type_is_given(tmp_path: Path) -> None:
    """Published SLOs refer to sources that stand elsewhere; without a type nobody knows what they are."""
    ratio = ("spec", "indicator", "spec", "ratioMetric")
    slo = changed(GOOD_SLO, *ratio, "total", "metricSource", "metricSourceRef", to="elsewhere")
    assert "there is no DataSource 'elsewhere'" in check(tmp_path, slo).errors[0].message
    found = check(tmp_path, slo, lenient=True)
    assert (len(found.warnings), len(found.objectives), found.errors) == (1, 1, ())
    untyped = changed(slo, *ratio, "total", "metricSource", "type", drop=True)
    assert check(tmp_path, untyped, lenient=True).errors


def test_a_referred_sli_of_another_system_is_said_once(tmp_path: Path) -> None:
    """The SLO that refers to it is left out without a second message."""
    foreign = {"metricSource": {"type": "Redshift", "spec": {"region": "eu", "query": "SELECT 1"}}}
    sli = {
        "apiVersion": "openslo/v1",
        "kind": "SLI",
        "metadata": {"name": "sql"},
        "spec": {"thresholdMetric": foreign},
    }
    slo = changed(changed(GOOD_SLO, "spec", "indicator", drop=True), "spec", "indicatorRef", to="sql")
    found = check(tmp_path, sli, slo, lenient=True)
    assert (len(found.warnings), found.errors, found.objectives) == (1, (), ())


@pytest.mark.parametrize(
    "broken",
    [
        changed(GOOD_SLO, *OBJECTIVE, "target", to=2),
        changed(GOOD_SLO, "spec", "objectives", to=[]),
        changed(GOOD_SLO, "spec", "indicator", "spec", "ratioMetric", "good", to=metric(selector="a{")),
        changed(GOOD_SLO, "apiVersion", to="openslo/v1alpha"),
        changed(ALERTED, "spec", "alertPolicies", 0, to=inline(changed(POLICY, "spec", "conditions", to=[]))),
    ],
)
def test_what_cannot_be_understood_is_an_error_in_both_profiles(tmp_path: Path, broken: Any) -> None:
    """Lenient is no licence for nonsense."""
    assert check(tmp_path, broken).errors
    assert check(tmp_path, broken, lenient=True).errors
