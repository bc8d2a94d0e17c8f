"""Alerts of one objective: a budget that burns fast, a budget that is consumed, and a silence.

Burn alerts look at what happens now, budget alerts at what is left of the window, and neither can tell anything without
events: silence has alerts of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from slochaos.alerts import promql
from slochaos.alerts.recording import BAD, BAD_STEP, BURN, CONSUMED, STEP, Identity
from slochaos.alerts.rules import Alert, template_text
from slochaos.alerts.steps import Steps
from slochaos.alerts.windows import Tier
from slochaos.spec.alerting import Alerting, Severity
from slochaos.wording import exact_percent, window_name

BURN_ALERT, BUDGET_ALERT = "ErrorBudgetBurn", "ErrorBudgetConsumed"
NO_DATA_ALERT, NO_EVENTS_ALERT = "ObjectiveNoData", "ObjectiveNoEvents"

CONSUMPTION: tuple[tuple[Fraction, Severity], ...] = (
    (Fraction(1, 2), "warning"),
    (Fraction(4, 5), "critical"),
    (Fraction(1), "emergency"),
)
"""The SLO document's alert thresholds: warning at 50 % of the budget, critical at 80 %, emergency at 100 %."""

SILENCE_S = 900
"""How long nothing may be heard of an objective before that is an alert: a deployment's restart is none."""
SILENT_STEPS = 3


@dataclass(frozen=True)
class Message:
    """What an alert says, in Prometheus' templates, and to whom: `concern` is burn, budget or data."""

    severity: Severity
    concern: str
    summary: str
    description: str


@dataclass(frozen=True)
class Alarms:
    """What makes the alerts of one objective."""

    identity: Identity
    steps: Steps
    alerting: Alerting

    def lasting(self) -> Iterator[Alert]:
        """Alerts on what is true whatever burns now: the budget consumed, and silence."""
        if self.identity.objective.calendar is None:
            for share, severity in CONSUMPTION:
                yield self._consumed(share, severity)
        yield from self._silence()

    def burn(self, tier: Tier) -> Alert:
        """The alert of one tier."""
        factor = promql.number(tier.factor)
        conditions = [
            f"{self.identity.series(BURN, tier.long_s)} > {factor}",
            f"{self.identity.series(BURN, tier.short_s)} > {factor}",
            *self.enough(tier.long_s),
        ]
        long, window_s = promql.duration(tier.long_s), self.identity.objective.window_s
        lasts = f'{{{{ printf "{window_s} / %f" $value | query | first | value | humanizeDuration }}}}'
        message = Message(
            tier.severity,
            "burn",
            f"{{{{ $value | humanize }}}} times too many bad events in the last {long}",
            f"Above {tier.name}: {exact_percent(tier.share)} of the error budget of the {window_name(window_s)} is "
            f"spent within {long}. At this rate the whole budget lasts {lasts}.",
        )
        return self.alert(BURN_ALERT, conditions, message, window=long)

    def _consumed(self, share: Fraction, severity: Severity) -> Alert:
        window_s, percent = self.identity.objective.window_s, promql.number(share * 100)
        conditions = [
            f"{self.identity.series(CONSUMED)} >= {promql.number(share)}",
            *self.enough(window_s),
        ]
        message = Message(
            severity,
            "budget",
            f"{{{{ $value | humanizePercentage }}}} of the error budget of the {window_name(window_s)} is consumed",
            f"At least {percent} % of the budget. It comes back as bad events leave the window.",
        )
        return self.alert(BUDGET_ALERT, conditions, message, consumed=f"{percent}%")

    def _silence(self) -> Iterator[Alert]:
        """Scrapes, rules or series that fail are no data; series that stand still are no events."""
        silence = promql.duration(max(SILENCE_S, SILENT_STEPS * self.steps.every_s))
        step, bad = self.identity.series(STEP), self.identity.series(BAD_STEP)
        unwatched = Message(
            "warning",
            "data",
            f"nothing was counted for {silence}: this objective is not watched",
            "Targets that are down, series that are gone or renamed, a histogram without the objective's bucket, or "
            "slices without any event.",
        )
        yield self.alert(NO_DATA_ALERT, [f"absent_over_time({bad}[{silence}])"], unwatched)
        if not self.identity.objective.in_slices:
            idle = Message(
                "warning",
                "data",
                f"no event for {silence}: this objective says nothing",
                "The metrics are there, but nothing happens: no traffic, or it does not arrive.",
            )
            nothing = f"sum_over_time({step}[{silence}]) == 0"
            seen = f"count_over_time({step}[{silence}]) >= {SILENT_STEPS}"
            yield self.alert(NO_EVENTS_ALERT, [nothing, seen], idle)

    def enough(self, window_s: int) -> list[str]:
        """At least so many bad events in the window: a handful is no trend. A slice is many events already."""
        if not self.steps.counts or self.identity.objective.in_slices:
            return []
        return [f"{self.identity.series(BAD, window_s)} >= {self.alerting.least_bad}"]

    def alert(
        self, name: str, conditions: Sequence[str], message: Message, *, for_s: int = 0, **labels: str
    ) -> Alert:
        """An alert with this objective's labels that fires while all conditions hold for `for_s` seconds."""
        identity = {key: template_text(value) for key, value in self.identity.labels.items()}
        shown = template_text(self.identity.objective.display_name)
        annotations = {"summary": f"{shown}: {message.summary}", "description": message.description}
        if self.alerting.runbook:
            annotations["runbook_url"] = template_text(self.alerting.runbook)
        return Alert(
            name,
            "\nand ignoring(window) ".join(conditions),
            {**identity, "severity": message.severity, "concern": message.concern, **labels},
            annotations,
            for_s,
        )
