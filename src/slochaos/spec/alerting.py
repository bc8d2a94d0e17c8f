"""Who hears of an environment's alerts: its `alerts` section.

Values only; `slochaos.alerts` makes rules, routes and an escalation policy of them. Secrets are named as files on the
host that sends the alerts, in Alertmanager's own words (`*_file`): no value of one is ever read here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from slochaos.errors import InvalidInput
from slochaos.spec.endpoints import host_port, http_url
from slochaos.spec.fields import Field
from slochaos.spec.nodes import quoted

Severity = Literal["warning", "critical", "emergency"]
SEVERITIES: tuple[Severity, ...] = ("warning", "critical", "emergency")
"""Least first. A ticket is a warning, a page is critical; an emergency is a spent budget."""

FAULT_MARK = "slochaos_fault_until_timestamp_seconds"
"""The metric that runs push to `pushgateway`, and dashboards show: until when a fault is in force.

Labels: environment, experiment, run, fault.
"""

_ADDRESS = re.compile(r"[^@\s,<>]{1,64}@[^@\s,<>]{1,255}")


@dataclass(frozen=True)
class Slack:
    """Channels of one workspace, by an incoming webhook whose URL is a secret."""

    webhook_file: str
    channels: tuple[str, ...]
    at_least: Severity = "warning"


@dataclass(frozen=True)
class PagerDuty:
    """One service of PagerDuty, by its Events API v2. `url` differs in the EU region; empty is the default one."""

    routing_key_file: str
    url: str = ""
    at_least: Severity = "critical"


@dataclass(frozen=True)
class Email:
    """The mail server of every e-mail, and who gets those that no escalation level gets. `user` may be empty."""

    smarthost: str
    sender: str
    to: tuple[str, ...] = ()
    user: str = ""
    password_file: str = ""
    require_tls: bool = True
    at_least: Severity = "emergency"


@dataclass(frozen=True)
class StatusPage:
    """A webhook that gets Alertmanager's own JSON. `token_file`: a bearer token."""

    url: str
    token_file: str = ""
    at_least: Severity = "emergency"


@dataclass(frozen=True)
class Level:
    """One level of escalation, and how long it has to answer before the next one is told.

    `email` is for Alertmanager, which knows no answer but a silence. `schedule` (a schedule's name) or `user` (an
    e-mail address) is for PagerDuty, which knows who acknowledged.
    """

    name: str
    answers_within_s: int
    email: tuple[str, ...] = ()
    schedule: str = ""
    user: str = ""


@dataclass(frozen=True)
class Alerting:
    """The `alerts` section; what is absent is not routed to.

    `scrape_s`: the longest scrape interval of the metrics that objectives count. `least_bad`: fewer bad events than
    that alert nobody, whatever their share. `runbook`: the URL that alerts link to. `pushgateway`: where runs say
    which faults are in force.
    """

    scrape_s: int = 15
    least_bad: int = 10
    runbook: str = ""
    pushgateway: str = ""
    slack: Slack | None = None
    pagerduty: PagerDuty | None = None
    email: Email | None = None
    status_page: StatusPage | None = None
    escalation: tuple[Level, ...] = ()


def read_alerting(field: Field) -> Alerting:
    """Raises InvalidInput."""
    section = field.section(
        optional=(
            "scrape_interval",
            "minimum_bad_events",
            "runbook",
            "pushgateway",
            "slack",
            "pagerduty",
            "email",
            "status_page",
            "escalation",
        )
    )
    levels = tuple(_level(each) for each in section.items("escalation"))
    email = section.get("email", _email, None)
    if email is None and any(level.email for level in levels):
        raise section["escalation"].error("has e-mail addresses, but there is no mail server", "add 'email'")
    return Alerting(
        # Longer intervals are stale at once: Prometheus looks back five minutes for the last sample.
        scrape_s=section.get("scrape_interval", lambda each: _whole_seconds(each, 1, 120), Alerting.scrape_s),
        least_bad=section.get(
            "minimum_bad_events", lambda each: each.whole(1, 1_000_000), Alerting.least_bad
        ),
        runbook=section.get("runbook", lambda each: each.parsed(http_url), ""),
        pushgateway=section.get("pushgateway", lambda each: each.parsed(http_url), ""),
        slack=section.get("slack", _slack, None),
        pagerduty=section.get("pagerduty", _pagerduty, None),
        email=email,
        status_page=section.get("status_page", _status_page, None),
        escalation=levels,
    )


def _slack(field: Field) -> Slack:
    section = field.section(required=("webhook_file", "channels"), optional=("at_least",))
    channels = tuple(each.text() for each in section["channels"].items())
    if not channels:
        raise section["channels"].error("is empty", 'such as ["#alerts"]')
    return Slack(section["webhook_file"].text(), channels, section.get("at_least", _severity, Slack.at_least))


def _pagerduty(field: Field) -> PagerDuty:
    section = field.section(required=("routing_key_file",), optional=("url", "at_least"))
    return PagerDuty(
        section["routing_key_file"].text(),
        section.get("url", lambda each: each.parsed(http_url), ""),
        section.get("at_least", _severity, PagerDuty.at_least),
    )


def _email(field: Field) -> Email:
    section = field.section(
        required=("smarthost", "from"), optional=("to", "user", "password_file", "require_tls", "at_least")
    )
    if ("user" in section) != ("password_file" in section):
        raise field.error("needs both of 'user' and 'password_file', or none")
    return Email(
        smarthost=section["smarthost"].parsed(host_port),
        sender=section["from"].parsed(_address),
        to=section.get("to", _addresses, ()),
        user=section.get("user", Field.text, ""),
        password_file=section.get("password_file", Field.text, ""),
        require_tls=section.get("require_tls", Field.flag, Email.require_tls),
        at_least=section.get("at_least", _severity, Email.at_least),
    )


def _status_page(field: Field) -> StatusPage:
    section = field.section(required=("url",), optional=("token_file", "at_least"))
    return StatusPage(
        section["url"].parsed(http_url),
        section.get("token_file", Field.text, ""),
        section.get("at_least", _severity, StatusPage.at_least),
    )


def _level(field: Field) -> Level:
    section = field.section(required=("level", "answers_within"), optional=("email", "schedule", "user"))
    if "schedule" in section and "user" in section:
        raise section["user"].error("goes with no 'schedule'", "PagerDuty calls one or the other")
    seconds = _whole_seconds(section["answers_within"], 60, 86_400)
    if seconds % 60:
        raise section["answers_within"].error("has to be whole minutes", "PagerDuty counts in minutes")
    return Level(
        name=section["level"].text(),
        answers_within_s=seconds,
        email=section.get("email", _addresses, ()),
        schedule=section.get("schedule", Field.text, ""),
        user=section.get("user", lambda each: each.parsed(_address), ""),
    )


def _severity(field: Field) -> Severity:
    return cast("Severity", field.one_of(*SEVERITIES))


def _whole_seconds(field: Field, least: int, most: int) -> int:
    seconds = field.seconds(least=least, most=most)
    if seconds != int(seconds):
        raise field.error("has to be whole seconds")
    return int(seconds)


def _addresses(field: Field) -> tuple[str, ...]:
    return tuple(each.parsed(_address) for each in field.items())


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise InvalidInput(
            f"{quoted(text)} is no e-mail address", hint="one address, such as oncall@shop.example"
        )
    return text
