"""Alert policies of OpenSLO as values: a condition on the burn rate, and who is told (read by `openslo_alerts`)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Comparison = Literal["lte", "gte", "lt", "gt"]


@dataclass(frozen=True)
class AlertCondition:
    """True while the burn rate over the last `lookback_s` seconds compares with `threshold` as `operator` says.

    The condition has to last `after_s` seconds before it alerts. `severity` is any word.
    """

    name: str
    severity: str
    operator: Comparison
    threshold: Fraction
    lookback: str
    lookback_s: int
    after_s: int = 0
    display_name: str = ""
    description: str = ""
    where: str = ""

    def can_hold(self, allowed: Fraction) -> bool:
        """Whether any burn rate of an objective that allows this bad share satisfies it: the largest is 1 / allowed."""
        most = 1 / allowed
        if self.operator == "gte":
            return self.threshold <= most
        return self.threshold < most if self.operator == "gt" else True


@dataclass(frozen=True)
class NotificationTarget:
    """Who is told: `target` names the kind of receiver as the document does (slack, pagerduty, email, ...)."""

    name: str
    target: str
    display_name: str = ""
    description: str = ""
    where: str = ""


@dataclass(frozen=True)
class AlertPolicy:
    """One condition, and at least one target. What is told of: that it began, that it ended, that data is missing."""

    name: str
    condition: AlertCondition
    targets: tuple[NotificationTarget, ...]
    when_breaching: bool = False
    when_resolved: bool = False
    when_no_data: bool = False
    display_name: str = ""
    description: str = ""
    where: str = ""
