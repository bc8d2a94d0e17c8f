"""OpenSLO documents are checked strictly and become objectives."""

from __future__ import annotations

import copy
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import InvalidInput
from slochaos.spec import openslo, selectors
from slochaos.spec.objectives import Counter, Histogram, Indicator, Objective, Query, Samples
from tests.unit.spec.writing import GOOD_SLO, SELECTOR, changed, line_of, metric, write, yaml_text

RATIO = ("spec", "indicator", "spec", "ratioMetric")
OBJECTIVE = ("spec", "objectives", 0)


def load(folder: Path, *objects: Any, **variables: str) -> tuple[Objective, ...]:
    path = write(folder / "x.slos.yaml", yaml_text(*objects))
    return openslo.load_objectives([path], variables)


def problem(folder: Path, *objects: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        load(folder, *objects)
    assert "x.slos.yaml:" in str(caught.value)
    return str(caught.value)


def slo(*path: str | int, to: Any = None, drop: bool = False) -> Any:
    return changed(GOOD_SLO, *path, to=to, drop=drop)


def test_an_slo_becomes_an_objective(tmp_path: Path) -> None:
    """Target, window, method and indicator arrive exactly as written."""
    found = load(tmp_path, GOOD_SLO)
    path = tmp_path / "x.slos.yaml"
    assert found == (
        Objective(
            name="api-success",
            display_name="API success",
            service="shop",
            target=Fraction(999, 1000),
            operator="lte",
            window_s=604_800,
            window="7d",
            method="Occurrences",
            indicator=Indicator(
                total=Counter(selectors.parse(SELECTOR)),
                good=Counter(selectors.parse('http_requests_total{job="api",code=~"2.."}')),
            ),
            where=f"{path}:{line_of(path, '- target')}",
        ),
    )


def test_a_file_is_an_object_a_list_documents_or_json(tmp_path: Path) -> None:
    """All four shapes of a file give the same objective."""
    other = slo("metadata", "name", to="other")
    shapes = [
        write(tmp_path / "a.json", GOOD_SLO),
        write(tmp_path / "b.yaml", [changed(GOOD_SLO, "metadata", "name", to="b"), other]),
    ]
    assert [o.name for o in openslo.load_objectives(shapes, {})] == ["api-success", "b", "other"]


def test_targets_are_exact(tmp_path: Path) -> None:
    """`targetPercent: 99.95` and a filled `${target}` are the fractions that they read as."""
    percent = changed(slo(*OBJECTIVE, "target", drop=True), *OBJECTIVE, "targetPercent", to=99.95)
    assert load(tmp_path, percent)[0].target == Fraction(1999, 2000)
    assert load(tmp_path, slo(*OBJECTIVE, "target", to="${target}"), target="0.9")[0].target == Fraction(
        9, 10
    )


def test_several_objectives_get_names_of_their_own(tmp_path: Path) -> None:
    """With several objectives, displayName or the number tells them apart."""
    several = slo("spec", "objectives", to=[{"target": 0.9, "displayName": "Most, fast"}, {"target": 0.5}])
    assert [o.name for o in load(tmp_path, several)] == ["api-success-most-fast", "api-success-2"]


def test_annotations_carry_what_openslo_cannot_say(tmp_path: Path) -> None:
    """`slochaos.dev/operator: lt` makes the comparison strict, `slochaos.dev/drain` replaces the drain."""
    noted = slo(
        "metadata",
        "annotations",
        to={"slochaos.dev/operator": "lt", "slochaos.dev/drain": "30s", "a.b/c": ""},
    )
    assert [(o.operator, o.drain_s) for o in load(tmp_path, noted)] == [("lt", 30.0)]


def test_timeslices(tmp_path: Path) -> None:
    """Slices have a length and a target of their own; a 0/1 gauge is counted by samples."""
    sliced = changed(GOOD_SLO, "spec", "budgetingMethod", to="Timeslices")
    sliced = changed(
        sliced, *OBJECTIVE, to={"target": 0.9995, "timeSliceTarget": 0.95, "timeSliceWindow": "1m"}
    )
    probe = metric(samples="probe_success")
    objective = load(tmp_path, changed(sliced, *RATIO, to={"counter": False, "good": probe, "total": probe}))[
        0
    ]
    assert (objective.slice_s, objective.slice_target) == (60, Fraction(19, 20))
    assert objective.indicator == Indicator(
        total=Samples(selectors.parse("probe_success")), good=Samples(selectors.parse("probe_success"))
    )


def test_latency_by_ratio_and_by_threshold(tmp_path: Path) -> None:
    """A bound in `at_most`, and one in the objective's `op` and `value`, give the same indicator."""
    ratio = slo(*RATIO, to={"good": metric(histogram="h", at_most="300ms"), "total": metric(histogram="h")})
    threshold = slo("spec", "indicator", "spec", to={"thresholdMetric": metric(histogram="h")})
    threshold = changed(threshold, *OBJECTIVE, to={"target": 0.95, "op": "lte", "value": 0.3})
    histogram = selectors.parse("h")
    expected = Indicator(total=Histogram(histogram), good=Histogram(histogram, Fraction(3, 10)))
    assert load(tmp_path, ratio)[0].indicator == load(tmp_path, threshold)[0].indicator == expected
    assert load(tmp_path, ratio)[0].threshold_s == Fraction(3, 10)


def test_references_across_files(tmp_path: Path) -> None:
    """An SLI and a DataSource may stand in other files than the SLO that names them."""
    referring = changed(slo("spec", "indicator", drop=True), "spec", "indicatorRef", to="success")
    total = {"metricSource": {"metricSourceRef": "prom", "spec": {"query": "sum(x)"}}}
    sli = {
        "apiVersion": "openslo/v1",
        "kind": "SLI",
        "metadata": {"name": "success"},
        "spec": {"ratioMetric": {"counter": True, "bad": total, "total": total}},
    }
    source = {
        "apiVersion": "openslo/v1",
        "kind": "DataSource",
        "metadata": {"name": "prom"},
        "spec": {"type": "Prometheus", "connectionDetails": {"url": "http://prometheus:9090"}},
    }
    paths = [write(tmp_path / f"{i}.yaml", each) for i, each in enumerate((referring, sli, source))]
    assert openslo.load_objectives(paths, {})[0].indicator == Indicator(
        total=Query("sum(x)"), bad=Query("sum(x)")
    )
    with pytest.raises(InvalidInput, match="there is no SLI 'success' in the given files"):
        openslo.load_objectives(paths[:1], {})
    with pytest.raises(InvalidInput, match="there is no DataSource 'prom' in the given files"):
        openslo.load_objectives(paths[:2], {})


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (slo("apiVersion", to="openslo/v2"), ":1: apiVersion: 'openslo/v2' is not openslo/v1"),
        (slo("kind", to="Slo"), ":2: kind: 'Slo' is no kind of OpenSLO\n  -> did you mean 'SLO'?"),
        (
            slo("spec", "objectivs", to=[]),
            "spec.objectivs: no field of that name\n  -> did you mean 'objectives'?",
        ),
        (slo("metadata", "name", to="API"), "metadata.name: 'API' is no name"),
        (slo("metadata", "name", to="a" * 64), "is no name"),
        (slo("metadata", "displayName", to="a" * 64), "has 64 characters, OpenSLO allows 63"),
        (slo("metadata", "labels", to={"-x": "y"}), "is no key of a label"),
        (slo("metadata", "labels", to={"x": 1}), "metadata.labels.x: is the number 1, has to be text"),
        (
            slo("metadata", "annotations", to={"slochaos.dev/opertor": "lt"}),
            "did you mean 'slochaos.dev/operator'?",
        ),
        (slo("metadata", "annotations", to={"slochaos.dev/operator": "<"}), "'<' is not one of lte, lt"),
        (slo("metadata", "annotations", to={"openslo.com/x": "y"}), "reserved by OpenSLO"),
        (slo("metadata", "annotations", to={"a/b/c": "y"}), "is no key of an annotation"),
        (slo("spec", "service", to=""), "spec.service: is empty"),
        (slo("spec", "service", drop=True), "spec: 'service' is missing"),
        (slo("spec", "budgetingMethod", to="occurrences"), "did you mean 'Occurrences'?"),
        (slo("spec", "budgetingMethod", to="RatioTimeslices"), "'timeSliceWindow' is missing"),
        (slo("spec", "timeWindow", to=[]), "has 0 entries, OpenSLO wants exactly one"),
        (
            slo("spec", "timeWindow", 0, to={"duration": "0d", "isRolling": True}),
            "'0d' is no duration of OpenSLO",
        ),
        (
            slo("spec", "timeWindow", 0, to={"duration": "7days", "isRolling": True}),
            "is no duration of OpenSLO",
        ),
        (slo("spec", "timeWindow", 0, to={"duration": "7d"}), "has no 'calendar' and does not roll"),
        (
            slo(
                "spec",
                "timeWindow",
                0,
                to={"duration": "1M", "calendar": {"startTime": "x", "timeZone": "UTC"}},
            ),
            "startTime: 'x' is no date with time",
        ),
        (slo("spec", "objectives", to=[]), "an SLO needs at least one objective"),
        (slo(*OBJECTIVE, "target", to=1), "1 is outside of 0 to 1 (1 excluded)"),
        (slo(*OBJECTIVE, "target", to=-0.1), "-0.1 is outside"),
        (slo(*OBJECTIVE, "target", to="0.9"), "is the text '0.9', has to be a plain number"),
        (slo(*OBJECTIVE, "target", to=1e-30), "is not a plain number"),
        (slo(*OBJECTIVE, "target", to=True), "is true, has to be a plain number"),
        (
            slo(*OBJECTIVE, "targetPercent", to=99),
            "exactly one of target, targetPercent, has target and targetPercent",
        ),
        (slo(*OBJECTIVE, "op", to="lte"), "objectives[0].op: belongs to a thresholdMetric"),
        (slo(*OBJECTIVE, "timeSliceTarget", to=0.9), "belongs to budgetingMethod: Timeslices"),
        (
            slo(*OBJECTIVE, "compositeWeight", to=1),
            "only several objectives with an indicator each make a composite",
        ),
        (slo(*OBJECTIVE, "indicatorRef", to="x"), "has an indicator, and so has the SLO"),
        (slo("spec", "indicator", drop=True), "exactly one of indicator, indicatorRef, has none"),
        (slo(*RATIO, "bad", to=metric(selector="x")), "exactly one of good, bad, has good and bad"),
        (slo(*RATIO, "raw", to=metric(selector="x")), "exactly one of total, raw"),
        (slo(*RATIO, "rawType", to="success"), "belongs to 'raw' only"),
        (slo(*RATIO, "counter", to=False), "is false, but selector and histogram read counters"),
        (slo(*RATIO, "counter", to="yes"), "has to be true or false"),
        (
            slo(*RATIO, to={"raw": metric(query="x"), "rawType": "success"}),
            "a raw ratio has no events to count",
        ),
        (
            slo(*RATIO, "good", to=metric(samples="x")),
            "does not count in the same way as 'total' (samples, selector)",
        ),
        (
            slo(*RATIO, "good", to=metric(selector="x", query="y")),
            "exactly one of selector, histogram, samples, query",
        ),
        (slo(*RATIO, "good", to=metric(queryString="y")), "spec: cannot be measured: has none of selector"),
        (slo(*RATIO, "good", to=metric(selector="x", at_most="1s")), "goes with 'histogram' only"),
        (slo(*RATIO, "good", to=metric(histogram="x", at_most="0s")), "has to be more than 0"),
        (slo(*RATIO, "good", to=metric(histogram="x", at_most=0.3)), "is the number 0.3, has to be text"),
        (slo(*RATIO, "good", to=metric(selector="sum(x)")), "selector: column 4: '(x)' is not expected here"),
        (
            slo(*RATIO, "good", to={"metricSource": {"spec": {"selector": "x"}}}),
            "needs 'metricSourceRef' or 'type'",
        ),
        (slo(*RATIO, "total", to=metric(histogram="x", at_most="1s")), "'at_most' belongs to 'good'"),
        (
            slo(*RATIO, to={"bad": metric(histogram="x", at_most="1s"), "total": metric(histogram="x")}),
            "counts good events, not bad ones",
        ),
        ([], "x"),
    ],
)
def test_each_mistake_has_its_message(tmp_path: Path, broken: Any, expected: str) -> None:
    """One wrong field, one message with file, line, path and what would be right."""
    if broken == []:
        assert load(tmp_path, []) == ()
        return
    assert expected in problem(tmp_path, broken)


