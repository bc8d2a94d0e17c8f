"""Each lint finds what it is for, and is silent about its nearest sound neighbour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from slochaos import faults
from slochaos.spec import experiment as experiments
from slochaos.spec import toxics
from slochaos.spec.admission import admit
from slochaos.spec.checking import resolved
from slochaos.spec.findings import Finding
from slochaos.spec.lint import lint_catalogue, lint_environment, lint_experiment, lint_toxic
from slochaos.spec.lint.rules import RULES
from tests.unit.spec.test_openslo_kinds import ALERTED, CONDITION, POLICY, TARGET, check
from tests.unit.spec.writing import (
    GOOD_ENVIRONMENT,
    GOOD_EXPERIMENT,
    GOOD_SLO,
    SLOW,
    changed,
    holds,
    metric,
    write,
    write_project,
)

RATIO = ("spec", "indicator", "spec", "ratioMetric")
HYPOTHESIS = ("steady-state-hypothesis", "probes")


def rules(findings: Sequence[Finding], rule: str) -> list[Finding]:
    assert {finding.rule for finding in findings} <= RULES.keys()
    return [finding for finding in findings if finding.rule == rule]


def of_slo(folder: Path, *objects: Any) -> list[Finding]:
    found = check(folder, *objects)
    assert not found.errors
    return list(lint_catalogue(found))


def of_experiment(folder: Path, experiment: Any, environment: Any = None) -> list[Finding]:
    paths = write_project(folder, experiment, environment)
    system = resolved(paths[1])
    admitted = admit(experiments.load(paths[0], describe=faults.traits), system)
    return [*lint_environment(system), *lint_experiment(admitted, system)]


def described(text: str, target: float = 0.999) -> Any:
    return changed(
        changed(GOOD_SLO, "spec", "description", to=text), "spec", "objectives", to=[{"target": target}]
    )


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("Error Budget: 0.1% (8.64 minutes per day)", 0.999),
        ("Error Budget: 0.05% (5.04 minutes per day)", 0.9995),
        ("The budget is 43 minutes.", 0.999),
        ("Downtime of up to 1 hour is fine", 0.999),
        ("5.04 min/day", 0.9995),
        ("43.2 minutes a week", 0.999),
    ],
)
def test_minutes_that_the_target_does_not_allow(tmp_path: Path, text: str, target: float) -> None:
    """The SLO document's 8.64 and 5.04 are found, with what the target does allow."""
    (found,) = rules(of_slo(tmp_path, described(text, target)), "minutes-disagree")
    daily = "1.44 minutes a day and 10.08 minutes a week" if target == 0.999 else "0.72 minutes a day"
    assert daily in found.message


@pytest.mark.parametrize(
    "text",
    [
        "Error Budget: 0.1% (1.44 minutes per day)",
        "10.08 min a week",
        "The budget is 10 minutes.",
        "Budget: 604.8 s",
        "43.2 minutes per month, 8.76 hours per year",
        "p95 over the last 5 minutes, checked every 30 s",
        "The budget is small. Alerts come after 5 minutes.",
        "99.9 % of 1000 m",
        "The budget is for answers within 300 ms over 7 months.",
    ],
)
def test_right_minutes_and_other_times_are_left_alone(tmp_path: Path, text: str) -> None:
    """Rounded as written, for the window or a period; times that are no budget do not matter."""
    assert not rules(of_slo(tmp_path, described(text)), "minutes-disagree")


@pytest.mark.parametrize(
    ("part", "selector", "counted"),
    [
        ("good", 'http_requests_total{job="api",code=~"2.."}', True),
        ("good", 'http_requests_total{job="api",code="200"}', True),
        ("good", 'http_requests_total{job="api",code!~"5.."}', False),
        ("good", 'http_requests_total{job="api",outcome="ok"}', False),
        ("bad", 'http_requests_total{job="api",status=~"4..|5.."}', True),
        ("bad", 'http_requests_total{job="api",status=~"5.."}', False),
    ],
)
def test_client_errors_as_failures(tmp_path: Path, part: str, selector: str, counted: bool) -> None:
    """2xx / total counts 404 as a failure, and so does 4.. among the bad."""
    slo = changed(GOOD_SLO, *RATIO, "good", drop=True)
    slo = changed(slo, *RATIO, part, to=metric(selector=selector))
    assert bool(rules(of_slo(tmp_path, slo), "client-errors-counted")) == counted


