"""The exported routes in a real Alertmanager, and the whole way from a counter to a message."""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from slochaos.alerts.alertmanager import alertmanager_config
from slochaos.alerts.prometheus import prometheus_rules
from slochaos.spec.alerting import Alerting, Email, Level, PagerDuty, Slack, StatusPage
from slochaos.spec.environment import Environment
from tests.alert_receivers import Receivers, receivers
from tests.exported_rules import production, with_objectives
from tests.known_targets import KnownTargets
from tests.prometheus_servers import (
    Binaries,
    ServerProcess,
    scrape_job,
    start_alertmanager,
    start_prometheus,
)

API = {"environment": "production", "slo": "api-success-rate", "concern": "burn"}
BUDGET = {**API, "concern": "budget"}


@pytest.fixture
def listening() -> Iterator[Receivers]:
    """Where all messages of a test arrive."""
    with receivers() as servers:
        yield servers


def telling(listening: Receivers, folder: Path, chosen: Environment) -> Environment:
    """The environment with receivers on loopback; secrets are in files, as always."""
    webhook, key = folder / "slack-webhook", folder / "pagerduty-key"
    webhook.write_text(listening.url("slack"))
    key.write_text("k" * 32)
    alerts = Alerting(
        scrape_s=1,
        slack=Slack(str(webhook), ("#alerts", "#devops")),
        pagerduty=PagerDuty(str(key), listening.url("pagerduty")),
        email=Email(listening.smarthost, "alerts@shop.example", ("boss@shop.example",), require_tls=False),
        status_page=StatusPage(listening.url("status")),
        escalation=(
            Level("On-call engineer", 300, ("oncall@shop.example",)),
            Level("Engineering manager", 900, ("manager@shop.example",)),
            Level("CTO", 1800, ("cto@shop.example",)),
        ),
    )
    return replace(chosen, alerts=alerts)


def impatient(chosen: Environment, level_wait_s: int) -> Any:
    """The exported configuration, with seconds in place of its minutes."""
    config = yaml.safe_load(alertmanager_config(chosen).text)
    ours = config["route"]["routes"][0]
    ours.update(group_wait="0s", group_interval="1s")
    for place, route in enumerate(each for each in ours["routes"] if "group_wait" in each):
        route["group_wait"] = f"{place * level_wait_s}s"
    return config


def send(alertmanager: ServerProcess, labels: dict[str, str], *, ends: str = "") -> None:
    """One alert, as Prometheus would send it; `ends`: an RFC 3339 time in the past if it is resolved."""
    alert = {"labels": {"alertname": "ErrorBudgetBurn", **labels}, **({"endsAt": ends} if ends else {})}
    connection = http.client.HTTPConnection("127.0.0.1", alertmanager.port, timeout=30)
    connection.request("POST", "/api/v2/alerts", json.dumps([alert]), {"Content-Type": "application/json"})
    assert connection.getresponse().status == 200
    connection.close()


@pytest.fixture
def alertmanager(
    alertmanager_binaries: Binaries, tmp_path: Path, listening: Receivers
) -> Iterator[ServerProcess]:
    """An Alertmanager with the exported routes; a level waits two seconds longer than the one before it."""
    config = impatient(telling(listening, tmp_path, production()), level_wait_s=2)
    server = start_alertmanager(alertmanager_binaries, tmp_path / "alertmanager", config)
    try:
        yield server
    finally:
        server.end()