@pytest.mark.parametrize(
    ("objective", "expected"),
    [
        ({"target": 0.95, "op": "lt", "value": 1}, "lt cannot be counted on buckets"),
        ({"target": 0.95, "op": "lte", "value": -1}, "has to be more than 0"),
        ({"target": 0.95, "op": "lte"}, "'value' is missing"),
        ({"target": 0.95, "value": 1}, "'op' is missing"),
    ],
)
def test_thresholds_need_op_and_value(tmp_path: Path, objective: Any, expected: str) -> None:
    """A threshold's bound stands in the objective, and buckets count `lte` only."""
    broken = slo("spec", "indicator", "spec", to={"thresholdMetric": metric(histogram="h")})
    assert expected in problem(tmp_path, changed(broken, *OBJECTIVE, to=objective))


def test_second_object_of_a_name(tmp_path: Path) -> None:
    """A name twice within a kind names both places."""
    assert "a second SLO named 'api-success', the first is at " in problem(
        tmp_path, GOOD_SLO, copy.deepcopy(GOOD_SLO)
    )
    twice = slo(
        "spec",
        "objectives",
        to=[{"target": 0.9, "displayName": "A b"}, {"target": 0.5, "displayName": "a B"}],
    )
    assert "a second objective named 'api-success-a-b'" in problem(tmp_path, twice)
