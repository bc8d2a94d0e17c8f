"""Composites, calendar windows and slices of ratios in a run: measured, charged, and said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.e2e.small_system import SmallSystem, experiment

RUN = ("run", "experiments/down.json", "--environment", "shop", "--run-id", "kinds")
CALENDAR = {
    "duration": "1M",
    "calendar": {"startTime": "2024-01-01 00:00:00", "timeZone": "Europe/Berlin"},
}


def metric(selector: str) -> dict[str, Any]:
    return {"metricSource": {"type": "prometheus", "spec": {"selector": selector}}}


def indicator(name: str) -> dict[str, Any]:
    good, total = metric('orders_total{outcome="good"}'), metric("orders_total")
    return {"metadata": {"name": name}, "spec": {"ratioMetric": {"good": good, "total": total}}}


def slo(name: str, window: dict[str, Any], *objectives: dict[str, Any], **more: Any) -> dict[str, Any]:
    spec = {"service": "shop", "budgetingMethod": "Occurrences", "timeWindow": [window], **more}
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": name},
        "spec": {**spec, "objectives": list(objectives)},
    }


ROLLING = {"duration": "7d", "isRolling": True}
SLOS = [
    slo("monthly", CALENDAR, {"target": 0.999}, indicator=indicator("orders")),
    slo(
        "minutes",
        ROLLING,
        {"target": 0.99, "timeSliceWindow": "1m"},
        indicator=indicator("orders"),
        budgetingMethod="RatioTimeslices",
    ),
    slo(
        "checkout",
        ROLLING,
        {"displayName": "reads", "target": 0.99, "compositeWeight": 3, "indicator": indicator("reads")},
        {"displayName": "writes", "target": 0.999, "indicator": indicator("writes")},
    ),
]


def lay_out(system: SmallSystem, **objectives: Any) -> None:
    system.write("environments/shop.slos.json", SLOS)
    system.write("environments/shop.yaml", system.environment(slos=["shop.slos.json"]))
    system.write("experiments/down.json", experiment(objectives=objectives))


def test_a_run_measures_and_charges_every_kind(small_system: SmallSystem) -> None:
    """Each part of a composite is an objective; the month's budget comes back when the month ends."""
    lay_out(small_system, monthly={"cost": "5%"}, minutes={"cost": "5%", "hold": "99%"})
    answer = small_system.shell.slochaos(*RUN, "--format", "json")
    assert answer.code == 0, answer
    found = {each["name"]: each for each in answer.document["objectives"]}
    assert list(found) == ["monthly", "minutes", "checkout-reads", "checkout-writes"]
    assert [each["verdict"] for each in found.values()] == ["kept", "kept", "observed", "observed"]
    assert found["minutes"]["budgeting_method"] == "RatioTimeslices"
    assert found["minutes"]["phases"]["fault"]["total"] in (1, 2)
    refund = datetime.fromisoformat(found["monthly"]["charge"]["refund_complete"])
    assert refund.astimezone(UTC).hour in (22, 23)  # midnight in Berlin
    (checkout,) = answer.document["composites"]
    assert checkout["parts"] == {"checkout-reads": 0.75, "checkout-writes": 0.25}
    assert (checkout["target"], checkout["sli"], checkout["cost_percent"]) == ("99.225%", 1.0, 0.0)


def test_the_table_says_what_a_composite_came_to(small_system: SmallSystem) -> None:
    """Below the objectives, in a sentence."""
    lay_out(small_system)
    answer = small_system.shell.slochaos(*RUN)
    assert answer.code == 0, answer
    said = " ".join(answer.out.split())
    assert (
        "checkout (checkout-reads 75 %, checkout-writes 25 %): 100 % good during the fault, cost 0 %" in said
    )


def test_a_run_says_that_its_objectives_were_read_leniently(small_system: SmallSystem) -> None:
    """With `openslo: lenient` a published mistake is a note of the run; without, it is refused."""
    lay_out(small_system)
    mistaken = slo("monthly", CALENDAR, {"target": 0.999, "op": "gt"}, indicator=indicator("orders"))
    small_system.write("environments/shop.slos.json", [mistaken])
    strict = small_system.shell.slochaos(*RUN)
    assert (strict.code, "op: belongs to a thresholdMetric" in strict.err) == (2, True)
    lenient = small_system.environment(slos=["shop.slos.json"], openslo="lenient")
    small_system.write("environments/shop.yaml", lenient)
    answer = small_system.shell.slochaos(*RUN[:-1], "lenient", "--format", "json")
    assert answer.code == 0, answer
    assert any("OpenSLO was read leniently: 1 mistake" in note for note in answer.document["notes"])


def test_a_rule_for_a_composite_names_its_parts(small_system: SmallSystem) -> None:
    """Rules are for what is counted; the message says what these are."""
    lay_out(small_system, checkout={"cost": "5%"})
    answer = small_system.shell.slochaos(*RUN)
    assert answer.code == 2
    assert "'checkout' is a composite" in answer.err
    assert "name its parts: checkout-reads, checkout-writes" in answer.err
    assert small_system.untouched()