@pytest.mark.parametrize(
    ("selector", "severity"),
    [
        ('http_duration_seconds{code=~"2.."}', None),
        ('http_duration_seconds{code=~".*"}', "warning"),
        ("http_duration_seconds", "warning"),
        ("job_seconds", "note"),
    ],
)
def test_fast_failures_as_good_latency(tmp_path: Path, selector: str, severity: str | None) -> None:
    """A latency objective has to say that failures do not count."""
    name = selector.partition("{")[0]
    slo = changed(GOOD_SLO, *RATIO, "good", to=metric(histogram=selector, at_most="0.3s"))
    slo = changed(slo, *RATIO, "total", to=metric(histogram=name))
    found = rules(of_slo(tmp_path, slo), "fast-failures-counted")
    assert [finding.severity for finding in found] == ([severity] if severity else [])


def alerted(**condition: Any) -> tuple[Any, ...]:
    changes = {**CONDITION["spec"]["condition"], **condition}
    return ALERTED, POLICY, TARGET, changed(CONDITION, "spec", "condition", to=changes)


@pytest.mark.parametrize(
    ("condition", "rule"),
    [
        ({"threshold": 1000, "op": "gt"}, "burn-unreachable"),
        ({"threshold": 1001}, "burn-unreachable"),
        ({"op": "lte"}, "alert-reversed"),
        ({"threshold": 0.98}, "page-on-course"),
    ],
)
def test_alerts_that_cannot_do_their_duty(tmp_path: Path, condition: Any, rule: str) -> None:
    """Each is found at the condition's line; the sound policy has no finding."""
    (found,) = rules(of_slo(tmp_path, *alerted(**condition)), rule)
    assert found.line > 0
    assert found.severity == ("error" if rule == "burn-unreachable" else "warning")
    sound = of_slo(tmp_path, *alerted(threshold=1000))
    assert {finding.rule for finding in sound} == {"client-errors-counted"}


def test_a_policy_that_tells_nobody(tmp_path: Path) -> None:
    """All three of alertWhen... are false where they are left out."""
    silent = changed(POLICY, "spec", "alertWhenBreaching", drop=True)
    assert rules(of_slo(tmp_path, ALERTED, silent, CONDITION, TARGET), "alert-silent")


def test_a_window_of_few_readings(tmp_path: Path) -> None:
    """Three readings in a look-back window are too few, four are enough."""
    slow = changed(GOOD_ENVIRONMENT, "sources", 0, "every", to="20s")
    for look_back, found in (("1m", True), ("2m", False)):
        write_project(tmp_path)
        for number, each in enumerate(alerted(lookbackWindow=look_back)):
            write(tmp_path / "environments/slos" / f"{number}.yaml", each)
        path = write(tmp_path / "environments/staging.yaml", changed(slow, "slos", to=["slos"]))
        assert bool(rules(list(lint_environment(resolved(path))), "few-scrapes")) == found


