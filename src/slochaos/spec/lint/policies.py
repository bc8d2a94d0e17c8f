"""Alert policies that cannot do what they are for."""

from __future__ import annotations

from collections.abc import Iterator

from slochaos.spec.alerts import AlertPolicy
from slochaos.spec.composites import Composite
from slochaos.spec.durations import format_duration
from slochaos.spec.environment import Environment
from slochaos.spec.findings import Finding
from slochaos.spec.objectives import Objective
from slochaos.spec.openslo import Catalogue
from slochaos.wording import exact_percent

LEAST_SCRAPES = 4
"""Readings in a window, below which one lost scrape decides."""

Promise = Objective | Composite
"""What an alert policy watches."""

_WAKES = ("page", "critical", "sev1", "p1")


def promises(owner: Catalogue | Environment) -> tuple[Promise, ...]:
    """Objectives and composites."""
    return (*owner.objectives, *owner.composites)


def burn_unreachable(promise: Promise, policy: AlertPolicy) -> Iterator[Finding]:
    """`burn-unreachable`: a threshold above the burn rate of a complete outage."""
    condition = policy.condition
    if condition.can_hold(promise.allowed):
        return
    most = float(1 / promise.allowed)
    yield Finding.at(
        condition.where,
        "burn-unreachable",
        "error",
        f"{policy.name}: a burn rate of {float(condition.threshold):g} cannot be reached by {promise.name}: "
        f"if everything fails it is {most:.4g}, as {exact_percent(promise.allowed)} may fail",
        f"a threshold below {most:.4g}",
    )


def alert_reversed(policy: AlertPolicy) -> Iterator[Finding]:
    """`alert-reversed`: lt and lte hold while the burn rate is low."""
    operator = policy.condition.operator
    if operator in ("lt", "lte"):
        yield Finding.at(
            policy.condition.where,
            "alert-reversed",
            "warning",
            f"{policy.name}: 'op: {operator}' alerts while the burn rate is below the threshold",
            f"op: {'gte' if operator == 'lte' else 'gt'}",
        )


def alert_silent(policy: AlertPolicy) -> Iterator[Finding]:
    """`alert-silent`: all three alertWhen... are false, as they are where they are left out."""
    if not (policy.when_breaching or policy.when_resolved or policy.when_no_data):
        yield Finding.at(
            policy.where,
            "alert-silent",
            "warning",
            f"{policy.name}: no notification is ever sent: alertWhenBreaching, alertWhenResolved and "
            "alertWhenNoData are false",
            "alertWhenBreaching: true",
        )


def page_on_course(policy: AlertPolicy) -> Iterator[Finding]:
    """`page-on-course`: below 1 the budget outlasts its window: worth a ticket, not a call at night."""
    condition = policy.condition
    wakes = condition.severity.lower() in _WAKES
    if wakes and condition.operator in ("gt", "gte") and condition.threshold < 1:
        yield Finding.at(
            condition.where,
            "page-on-course",
            "warning",
            f"{policy.name}: at a burn rate of {float(condition.threshold):g} the budget outlasts its window, "
            f"and severity {condition.severity!r} wakes somebody",
            "severity: ticket, or a threshold above 1",
        )


def few_scrapes(policy: AlertPolicy, environment: Environment) -> Iterator[Finding]:
    """`few-scrapes`: the look-back window against the slowest page; servers are asked by the live lints."""
    every_s = max((page.every_s for page in environment.pages), default=0.0)
    yield from few_scrapes_at(policy, every_s)


def few_scrapes_at(policy: AlertPolicy, every_s: float) -> Iterator[Finding]:
    """The same for a known interval, in seconds."""
    condition = policy.condition
    if condition.lookback_s < LEAST_SCRAPES * every_s:
        yield Finding.at(
            condition.where,
            "few-scrapes",
            "warning",
            f"{policy.name}: {condition.lookback} holds {condition.lookback_s / every_s:.3g} readings at one each "
            f"{format_duration(every_s)}, so that one lost reading decides",
            f"lookbackWindow of at least {format_duration(LEAST_SCRAPES * every_s)}",
        )
