"""`slochaos validate` as a user runs it: folders, lints, profiles, machine-readable answers, a real server."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.slochaos_command import Shell
from tests.known_targets import KnownTargets
from tests.prometheus_servers import Binaries, scrape_job, start_prometheus


def metric(**spec: Any) -> dict[str, Any]:
    return {"metricSource": {"type": "prometheus", "spec": spec}}


def slo(name: str, good: dict[str, Any], total: dict[str, Any], **spec: Any) -> dict[str, Any]:
    ratio = {"good": metric(**good), "total": metric(**total)}
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": name},
        "spec": {
            "service": "shop",
            "budgetingMethod": "Occurrences",
            "timeWindow": [{"duration": "7d", "isRolling": True}],
            "indicator": {"metadata": {"name": name}, "spec": {"ratioMetric": ratio}},
            "objectives": [{"target": 0.999}],
            **spec,
        },
    }


SUCCESS = slo(
    "success",
    {"selector": 'requests_total{job="shop",code=~"2.."}'},
    {"selector": 'requests_total{job="shop"}'},
)


def write(folder: Path, name: str, *documents: Any) -> None:
    (folder / name).write_text(yaml.safe_dump_all(documents))


def alert(threshold: float, look_back: str) -> dict[str, Any]:
    condition = {
        "kind": "AlertCondition",
        "metadata": {"name": "fast"},
        "spec": {
            "severity": "page",
            "condition": {
                "kind": "burnrate",
                "op": "gte",
                "threshold": threshold,
                "lookbackWindow": look_back,
            },
        },
    }
    target = {"kind": "AlertNotificationTarget", "metadata": {"name": "us"}, "spec": {"target": "slack"}}
    return {
        "kind": "AlertPolicy",
        "metadata": {"name": "burns"},
        "spec": {
            "alertWhenBreaching": True,
            "conditions": [condition],
            "notificationTargets": [target],
        },
    }


def test_the_example_has_one_doubt(example: Shell) -> None:
    """The SLO document's 2xx / total counts 4xx as failures: said with its line, and no reason to fail."""
    answer = example.slochaos("validate", "environments", "experiments", "toxics", "--environment", "local")
    assert (answer.code, answer.err) == (0, "")
    assert "environments/agentmesh.slos.yaml: SLO document, valid" in answer.out
    assert (
        "environments/agentmesh.slos.yaml:52: api-success-rate: 4xx responses count as failures" in answer.out
    )
    assert answer.out.count("(warning: ") == 1


def test_a_burn_rate_that_cannot_be_reached_is_an_error(shell: Shell) -> None:
    """1001 times as fast as a 99.9 % objective allows is more than everything."""
    write(
        shell.folder,
        "x.yaml",
        slo("a", {"selector": "g"}, {"selector": "t"}, alertPolicies=[alert(1001, "1h")]),
    )
    answer = shell.slochaos("validate", "x.yaml", "--format", "json")
    assert answer.code == 2
    (finding,) = answer.document["findings"]
    assert (finding["rule"], finding["severity"]) == ("burn-unreachable", "error")
    assert finding["line"] > 1
    sarif = shell.slochaos("validate", "x.yaml", "--format", "sarif").document
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["burn-unreachable"]


def test_published_documents_pass_leniently(shell: Shell) -> None:
    """`op` on a ratio: an error by the specification's own rules, a warning on request."""
    write(
        shell.folder,
        "x.yaml",
        {**SUCCESS, "spec": {**SUCCESS["spec"], "objectives": [{"target": 0.9, "op": "gt"}]}},
    )
    strict = shell.slochaos("validate", "x.yaml")
    assert strict.code == 2
    assert "spec.objectives[0].op: belongs to a thresholdMetric" in strict.err
    lenient = shell.slochaos("validate", "x.yaml", "--profile", "lenient")
    assert (lenient.code, lenient.err) == (0, "")
    assert "(warning: openslo-lenient)" in lenient.out


def test_what_only_the_server_knows(
    shell: Shell, targets: KnownTargets, prometheus_binaries: Binaries, tmp_path: Path
) -> None:
    """A bucket that is missing, a window of two scrapes, the share of 4xx: with --prometheus only."""
    page = targets.add("shop", started=time.time())
    for code in ("200", "404"):
        page.count("requests_total", 0, code=code)
    page.observe("latency_seconds", 0.05)
    slow = slo(
        "latency", {"histogram": "latency_seconds", "at_most": "250ms"}, {"histogram": "latency_seconds"}
    )
    slow["spec"]["alertPolicies"] = [alert(14, "1m")]
    write(shell.folder, "x.yaml", SUCCESS, slow)
    jobs = [
        scrape_job("shop", [targets.address], metrics_path="/shop/metrics"),
        scrape_job("rare", [targets.address], every="20s", metrics_path="/shop/metrics"),
    ]
    server = start_prometheus(prometheus_binaries, tmp_path / "prometheus", jobs)
    try:
        server.wait_for('requests_total{job="shop"} == 0')
        page.count("requests_total", 90, code="200")
        page.count("requests_total", 10, code="404")
        server.wait_for('requests_total{job="shop",code="404"} == 10')
        time.sleep(1.2)  # a scrape that brackets the count
        answer = shell.slochaos("validate", "x.yaml", "--prometheus", server.url, "--format", "json")
    finally:
        server.end()
    assert answer.code == 0, answer.err
    said = {each["rule"]: each["message"] for each in answer.document["findings"]}
    assert len(said) == len(answer.document["findings"])
    assert "no bucket at 0.25 s, the nearest are 0.1 and 0.3" in said["bucket-missing"]
    assert "1m holds 3 readings at one each 20s" in said["few-scrapes"]
    assert "10 % of the last day's requests" in said["client-errors-counted"]


def test_a_server_that_does_not_answer_is_an_error_of_the_source(shell: Shell) -> None:
    """Asked for explicitly, a server that is not there is 7, not a clean bill."""
    write(shell.folder, "x.yaml", SUCCESS)
    answer = shell.slochaos("validate", "x.yaml", "--prometheus", "http://127.0.0.1:9")
    assert answer.code == 7
    assert "127.0.0.1:9" in answer.err