def test_a_fault_that_nothing_can_see(tmp_path: Path) -> None:
    """Sources read less often than twice in a fault, queries over a longer range, slices that stay good."""
    assert not rules(of_experiment(tmp_path, GOOD_EXPERIMENT), "window-blind")
    slow = changed(GOOD_ENVIRONMENT, "sources", 0, "every", to="15s")
    (found,) = rules(of_experiment(tmp_path, GOOD_EXPERIMENT, slow), "window-blind")
    assert "lasts 20s and may not be seen: sources are read each 15s" in found.message
    short = changed(GOOD_SLO, "spec", "budgetingMethod", to="Timeslices")
    sliced = changed(
        short, "spec", "objectives", to=[{"target": 0.9, "timeSliceTarget": 0.9, "timeSliceWindow": "5m"}]
    )
    write_project(tmp_path)
    path = write(tmp_path / "environments/shop.slos.yaml", sliced)
    system = resolved(tmp_path / "environments/staging.yaml")
    admitted = admit(experiments.load(tmp_path / "experiments/outage.json", describe=faults.traits), system)
    (found,) = rules(list(lint_experiment(admitted, system)), "window-blind")
    assert "a slice of api-success stays good with 30s of failures" in found.message
    write(
        path,
        changed(
            changed(GOOD_SLO, *RATIO, "good", to=metric(query="sum(rate(a[5m]))")),
            *RATIO,
            "total",
            to=metric(query="sum(rate(b[5m]))"),
        ),
    )
    system = resolved(tmp_path / "environments/staging.yaml")
    (found,) = rules(list(lint_experiment(admitted, system)), "window-blind")
    assert "api-success is a query over 5m" in found.message


def test_a_fault_too_short_for_an_alert(tmp_path: Path) -> None:
    """20 s of complete outage are a burn rate of 5.6 over an hour, below 13.44."""
    paths = write_project(tmp_path)
    write(tmp_path / "environments/shop.slos.yaml", list(alerted()))
    system = resolved(paths[1])
    admitted = admit(experiments.load(paths[0], describe=faults.traits), system)
    (found,) = rules(list(lint_experiment(admitted, system)), "alert-untested")
    assert "sees a burn rate of 5.56 over 1h" in found.message
    assert found.fix == "at least 48.384s, to see page alert"


@pytest.mark.parametrize(
    "experiment",
    [
        changed(changed(GOOD_EXPERIMENT, "extensions", drop=True), *HYPOTHESIS, to=[]),
        changed(GOOD_EXPERIMENT, "extensions", 0, "objectives", "api-success", to={"hold": "0%"}),
        changed(GOOD_EXPERIMENT, *HYPOTHESIS, 0, "tolerance", to=[True, False]),
        changed(GOOD_EXPERIMENT, *HYPOTHESIS, 0, "tolerance", to={"type": "regex", "pattern": ".*", "target": "body"}),
    ],
)  # fmt: skip
def test_what_nothing_can_refute(tmp_path: Path, experiment: Any) -> None:
    """No rule and no probe, a floor of 0 %, a tolerance that takes any answer."""
    path = write_project(tmp_path, experiment)[0]
    assert rules(list(lint_experiment(experiments.load(path, describe=faults.traits))), "hypothesis-vacuous")


@pytest.mark.parametrize(
    ("tolerance", "found"),
    [
        ([0.95, 1.0], "is content with 95 % of api-success, where 99 % has to hold"),
        (
            {"type": "range", "range": [0.9999, 1.0]},
            "asks for 99.99 % of api-success, whose target is 99.9 %",
        ),
        ([0.99, 1.0], ""),
    ],
)
def test_a_hypothesis_that_asks_for_something_else(tmp_path: Path, tolerance: Any, found: str) -> None:
    """Weaker than the rule, or stronger than the target."""
    probe = changed(changed(holds(), "provider", "func", to="good_ratio"), "tolerance", to=tolerance)
    experiment = changed(GOOD_EXPERIMENT, *HYPOTHESIS, 0, to=probe)
    disagreements = rules(of_experiment(tmp_path, experiment), "hypothesis-disagrees")
    assert [found in each.message for each in disagreements] == ([True] if found else [])


def test_a_share_of_a_small_pool(tmp_path: Path) -> None:
    """Half of the connections may be none of two in a quarter of the runs."""
    path = write(tmp_path / "toxics/slow.json", changed(SLOW, "toxics", 0, "toxicity", to=0.5))
    (found,) = rules(list(lint_toxic(toxics.load(path))), "toxicity-small-pool")
    assert "25 % of 2" in found.message
    assert found.line > 1
    assert not list(lint_toxic(toxics.load(write(tmp_path / "toxics/slow.json", SLOW))))
