"""Alertmanager's configuration, read as YAML."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from slochaos.alerts.alertmanager import alertmanager_config
from slochaos.errors import InvalidInput
from slochaos.spec.alerting import Alerting
from slochaos.spec.environment import Environment
from tests.exported_rules import production


def config_of(chosen: Environment) -> Any:
    """The exported configuration."""
    return yaml.safe_load(alertmanager_config(chosen).text)


def routes_of(config: Any) -> dict[str, dict[str, Any]]:
    """Our routes by receiver."""
    return {route["receiver"]: route for route in config["route"]["routes"][0]["routes"]}


def test_only_alerts_of_this_environment_are_routed() -> None:
    """Everything else, of other environments and of other rules, goes to nobody: the routes can be pasted elsewhere."""
    config = config_of(production())

    assert config["route"]["receiver"] == "nobody"
    assert 'environment="production"' in config["route"]["routes"][0]["matchers"]
    assert config["receivers"][0] == {"name": "nobody"}


def test_severities_go_where_the_slo_document_says() -> None:
    """Slack for all, PagerDuty from critical on, e-mail and status page for an emergency."""
    routes = routes_of(config_of(production()))

    assert routes["slack"]["matchers"] == ['severity=~"warning|critical|emergency"']
    assert routes["pagerduty"]["matchers"] == ['severity=~"critical|emergency"']
    assert routes["stakeholders"]["matchers"] == ['severity=~"emergency"']
    assert routes["status-page"]["matchers"] == ['severity=~"emergency"']


def test_a_level_waits_as_long_as_those_before_it_have_to_answer() -> None:
    """On-call engineer at once, engineering manager after 5 minutes, CTO after 5 + 15."""
    routes = routes_of(config_of(production()))

    assert [routes[f"level-{place}"]["group_wait"] for place in (1, 2, 3)] == ["30s", "5m", "20m"]
    assert all(routes[f"level-{place}"]["continue"] for place in (1, 2, 3))


def test_secrets_are_named_and_never_written() -> None:
    """Every credential of every receiver is the name of a file."""
    text = alertmanager_config(production()).text

    for line in text.splitlines():
        key = line.strip(" -").partition(":")[0]
        assert key not in {"api_url", "routing_key", "service_key", "auth_password", "credentials"}, line
    assert "/etc/alertmanager/secrets/slack-webhook" in text


def test_a_spent_budget_hides_no_outage() -> None:
    """It stays spent for days: a worse alert silences milder ones of the same concern only."""
    for rule in config_of(production())["inhibit_rules"]:
        assert rule["equal"] == ["environment", "slo", "concern"]
        assert 'environment="production"' in rule["source_matchers"]


def test_an_environment_that_tells_nobody_is_refused() -> None:
    """A configuration without receivers would look as if it did something."""
    with pytest.raises(InvalidInput, match="routes alerts to nobody"):
        alertmanager_config(replace(production(), alerts=Alerting()))
