"""Recording rules of one objective: events of each step, and what they make over each window.

| series | labels beside environment, slo, service | value |
| --- | --- | --- |
| `slochaos:bad_events:step`, `slochaos:events:step` | | events since the previous evaluation |
| `slochaos:bad_events:sum`, `slochaos:events:sum` | window | events in the window |
| `slochaos:burn_rate:ratio` | window | bad share over allowed share; absent without events |
| `slochaos:window_observed:ratio` | | share of the objective's window that was observed, 0-1 |
| `slochaos:budget_consumed:ratio` | | share of the window's budget that is consumed; above 1 when overspent |
| `slochaos:objective:target` | | the target, 0-1 |

For objectives about slices an event is a slice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from slochaos.alerts import promql
from slochaos.alerts.rules import Group, Recording
from slochaos.alerts.steps import Steps
from slochaos.spec.objectives import Objective

BAD_STEP, STEP = "slochaos:bad_events:step", "slochaos:events:step"
BAD, EVENTS = "slochaos:bad_events:sum", "slochaos:events:sum"
BURN = "slochaos:burn_rate:ratio"
OBSERVED = "slochaos:window_observed:ratio"
CONSUMED = "slochaos:budget_consumed:ratio"
TARGET = "slochaos:objective:target"

LONG_S = 86_400
LONG_EVERY_S = 120
"""Windows of a day and more are summed every two minutes: 7 days of 15 s are 40,000 samples, and what is older than
five minutes Prometheus calls stale."""


@dataclass(frozen=True)
class Identity:
    """The labels that tell one objective's series from all others'."""

    environment: str
    objective: Objective

    @property
    def labels(self) -> dict[str, str]:
        """Those of recorded series."""
        return {
            "environment": self.environment,
            "slo": self.objective.name,
            "service": self.objective.service,
        }

    def series(self, name: str, window_s: int | None = None) -> str:
        """A recorded series of this objective."""
        window = f',window="{promql.duration(window_s)}"' if window_s else ""
        return f'{name}{{environment="{self.environment}",slo="{self.objective.name}"{window}}}'


def recording_groups(identity: Identity, steps: Steps, windows_s: set[int]) -> tuple[Group, ...]:
    """`windows_s`: the lookbacks of alerts; the objective's own window is added.

    Steps come first and in a group of their own, since slices have their own pace.
    """
    objective = identity.objective
    name = f"slochaos-{identity.environment}-{objective.name}"
    wanted = sorted(windows_s | {objective.window_s})
    short = [window_s for window_s in wanted if window_s < LONG_S]
    long = [window_s for window_s in wanted if window_s >= LONG_S]
    pace_s = min(steps.every_s, LONG_EVERY_S)
    base = (
        Recording(STEP, steps.total, identity.labels),
        Recording(BAD_STEP, steps.bad, identity.labels),
        Recording(TARGET, f"vector({promql.number(objective.target)})", identity.labels),
    )
    budget = tuple(_budget(identity, steps))
    return tuple(
        group
        for group in (
            Group(f"{name}-steps", steps.every_s, base),
            Group(f"{name}-windows", pace_s, _windows(identity, steps, short) + (budget if not long else ())),
            Group(
                f"{name}-long-windows",
                LONG_EVERY_S,
                _windows(identity, steps, long) + (budget if long else ()),
            ),
        )
        if group.rules
    )


def _windows(identity: Identity, steps: Steps, windows_s: list[int]) -> tuple[Recording, ...]:
    return tuple(rule for window_s in windows_s for rule in _window(identity, steps, window_s))


def _window(identity: Identity, steps: Steps, window_s: int) -> Iterator[Recording]:
    """The burn rate is that of the whole window at the traffic observed.

    An hour after its first scrape, an outage has consumed a small part of a week's budget, and not as much as that hour
    alone would say: bad events over (mean events of a step x steps in the window). With the window full, that is bad
    events over events.
    """
    window = promql.duration(window_s)
    labels = {**identity.labels, "window": window}
    bad, events = f"{identity.series(BAD_STEP)}[{window}]", f"{identity.series(STEP)}[{window}]"
    yield Recording(BAD, f"sum_over_time({bad})", labels)
    yield Recording(EVENTS, f"sum_over_time({events})", labels)
    expected = f"avg_over_time({events}) * {window_s} / {steps.every_s}"
    allowed = promql.number(identity.objective.allowed)
    yield Recording(BURN, f"sum_over_time({bad}) / ({expected} > 0) / {allowed}", labels)


def _budget(identity: Identity, steps: Steps) -> Iterator[Recording]:
    """The burn rate over the objective's own window is the share of its budget that is consumed."""
    objective = identity.objective
    if objective.calendar is not None:  # rules know no "since the first of the month"
        return
    counted = f"count_over_time({identity.series(STEP)}[{promql.duration(objective.window_s)}])"
    observed = f"clamp_max({counted} * {steps.every_s} / {objective.window_s}, 1)"
    yield Recording(OBSERVED, observed, identity.labels)
    yield Recording(
        CONSUMED, f"sum without(window) ({identity.series(BURN, objective.window_s)})", identity.labels
    )