def test_amtool_takes_the_configuration(prometheus_binaries: Binaries, tmp_path: Path) -> None:
    """Of the example's production environment, exactly as it is exported."""
    path = tmp_path / "alertmanager.yaml"
    path.write_text(alertmanager_config(production()).text)

    amtool = str(prometheus_binaries.path("amtool"))
    checked = subprocess.run([amtool, "check-config", str(path)], capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "8 receivers" in checked.stdout


@pytest.mark.parametrize(
    ("labels", "receivers_told"),
    [
        ({**API, "severity": "warning"}, "slack"),
        ({**API, "severity": "critical"}, "slack,pagerduty,level-1,level-2,level-3"),
        (
            {**BUDGET, "severity": "emergency"},
            "slack,pagerduty,stakeholders,status-page,level-1,level-2,level-3",
        ),
        ({**API, "severity": "critical", "environment": "preview"}, "nobody"),
        ({"severity": "critical", "environment": "production"}, "nobody"),
    ],
)
def test_each_severity_has_its_receivers(
    prometheus_binaries: Binaries, tmp_path: Path, labels: dict[str, str], receivers_told: str
) -> None:
    """By amtool's own word; alerts of another environment, or not ours, go to nobody."""
    path = tmp_path / "alertmanager.yaml"
    path.write_text(alertmanager_config(production()).text)
    pairs = [f"{name}={value}" for name, value in labels.items()]

    command = [str(prometheus_binaries.path("amtool")), "config", "routes", "test", f"--config.file={path}"]
    routed = subprocess.run([*command, *pairs], capture_output=True, text=True, check=True)

    assert routed.stdout.strip() == receivers_told


def test_an_emergency_reaches_everybody(alertmanager: ServerProcess, listening: Receivers) -> None:
    """Both channels, PagerDuty with the key of its file, stakeholders, the status page, and the first level."""
    send(alertmanager, {**BUDGET, "severity": "emergency"})

    listening.wait_for("slack", containing="#alerts")
    listening.wait_for("slack", containing="#devops")
    listening.wait_for("pagerduty", containing="k" * 32)
    listening.wait_for("mail:boss@shop.example", "mail:oncall@shop.example", "status")


def test_a_level_is_told_only_of_what_lasts(alertmanager: ServerProcess, listening: Receivers) -> None:
    """What was resolved while the first level had time to answer never reaches the second; what goes on does."""
    send(alertmanager, {**API, "severity": "critical", "slo": "short"})
    listening.wait_for("mail:oncall@shop.example", containing="short")
    send(alertmanager, {**API, "severity": "critical", "slo": "short"}, ends="2020-01-01T00:00:00Z")
    send(alertmanager, {**API, "severity": "critical", "slo": "lasting"})

    listening.wait_for("mail:manager@shop.example", "mail:cto@shop.example", containing="lasting")

    assert not listening.at("mail:manager@shop.example", containing="short")
    assert not listening.at("mail:cto@shop.example", containing="short")


def test_a_spent_budget_does_not_hide_the_next_outage(
    alertmanager: ServerProcess, listening: Receivers
) -> None:
    """The milder budget alert is silenced by the worse one, the burn of the same objective is not."""
    send(alertmanager, {**BUDGET, "severity": "emergency"})
    listening.wait_for("slack", containing="emergency")
    send(alertmanager, {**BUDGET, "severity": "warning"})
    send(alertmanager, {**API, "severity": "warning", "window": "1h"})

    listening.wait_for("slack", containing="warning")
    alerts = alertmanager.get("/api/v2/alerts")
    states = {(a["labels"]["concern"], a["labels"]["severity"]): a["status"]["state"] for a in alerts}

    assert states["budget", "warning"] == "suppressed"
    assert states["burn", "warning"] == states["budget", "emergency"] == "active"


def test_from_a_failed_request_to_a_page(
    alertmanager_binaries: Binaries, tmp_path: Path, listening: Receivers, targets: KnownTargets
) -> None:
    """A real Prometheus with the exported rules scrapes an API that fails, and PagerDuty hears of it."""
    api = targets.add("api")
    hour = replace(production("api-success-rate").objectives[0], window_s=3600, target=Fraction(999, 1000))
    chosen = telling(listening, tmp_path, with_objectives(production(), hour))
    rules = tmp_path / "rules.yaml"
    rules.write_text(prometheus_rules(chosen).text)
    manager = start_alertmanager(alertmanager_binaries, tmp_path / "am", impatient(chosen, level_wait_s=1))
    try:
        job = dict(scrape_job("api", []), static_configs=[targets.entry("api")])
        alerting = {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{manager.port}"]}]}]}
        api.count("http_requests_total", 1000, code="200")
        api.count("http_requests_total", 0, code="500")
        prometheus = start_prometheus(
            alertmanager_binaries, tmp_path / "prometheus", [job], rule_files=[str(rules)], alerting=alerting
        )
        try:
            prometheus.wait_for('http_requests_total{code="500"}')
            api.count("http_requests_total", 1000, code="500")
            listening.wait_for("pagerduty", containing="api-success-rate")
        finally:
            prometheus.end()
    finally:
        manager.end()

    page = listening.at("pagerduty")[0].body
    assert page["event_action"] == "trigger"
    assert "critical" in page["payload"]["summary"]
