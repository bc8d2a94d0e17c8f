"""The rule file, read as YAML."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from slochaos.alerts.prometheus import prometheus_rules
from slochaos.errors import InvalidInput
from slochaos.spec.environment import Environment
from tests.exported_rules import production, with_objectives


def rules_of(chosen: Environment) -> list[dict[str, Any]]:
    """All rules of the exported file."""
    return [
        rule for group in yaml.safe_load(prometheus_rules(chosen).text)["groups"] for rule in group["rules"]
    ]


def test_names_from_an_slo_document_are_no_templates() -> None:
    """`{{ ... }}` in a name would be run by Prometheus, which could ask for anything that it stores."""
    chosen = production("api-success-rate")
    named = replace(chosen.objectives[0], display_name="{{ query `up` }}", service="{{ . }}")
    alerts = [rule for rule in rules_of(with_objectives(chosen, named)) if "alert" in rule]

    assert alerts
    for alert in alerts:
        assert alert["annotations"]["summary"].startswith('{{ "{{" }} query `up` }}: ')
        assert alert["labels"]["service"] == '{{ "{{" }} . }}'


def test_a_name_cannot_leave_the_comment_at_the_file_s_head() -> None:
    """A line break would let a document write rules of its own."""
    chosen = replace(production("api-success-rate"), name="x")
    calm = replace(chosen.objectives[0], name="a\ngroups: []", window_s=600)

    exported = prometheus_rules(with_objectives(chosen, calm))

    assert exported.notes
    assert len(yaml.safe_load(exported.text)["groups"]) == 3


def test_every_alert_says_how_bad_it_is_what_it_is_about_and_whom_it_concerns() -> None:
    """Routes go by these labels."""
    for rule in rules_of(production()):
        if "alert" in rule:
            assert {"environment", "slo", "service", "severity", "concern"} <= rule["labels"].keys()
            assert {"summary", "description"} <= rule["annotations"].keys()


def test_fewer_bad_events_than_the_least_number_alert_nobody() -> None:
    """The environment's `minimum_bad_events` stands in each burn and budget alert of counted events."""
    chosen = production("api-success-rate")
    few = replace(chosen, alerts=replace(chosen.alerts, least_bad=42))
    burning = [rule for rule in rules_of(few) if rule.get("labels", {}).get("concern") in ("burn", "budget")]

    assert burning
    assert all("slochaos:bad_events:sum" in rule["expr"] and ">= 42" in rule["expr"] for rule in burning)


def test_no_ratio_is_a_mean_of_ratios() -> None:
    """Burn rates are sums of events over sums of events: a quiet night weighs what its events do."""
    burn = [rule for rule in rules_of(production()) if rule.get("record") == "slochaos:burn_rate:ratio"]

    assert burn
    for rule in burn:
        assert "avg_over_time(slochaos:events:step" in rule["expr"]
        assert "over_time(slochaos:burn_rate" not in rule["expr"]
        assert rule["expr"].startswith("sum_over_time(slochaos:bad_events:step")


def test_what_was_left_out_is_said_in_the_file_and_beside_it() -> None:
    """A reader of the file misses nothing without a reason."""
    chosen = production("api-success-rate")
    loose = replace(chosen.objectives[0], target=chosen.objectives[0].target / 2)
    exported = prometheus_rules(with_objectives(chosen, loose))

    assert any("can never fire" in note for note in exported.notes)
    assert all(f"# {note}" in exported.text for note in exported.notes)


def test_an_environment_without_objectives_is_refused() -> None:
    """There is nothing to make rules of."""
    with pytest.raises(InvalidInput, match="names no objectives"):
        prometheus_rules(with_objectives(production()))
