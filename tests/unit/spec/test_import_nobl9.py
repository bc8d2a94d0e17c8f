"""Nobl9's SLOs on Prometheus: each objective becomes an SLO of its own."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import InvalidInput
from tests.unit.spec.importing import imported, shown_pair
from tests.unit.spec.writing import changed


def promql(query: str) -> dict[str, Any]:
    return {"prometheus": {"promql": query}}


GOOD: dict[str, Any] = {
    "apiVersion": "n9/v1alpha",
    "kind": "SLO",
    "metadata": {
        "name": "shop-latency",
        "displayName": "Shop latency",
        "project": "default",
        "labels": {"team": ["web", "checkout"]},
    },
    "spec": {
        "description": "Fast requests.",
        "service": "shop",
        "indicator": {"metricSource": {"name": "prometheus", "kind": "Agent"}},
        "budgetingMethod": "Occurrences",
        "timeWindows": [{"unit": "Day", "count": 28, "isRolling": True}],
        "objectives": [
            {
                "name": "fast",
                "displayName": "Fast",
                "value": 1.0,
                "target": 0.95,
                "primary": True,
                "countMetrics": {
                    "incremental": True,
                    "good": promql('sum(took_seconds_bucket{job="shop",le="2.5"})'),
                    "total": promql('sum(took_seconds_count{job="shop"})'),
                },
            }
        ],
        "alertPolicies": ["fast-burn"],
        "attachments": [],
    },
}
COUNTS = ("spec", "objectives", 0, "countMetrics")


def test_counters_become_a_histogram(tmp_path: Path) -> None:
    """Values of counters are counted by their growth; names, labels, target and window come along."""
    got = imported(tmp_path, "nobl9", GOOD)
    objective = got.objective
    assert (objective.name, objective.display_name, objective.service) == (
        "shop-latency",
        "Shop latency",
        "shop",
    )
    assert (objective.target, objective.window) == (Fraction("0.95"), "28d")
    assert shown_pair(objective) == (
        "good",
        'histogram took_seconds{job="shop"} <= 5/2',
        'histogram took_seconds{job="shop"}',
    )
    assert "alertPolicies is not imported" in got.said("note")
    assert "attachments" not in got.said("note")


def test_counts_within_a_range_are_peeled(tmp_path: Path) -> None:
    """`incremental: false` counts in the query's own range, which does not change whose events they are."""
    counts = {
        "incremental": False,
        "bad": {"amazonPrometheus": {"promql": "sum(increase(e_total[1m]))"}},
        "total": {"amazonPrometheus": {"promql": "sum(increase(t_total[1m]))"}},
    }
    got = imported(tmp_path, "nobl9", changed(GOOD, *COUNTS, to=counts))
    assert shown_pair(got.objective) == ("bad", "selector e_total", "selector t_total")


def test_objectives_are_independent(tmp_path: Path) -> None:
    """Two objectives become two SLOs, never the composite that OpenSLO would make of them."""
    second = changed(GOOD["spec"]["objectives"][0], "name", to="sometimes")
    content = changed(GOOD, "spec", "objectives", to=[GOOD["spec"]["objectives"][0], second])
    names = [each.name for each in imported(tmp_path, "nobl9", content).objectives]
    assert names == ["shop-latency-fast", "shop-latency-sometimes"]


def test_slices_and_calendars_come_along(tmp_path: Path) -> None:
    """Its slices are minutes; its months begin where it says, in its time zone."""
    calendar = {"startTime": "2022-12-01 00:00:00", "timeZone": "Europe/Berlin"}
    content = changed(
        GOOD,
        "spec",
        "timeWindows",
        to=[{"unit": "Month", "count": 1, "isRolling": False, "calendar": calendar}],
    )
    content = changed(content, "spec", "budgetingMethod", to="Timeslices")
    objective = imported(
        tmp_path, "nobl9", changed(content, "spec", "objectives", 0, "timeSliceTarget", to=0.9)
    ).objective
    assert (objective.method, objective.slice_s, objective.slice_target) == (
        "Timeslices",
        60,
        Fraction("0.9"),
    )
    assert objective.calendar is not None
    assert objective.calendar.start.isoformat() == "2022-12-01T00:00:00"
    assert objective.calendar.time_zone == "Europe/Berlin"
    assert (objective.calendar.count, objective.calendar.unit) == (1, "M")


def test_other_kinds_are_named(tmp_path: Path) -> None:
    """A file holds services and policies too."""
    service = {"apiVersion": "n9/v1alpha", "kind": "Service", "metadata": {"name": "shop"}, "spec": {}}
    got = imported(tmp_path, "nobl9", [service, GOOD])
    assert "the Service is not imported" in got.said("note")
    assert len(got.objectives) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            changed(
                changed(GOOD, *COUNTS, drop=True),
                *COUNTS[:-1],
                "rawMetric",
                to={"query": promql("queue_length")},
            ),
            "compares a metric's value with a threshold",
        ),
        (changed(GOOD, *COUNTS[:-1], "composite", to={"components": {}}), "is a composite"),
        (
            changed(GOOD, *COUNTS, to={"incremental": True, "goodTotal": {}}),
            "good and total come from one query",
        ),
        (changed(GOOD, *COUNTS, "good", to={"datadog": {"query": "x"}}), "one of 'datadog'"),
        (changed(GOOD, *COUNTS, "good", to=promql("sum(a_total) * 2")), "more than the sum of one counter's"),
        (changed(GOOD, *COUNTS, "incremental", to=False), "more than the sum of one counter's"),
    ],
)
def test_what_cannot_be_evaluated_is_said(tmp_path: Path, content: Any, said: str) -> None:
    """Left out or kept as a query, with the reason."""
    got = imported(tmp_path, "nobl9", content)
    assert said in got.said("error") + got.said("warning")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("apiVersion",), "n9/v2", "'n9/v2' is not n9/v1alpha"),
        (("spec", "budgetingMethod"), "Always", "not one of Occurrences, Timeslices"),
        (("spec", "budgetingMethod"), "Timeslices", "'timeSliceTarget' is missing"),
        (("spec", "timeWindows"), [], "has 0 entries"),
        (("spec", "timeWindows", 0, "unit"), "Fortnight", "not one of Minute"),
        (("spec", "timeWindows", 0, "isRolling"), False, "'calendar' is missing"),
        (("spec", "objectives", 0, "goal"), 1, "no field of that name"),
        ((*COUNTS, "good"), {}, "has 0 data sources"),
    ],
)
def test_mistakes_carry_their_line(tmp_path: Path, path: tuple[Any, ...], value: Any, said: str) -> None:
    """File and line of what is wrong."""
    with pytest.raises(InvalidInput, match=said) as caught:
        imported(tmp_path, "nobl9", changed(GOOD, *path, to=value))
    assert caught.value.message.startswith(f"{tmp_path / 'nobl9.yaml'}:")
