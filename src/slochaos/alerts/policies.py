"""An SLO's own alert policies (OpenSLO's AlertPolicy), in place of the burn rates that its window would give.

They are exported as they are written: one condition over one lookback, which has to last for a while. Whom they name is
shown and not routed to: routes go by severity, in the environment's words.
"""

from __future__ import annotations

from slochaos.alerts import promql
from slochaos.alerts.alarms import BURN_ALERT, Alarms, Message
from slochaos.alerts.recording import BURN
from slochaos.alerts.rules import Alert, template_text
from slochaos.alerts.windows import LEAST_SCRAPES
from slochaos.spec.alerting import Severity
from slochaos.spec.alerts import AlertCondition, AlertPolicy
from slochaos.spec.objectives import Objective

_OPERATORS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_PAGING = {"page", "critical", "high", "error", "sev1", "p1"}


def usable(objective: Objective, unit_s: int) -> tuple[tuple[AlertPolicy, ...], tuple[str, ...]]:
    """The policies that can alert, and why others cannot. `unit_s`: a scrape or a slice, whichever is longer."""
    kept, left_out = [], []
    for policy in objective.alerts:
        reason = _useless(policy.condition, objective, unit_s)
        if reason:
            left_out.append(f"alert policy {policy.name} is left out: {reason}")
        else:
            kept.append(policy)
    return tuple(kept), tuple(left_out)


def policy_alert(alarms: Alarms, policy: AlertPolicy) -> Alert:
    """The alert of one policy. Few bad events alert nobody, as everywhere, if it is about too many of them."""
    condition = policy.condition
    too_many = condition.operator in ("gt", "gte")
    series = alarms.identity.series(BURN, condition.lookback_s)
    conditions = [
        f"{series} {_OPERATORS[condition.operator]} {promql.number(condition.threshold)}",
        *(alarms.enough(condition.lookback_s) if too_many else ()),
    ]
    people = ", ".join(f"{target.name} ({target.target})" for target in policy.targets)
    said = condition.description or policy.description or f"Alert policy {policy.name}."
    message = Message(
        severity_of(condition),
        "burn",
        f"{{{{ $value | humanize }}}} times as many bad events as allowed in the last {condition.lookback}",
        template_text(f"{said} (severity {condition.severity}, for {people})"),
    )
    window = promql.duration(condition.lookback_s)
    return alarms.alert(
        BURN_ALERT, conditions, message, for_s=condition.after_s, window=window, policy=policy.name
    )


def severity_of(condition: AlertCondition) -> Severity:
    """Ours for any word of theirs; a burn below 1 is a ticket, whatever it is called."""
    word = condition.severity.lower()
    if condition.threshold < 1:
        return "warning"
    return "emergency" if word == "emergency" else "critical" if word in _PAGING else "warning"


def _useless(condition: AlertCondition, objective: Objective, unit_s: int) -> str:
    if not condition.can_hold(objective.allowed):
        wanted = f"{_OPERATORS[condition.operator]} {promql.number(condition.threshold)}"
        return f"a burn rate {wanted} cannot be, the largest is {promql.number(1 / objective.allowed)}"
    if condition.lookback_s < LEAST_SCRAPES * unit_s:
        least = promql.duration(LEAST_SCRAPES * unit_s)
        return f"its lookback {condition.lookback} is shorter than four scrapes or slices, {least}"
    return ""
