"""slo-generator's files on Prometheus: what its three methods count, exactly."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import InvalidInput
from tests.unit.spec.importing import imported, shown_pair
from tests.unit.spec.writing import changed

GOOD: dict[str, Any] = {
    "apiVersion": "sre.google.com/v2",
    "kind": "ServiceLevelObjective",
    "metadata": {"name": "shop-availability", "labels": {"service_name": "shop", "slo_name": "availability"}},
    "spec": {
        "description": "Requests answered well.",
        "backend": "prometheus",
        "method": "good_bad_ratio",
        "exporters": ["prometheus"],
        "error_budget_policy": "default",
        "service_level_indicator": {
            "filter_good": 'requests_total{job="${JOB}", code=~"2.."}',
            "filter_valid": 'requests_total{job="${JOB}"}[window]',
        },
        "goal": 0.999,
    },
}


def with_method(method: str, **indicator: Any) -> dict[str, Any]:
    content = changed(GOOD, "spec", "service_level_indicator", to=indicator)
    return dict(changed(content, "spec", "method", to=method))


def test_a_ratio_becomes_two_selectors(tmp_path: Path) -> None:
    """Its variables stay variables, its goal is the target, its exporters and policy are named."""
    got = imported(tmp_path, "slo-generator", GOOD, JOB="shop")
    objective = got.objective
    assert (objective.name, objective.service, objective.target) == (
        "shop-availability",
        "shop",
        Fraction("0.999"),
    )
    assert shown_pair(objective) == (
        "good",
        'selector requests_total{job="shop",code=~"2.."}',
        'selector requests_total{job="shop"}',
    )
    notes = got.said("note")
    assert "the environment's variables have to set JOB" in notes
    assert "exporters is not imported" in notes
    assert "error_budget_policy is not imported" in notes


@pytest.mark.parametrize(
    ("method", "indicator", "pair"),
    [
        (
            "good_bad_ratio",
            {"filter_good": 'a_total{z="1",code="200"}', "filter_bad": 'a_total{z="1",code=~"5..|429"}'},
            (
                "good",
                'selector a_total{z="1",code="200"}',
                'selector a_total{z="1",code=~"(?:200)|(?:5..|429)"}',
            ),
        ),
        (
            "good_bad_ratio",
            {"filter_good": "good_total", "filter_bad": "bad_total"},
            (
                "good",
                "query sum(increase(good_total[{{.window}}]))",
                "query (sum(increase(good_total[{{.window}}])) or vector(0))"
                " + (sum(increase(bad_total[{{.window}}])) or vector(0))",
            ),
        ),
        (
            "good_bad_ratio",
            {"filter_good": "g_total", "filter_valid": "t_total", "operators": ["rate", "sum"]},
            ("good", "selector g_total", "selector t_total"),
        ),
        (
            "good_bad_ratio",
            {"filter_good": "g_total", "filter_valid": "t_total", "operators": ["rate", "max"]},
            ("good", "query max(rate(g_total[{{.window}}]))", "query max(rate(t_total[{{.window}}]))"),
        ),
        (
            "distribution_cut",
            {"expression": 'took_seconds_bucket{z="1"}', "threshold_bucket": 0.25},
            ("good", 'histogram took_seconds{z="1"} <= 1/4', 'histogram took_seconds{z="1"}'),
        ),
        (
            "distribution_cut",
            {"expression": "took_ms_bucket[window]", "threshold_bucket": 250},
            ("good", 'selector took_ms_bucket{le="250"}', "selector took_ms_count"),
        ),
        (
            "query_sli",
            {
                "expression": 'increase(took_seconds_bucket{le="0.5"}[window]) / ignoring (le)\n'
                "increase(took_seconds_count[window])"
            },
            ("good", "histogram took_seconds <= 1/2", "histogram took_seconds"),
        ),
    ],
)
def test_every_method(tmp_path: Path, method: str, indicator: Any, pair: tuple[str, str, str]) -> None:
    """Filters with their operators, buckets up to a threshold, and queries that are plain ratios."""
    assert shown_pair(imported(tmp_path, "slo-generator", with_method(method, **indicator)).objective) == pair


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (changed(GOOD, "spec", "backend", to="cloud_monitoring"), "its backend is 'cloud_monitoring'"),
        (with_method("query_sli", expression="job:availability:5m"), "gives a share"),
        (
            with_method("distribution_cut", expression="x_sum", threshold_bucket=1),
            "no selector of the buckets",
        ),
        (changed(GOOD, "spec", "goal", to=1), "leaves no error budget"),
    ],
)
def test_what_cannot_be_evaluated_is_left_out(tmp_path: Path, content: Any, said: str) -> None:
    """Named, with its reason."""
    got = imported(tmp_path, "slo-generator", content)
    assert not got.objectives
    assert said in got.said("error")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"service_name": "shop", "slo_target": 0.9}, "is a file of slo-generator 1"),
        (changed(GOOD, "spec", "method", to="exponential"), "is not one of good_bad_ratio"),
        (changed(GOOD, "spec", "goal", to=99.9), "99.9 is outside of 0 to 1"),
        (with_method("good_bad_ratio", filter_good="x"), "exactly one of filter_bad, filter_valid"),
        (changed(GOOD, "spec", "goals", to=0.9), "no field of that name"),
    ],
)
def test_mistakes_carry_their_line(tmp_path: Path, content: Any, said: str) -> None:
    """File and line of what is wrong."""
    with pytest.raises(InvalidInput, match=said) as caught:
        imported(tmp_path, "slo-generator", content)
    assert caught.value.message.startswith(f"{tmp_path / 'slo-generator.yaml'}:")
