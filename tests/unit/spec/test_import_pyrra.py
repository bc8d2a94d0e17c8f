"""Pyrra's objects: their selectors are exact as they are, but for native histograms."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.errors import InvalidInput
from slochaos.spec import documents
from slochaos.spec.fields import Field
from slochaos.spec.importers.imported import duration
from slochaos.spec.nodes import Node
from slochaos.spec.openslo_windows import seconds_of
from tests.unit.spec.importing import imported, shown_pair
from tests.unit.spec.writing import changed

GOOD: dict[str, Any] = {
    "apiVersion": "pyrra.dev/v1alpha1",
    "kind": "ServiceLevelObjective",
    "metadata": {"name": "shop-errors", "namespace": "shops", "labels": {"team": "web"}},
    "spec": {
        "description": "Requests without a server error.",
        "target": "99.95",
        "window": "4w",
        "indicator": {
            "ratio": {
                "errors": {"metric": 'requests_total{job="shop",code=~"5.."}'},
                "total": {"metric": 'requests_total{job="shop"}'},
                "grouping": ["handler"],
            }
        },
        "alerting": {"name": "ShopErrors", "absent": False},
    },
}


def with_indicator(**indicator: Any) -> dict[str, Any]:
    return dict(changed(GOOD, "spec", "indicator", to=indicator))


def test_a_ratio_becomes_two_selectors(tmp_path: Path) -> None:
    """Target and window as written, the namespace as the service; grouping and alerts are named."""
    got = imported(tmp_path, "pyrra", GOOD)
    objective = got.objective
    assert (objective.name, objective.service, objective.window) == ("shop-errors", "shops", "4w")
    assert objective.target == Fraction("0.9995")
    assert shown_pair(objective) == (
        "bad",
        'selector requests_total{job="shop",code=~"5.."}',
        'selector requests_total{job="shop"}',
    )
    notes = got.said("note")
    assert "kept apart by handler" in notes
    assert "alerting (name, absent) is not imported" in notes


@pytest.mark.parametrize(
    ("indicator", "pair"),
    [
        (
            {
                "latency": {
                    "success": {"metric": 'took_seconds_bucket{job="shop",code="200",le="0.25"}'},
                    "total": {"metric": 'took_seconds_count{job="shop",code="200"}'},
                }
            },
            (
                "good",
                'histogram took_seconds{job="shop",code="200"} <= 1/4',
                'histogram took_seconds{job="shop",code="200"}',
            ),
        ),
        (
            {
                "latency": {
                    "success": {"metric": 'took_ms_bucket{le="250"}'},
                    "total": {"metric": "took_ms_count"},
                }
            },
            ("good", 'selector took_ms_bucket{le="250"}', "selector took_ms_count"),
        ),
        (
            {"latencyNative": {"latency": "200ms", "total": {"metric": 'took_seconds{job="shop"}'}}},
            (
                "good",
                'query histogram_fraction(0, 0.2, sum(increase(took_seconds{job="shop"}[{{.window}}])))'
                ' * histogram_count(sum(increase(took_seconds{job="shop"}[{{.window}}])))',
                'query histogram_count(sum(increase(took_seconds{job="shop"}[{{.window}}])))',
            ),
        ),
        (
            {"bool_gauge": {"metric": 'up{job="shop"}'}},
            ("good", 'samples up{job="shop"}', 'samples up{job="shop"}'),
        ),
    ],
)
def test_every_kind_of_indicator(tmp_path: Path, indicator: Any, pair: tuple[str, str, str]) -> None:
    """Buckets in seconds become a threshold, others are chosen by their label; gauges are samples."""
    assert shown_pair(imported(tmp_path, "pyrra", with_indicator(**indicator)).objective) == pair


def test_a_list_is_as_kubectl_prints_it(tmp_path: Path) -> None:
    """Each item is an objective, whatever the API server added to it."""
    added = {"creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [{"fieldsV1": {"f:spec": {}}}]}
    items = [changed(GOOD, "metadata", to={"name": f"slo-{number}", **added}) for number in (1, 2)]
    got = imported(tmp_path, "pyrra", {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})
    assert [(each.name, each.service) for each in got.objectives] == [("slo-1", "slo-1"), ("slo-2", "slo-2")]


@pytest.mark.parametrize(
    ("written", "window"), [("1d12h", "36h"), ("1y", "365d"), ("90m", "90m"), ("2w", "2w"), ("1w1d", "8d")]
)
def test_windows_are_of_the_same_length(tmp_path: Path, written: str, window: str) -> None:
    """Prometheus' durations in OpenSLO's units."""
    assert imported(tmp_path, "pyrra", changed(GOOD, "spec", "window", to=written)).objective.window == window


@pytest.mark.parametrize(
    "metric", ["requests_total offset 5m", "sum(rate(requests_total[5m]))", '{job="shop"}']
)
def test_what_is_no_selector_is_left_out(tmp_path: Path, metric: str) -> None:
    """Pyrra wants a bare selector; anything else it would refuse too."""
    content = changed(GOOD, "spec", "indicator", "ratio", "total", "metric", to=metric)
    assert "is no selector of one metric" in imported(tmp_path, "pyrra", content).said("error")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("kind",), "ServiceLevelIndicator", "'ServiceLevelIndicator' is not ServiceLevelObjective"),
        (("spec", "window"), "30s", "no whole number of minutes"),
        (("spec", "window"), "0d", "no whole number of minutes"),
        (("spec", "window"), "a month", "is no duration"),
        (("spec", "window"), "2y", "is more than a year"),
        (("spec", "target"), "99,9", "is not a plain number"),
        (("spec", "targets"), "99.9", "no field of that name"),
        (("spec", "indicator"), {}, "exactly one of ratio, latency, latencyNative, bool_gauge"),
        (("spec", "indicator", "ratio", "errors"), {"query": "x"}, "no field of that name"),
    ],
)
def test_mistakes_carry_their_line(tmp_path: Path, path: tuple[Any, ...], value: Any, said: str) -> None:
    """File and line of what is wrong."""
    with pytest.raises(InvalidInput, match=said) as caught:
        imported(tmp_path, "pyrra", changed(GOOD, *path, to=value))
    assert caught.value.message.startswith(f"{tmp_path / 'pyrra.yaml'}:")


def test_a_second_window_is_refused(tmp_path: Path) -> None:
    """The file has its window: --window would say something else."""
    with pytest.raises(InvalidInput, match="the file names its window"):
        imported(tmp_path, "pyrra", GOOD, window="7d")


@given(st.tuples(st.integers(0, 40), st.integers(0, 80), st.integers(0, 99), st.integers(0, 99)).filter(any))
def test_no_window_changes_its_length(amounts: tuple[int, ...]) -> None:
    """Whatever weeks, days, hours and minutes it has, OpenSLO's one unit says as many seconds."""
    text = "".join(f"{amount}{unit}" for amount, unit in zip(amounts, "wdhm", strict=True) if amount)
    document = documents.Document("slo.yaml", Node(text, 1, text))
    written = duration(Field.of(document))
    seconds = sum(
        amount * unit_s for amount, unit_s in zip(amounts, (604_800, 86_400, 3600, 60), strict=True)
    )
    assert seconds_of(Field.of(documents.Document("slo.yaml", Node(written, 1, written)))) == seconds
