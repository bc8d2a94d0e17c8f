"""Where an objective's bad events come from, by labels: the dashboard's "top issues".

Whole series are told apart, so only indicators whose bad events are series of their own, or a difference of two
with the same labels, can answer; PromQL of a user's own cannot.
"""

from __future__ import annotations

from slochaos.alerts.steps import series_of
from slochaos.spec.objectives import Counter, Histogram, Indicator, Objective, Samples

TOP = 10
LOOKBACK = "1h"
PER_PROCESS = ("instance", "pod", "container", "node")
"""Labels that say which copy answered, not what was asked for."""


def top_contributors(objective: Objective) -> str:
    """PromQL: the most bad events of the last hour, by the labels of the application; empty if it cannot be said."""
    bad = _bad_series(objective.indicator)
    without = ", ".join(PER_PROCESS)
    return f"topk({TOP}, sum without ({without}) ({bad}) > 0)" if bad else ""


def _bad_series(indicator: Indicator) -> str:
    part, total = indicator.part, indicator.total
    if isinstance(part, Samples) and isinstance(total, Samples):
        ones, all_ = (f"{name}_over_time({series_of(part)}[{LOOKBACK}])" for name in ("sum", "count"))
        return ones if indicator.bad is not None else f"{all_} - {ones}"
    if isinstance(part, Counter) and indicator.bad is not None:
        return _increase(part)
    if isinstance(part, Counter) and isinstance(total, Counter) and part.selector.name == total.selector.name:
        return f"{_increase(total)} unless {_increase(part)}"
    if isinstance(part, Histogram) and isinstance(total, Histogram) and part.at_most is not None:
        return f"{_increase(total)} - ignoring(le) {_increase(part)}"
    return ""


def _increase(metric: Counter | Histogram) -> str:
    return f"increase({series_of(metric)}[{LOOKBACK}])"
