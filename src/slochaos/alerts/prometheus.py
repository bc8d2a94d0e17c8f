"""`export prometheus-rules`: the rule file of an environment."""

from __future__ import annotations

from collections.abc import Iterator

from slochaos.alerts.alarms import Alarms
from slochaos.alerts.exported import Exported, watched
from slochaos.alerts.policies import policy_alert, usable
from slochaos.alerts.recording import STEP, Identity, recording_groups
from slochaos.alerts.rules import Alert, Group, rule_file
from slochaos.alerts.steps import Steps, steps_of
from slochaos.alerts.windows import tiers
from slochaos.spec.environment import Environment
from slochaos.spec.objectives import Objective

MOST_ALERT_EVERY_S = 60
"""Alerts are looked at once a minute at least, however long a slice is."""


def prometheus_rules(environment: Environment) -> Exported:
    """Recording rules and alerts for every objective. Raises InvalidInput without objectives."""
    groups: list[Group] = []
    notes: list[str] = []
    for objective in watched(environment):
        own, said = _rules(environment, objective)
        groups += own
        notes += [f"{objective.name}: {note}" for note in said]
    notes += [
        f"{each.name}: a composite has no rules of its own, its parts have" for each in environment.composites
    ]
    head = (
        f"Rules for the objectives of environment {environment.name}, written by `slochaos export prometheus-rules`.",
        "Change the environment or its SLO documents and export again; changes made here would be lost.",
        f"Metrics have to be scraped every {environment.alerts.scrape_s} s or more often.",
    )
    return Exported(rule_file(tuple(groups), (*head, *notes)), tuple(notes))


def _rules(environment: Environment, objective: Objective) -> tuple[list[Group], list[str]]:
    identity = Identity(environment.name, objective)
    scrape_s = environment.alerts.scrape_s
    steps = steps_of(objective, scrape_s, identity.series(STEP))
    alarms = Alarms(identity, steps, environment.alerts)
    burns, lookbacks_s, notes = _burns(alarms, max(steps.every_s, scrape_s))
    groups = [
        *recording_groups(identity, steps, lookbacks_s),
        Group(
            f"slochaos-{environment.name}-{objective.name}-alerts",
            min(steps.every_s, MOST_ALERT_EVERY_S),
            (*burns, *alarms.lasting()),
        ),
    ]
    return groups, [*notes, *_remarks(objective, steps, burns)]


def _burns(alarms: Alarms, unit_s: int) -> tuple[list[Alert], set[int], list[str]]:
    """Burn rate alerts, the windows that they look at, and why others were left out."""
    objective = alarms.identity.objective
    if objective.alerts:
        policies, notes = usable(objective, unit_s)
        lookbacks_s = {policy.condition.lookback_s for policy in policies}
        return [policy_alert(alarms, policy) for policy in policies], lookbacks_s, list(notes)
    kept, left_out = tiers(objective, unit_s)
    lookbacks_s = {tier.long_s for tier in kept} | {tier.short_s for tier in kept}
    said = [f"no alert on {each.tier.name}: {each.reason}" for each in left_out]
    return [alarms.burn(tier) for tier in kept], lookbacks_s, said


def _remarks(objective: Objective, steps: Steps, burns: list[Alert]) -> Iterator[str]:
    if not burns:
        yield "no burn rate alert at all; its other alerts stay"
    if objective.calendar is not None:
        yield "its budget starts anew with the calendar, which rules cannot follow: no alert on consumed budget"
    if not steps.counts:
        yield "counted by PromQL of your own: extrapolated, and without a least number of events (of unknown unit)"
