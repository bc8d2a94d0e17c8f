"""`export alertmanager`: who is told of which alert, by severity, and who if nobody answers.

Our routes hang below one that takes only alerts of this environment, so that they can be pasted into a
configuration that exists. Times are Alertmanager's own: a level of escalation is a route whose `group_wait` is the
time that the levels before it have to answer. What was resolved by then, or silenced, is never sent to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slochaos.alerts.exported import Exported
from slochaos.alerts.yaml_text import yaml_text
from slochaos.errors import InvalidInput
from slochaos.spec.alerting import SEVERITIES, Alerting, Email, Severity, Slack
from slochaos.spec.durations import format_duration
from slochaos.spec.environment import Environment

NOBODY = "nobody"
ESCALATED: Severity = "critical"
"""The least severity that is escalated."""
FIRST_WAIT_S = 30
"""How long alerts of one objective are collected before the first message."""

_TITLE = (
    "[{{ .Status | toUpper }}] {{ .CommonLabels.severity }}: "
    "{{ .CommonLabels.slo }} ({{ .CommonLabels.environment }})"
)
_TEXT = (
    "{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.description }}\n"
    "{{ with .Annotations.runbook_url }}{{ . }}\n{{ end }}{{ end }}"
)


def alertmanager_config(environment: Environment) -> Exported:
    """A whole configuration file. Raises InvalidInput where the environment routes alerts to nobody."""
    alerting = environment.alerts
    receivers = dict(_receivers(alerting))
    if not receivers:
        raise InvalidInput(
            f"{environment.path} routes alerts to nobody",
            hint="add 'alerts' with 'slack', 'pagerduty', 'email', 'status_page' or 'escalation'",
        )
    config: dict[str, Any] = {
        "route": {
            "receiver": NOBODY,
            "routes": [
                {
                    "receiver": NOBODY,
                    "matchers": [f'environment="{environment.name}"', 'concern=~"burn|budget|data"'],
                    "group_by": ["environment", "slo", "concern"],
                    "group_wait": f"{FIRST_WAIT_S}s",
                    "group_interval": "5m",
                    "repeat_interval": "4h",
                    "routes": list(_routes(alerting)),
                }
            ],
        },
        "inhibit_rules": _inhibitions(environment.name),
        "receivers": [{"name": NOBODY}, *({"name": name, **how} for name, how in receivers.items())],
    }
    return Exported(yaml_text(config, _head(environment)))


def _head(environment: Environment) -> tuple[str, ...]:
    return (
        f"Routes for the alerts of the environment {environment.name}, written by `slochaos export alertmanager`.",
        "Files named below hold secrets on Alertmanager's own host. Change the environment and export again.",
        "Alertmanager knows no acknowledgement: to stop an escalation, silence the alert. PagerDuty's policy knows: see"
        " `slochaos export terraform`.",
    )


def _routes(alerting: Alerting) -> Iterator[dict[str, Any]]:
    """One route for each way to tell somebody, each going on to the next; then the levels in their order."""
    ways = {
        "slack": alerting.slack,
        "pagerduty": alerting.pagerduty,
        "stakeholders": alerting.email if alerting.email and alerting.email.to else None,
        "status-page": alerting.status_page,
    }
    for name, way in ways.items():
        if way is not None:
            yield {"receiver": name, "matchers": [_at_least(way.at_least)], "continue": True}
    elapsed_s = 0
    for place, level in enumerate(alerting.escalation, start=1):
        if level.email:
            yield {
                "receiver": _level_name(place),
                "matchers": [_at_least(ESCALATED)],
                "group_wait": format_duration(max(elapsed_s, FIRST_WAIT_S)),
                "continue": True,
            }
        elapsed_s += level.answers_within_s


def _receivers(alerting: Alerting) -> Iterator[tuple[str, dict[str, Any]]]:
    if alerting.slack is not None:
        yield "slack", {"slack_configs": _slack(alerting.slack)}
    if alerting.pagerduty is not None:
        url = {"url": alerting.pagerduty.url} if alerting.pagerduty.url else {}
        key = {"routing_key_file": alerting.pagerduty.routing_key_file, "description": _TITLE}
        yield "pagerduty", {"pagerduty_configs": [{**key, **url}]}
    if alerting.email is not None and alerting.email.to:
        yield "stakeholders", {"email_configs": _emails(alerting.email, alerting.email.to)}
    if alerting.status_page is not None:
        token = alerting.status_page.token_file
        login = {"http_config": {"authorization": {"credentials_file": token}}} if token else {}
        yield "status-page", {"webhook_configs": [{"url": alerting.status_page.url, **login}]}
    for place, level in enumerate(alerting.escalation, start=1):
        if level.email and alerting.email is not None:
            yield _level_name(place), {"email_configs": _emails(alerting.email, level.email)}


def _slack(slack: Slack) -> list[dict[str, Any]]:
    return [
        {
            "api_url_file": slack.webhook_file,
            "channel": channel,
            "send_resolved": True,
            "title": _TITLE,
            "text": _TEXT,
        }
        for channel in slack.channels
    ]


def _emails(server: Email, to: tuple[str, ...]) -> list[dict[str, Any]]:
    login = {"auth_username": server.user, "auth_password_file": server.password_file} if server.user else {}
    return [
        {
            "to": address,
            "from": server.sender,
            "smarthost": server.smarthost,
            "require_tls": server.require_tls,
            **login,
            "send_resolved": True,
            "headers": {"Subject": _TITLE},
            "text": _TEXT,
        }
        for address in to
    ]


def _level_name(place: int) -> str:
    return f"level-{place}"


def _at_least(severity: Severity) -> str:
    return f'severity=~"{"|".join(SEVERITIES[SEVERITIES.index(severity) :])}"'


def _inhibitions(environment: str) -> list[dict[str, Any]]:
    """A worse alert of the same objective and concern silences the milder ones.

    Never across concerns: a budget stays spent for days, and must not hide the next outage.
    """
    same = ["environment", "slo", "concern"]
    return [
        {
            "source_matchers": [f'environment="{environment}"', f'severity="{worse}"'],
            "target_matchers": [f'environment="{environment}"', f'severity=~"{"|".join(milder)}"'],
            "equal": same,
        }
        for worse, milder in (("emergency", SEVERITIES[:2]), ("critical", SEVERITIES[:1]))
    ]
