"""The `alerts` section of an environment."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import InvalidInput
from slochaos.spec import environment
from slochaos.spec.alerting import Alerting, Level
from slochaos.spec.environment import Environment
from tests.unit.spec.writing import write

GOOD: dict[str, Any] = {
    "scrape_interval": "30s",
    "minimum_bad_events": 5,
    "runbook": "https://runbooks.example/slo",
    "pushgateway": "http://pushgateway.example:9091",
    "slack": {"webhook_file": "/secrets/slack", "channels": ["#alerts", "#devops"]},
    "pagerduty": {"routing_key_file": "/secrets/pagerduty", "at_least": "emergency"},
    "email": {
        "smarthost": "smtp.example:587",
        "from": "alerts@shop.example",
        "user": "alerts",
        "password_file": "/secrets/smtp",
        "to": ["boss@shop.example"],
    },
    "status_page": {"url": "https://status.example/hook", "token_file": "/secrets/status"},
    "escalation": [
        {"level": "On call", "answers_within": "5m", "schedule": "Primary", "email": ["on@shop.example"]},
        {"level": "CTO", "answers_within": "30m", "user": "cto@shop.example"},
    ],
}


def load(folder: Path, alerts: Any) -> Environment:
    """An environment with this section."""
    file = environment.read(write(folder / "shop.yaml", {"alerts": alerts}))
    return environment.resolve(file, {}, {})


def broken(**changes: Any) -> dict[str, Any]:
    """The good section with changed parts; `slack__channels` is a field of a part."""
    section = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *parents, last = path.split("__")
        owner: Any = section
        for parent in parents:
            owner = owner[int(parent) if parent.isdigit() else parent]
        if value is None:
            del owner[last]
        else:
            owner[last] = value
    return section


def test_every_way_to_tell_somebody_is_read(tmp_path: Path) -> None:
    """Receivers, the least severity of each, and levels with their time to answer."""
    alerts = load(tmp_path, GOOD).alerts

    assert (alerts.scrape_s, alerts.least_bad) == (30, 5)
    assert alerts.pushgateway == "http://pushgateway.example:9091"
    assert alerts.slack is not None
    assert alerts.slack.channels == ("#alerts", "#devops")
    assert alerts.pagerduty is not None
    assert alerts.pagerduty.at_least == "emergency"
    assert alerts.email is not None
    assert alerts.email.require_tls
    assert alerts.status_page is not None
    assert alerts.escalation == (
        Level("On call", 300, ("on@shop.example",), schedule="Primary"),
        Level("CTO", 1800, user="cto@shop.example"),
    )


def test_without_the_section_nobody_is_told(tmp_path: Path) -> None:
    """The rules have their defaults all the same."""
    file = environment.read(write(tmp_path / "shop.yaml", {"slos": []}))

    assert environment.resolve(file, {}, {}).alerts == Alerting()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scrape_interval": "5m"}, "outside of 1s to 2m"),
        ({"scrape_interval": "1.5s"}, "whole seconds"),
        ({"minimum_bad_events": 0}, "outside of 1"),
        ({"runbook": "runbooks"}, "not an http"),
        ({"slack__channels": []}, "is empty"),
        ({"slack__webhook_url": "https://hooks.example/secret"}, "no field of that name"),
        ({"pagerduty__at_least": "page"}, "is not one of warning, critical, emergency"),
        ({"email__password_file": None}, "needs both of"),
        ({"email__to": ["nobody"]}, "no e-mail address"),
        ({"email__smarthost": "smtp.example"}, "not host:port"),
        ({"email": None}, "no mail server"),
        ({"status_page__url": "http://169.254.169.254/"}, "link-local"),
        ({"escalation__0__answers_within": "90s"}, "whole minutes"),
        ({"escalation__0__answers_within": "10s"}, "outside of 1m"),
        ({"escalation__0__user": "cto@shop.example"}, "goes with no 'schedule'"),
        ({"escalation__1__level": None}, "'level' is missing"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    """File, line, path, and what would be right."""
    with pytest.raises(InvalidInput, match=r"shop\.yaml:\d+: alerts") as refused:
        load(tmp_path, broken(**changes))

    assert message in str(refused.value)
