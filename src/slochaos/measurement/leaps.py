"""A counter that leaps: so many events between two readings that hardly any traffic explains them. Pure.

It may be a burst, so that nothing is taken from the count: people are told, who know what their system can do. Only
budgets do without it: no window is filled at the rate of one step.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from slochaos.measurement.counting import Counting
from slochaos.measurement.findings import Step
from slochaos.measurement.phases import Cut, History
from slochaos.spec.objectives import Objective
from slochaos.wording import count, seconds

_TIMES_USUAL = 100
_FEWEST_EVENTS = 1000
_SHORTEST_STEP_S = 0.01


@dataclass(frozen=True)
class Leap:
    """One step's events: as many as were `certain` of them, and a sentence on it."""

    certain: int
    sentence: str


def leap(objective: Objective, history: History, start: Cut, end: Cut) -> Leap | None:
    """The step whose rate is far above that of all others together; None where none is."""
    counting = Counting(objective, history, start)
    counting.advance(history, end)
    steps = [step for step in counting.steps() if step.total.point > 0]
    if len(steps) < 2:
        return None
    highest = max(steps, key=_rate)
    events = highest.total.point
    others = sum(step.total.point for step in steps) - events
    lasted_s = sum(_lasted(step) for step in steps) - _lasted(highest)
    times = _rate(highest) / (others / lasted_s)
    if events < _FEWEST_EVENTS or times < _TIMES_USUAL:
        return None
    sentence = (
        f"{objective.name} counted {count(round(events))} events within {seconds(_lasted(highest))} at"
        f" {highest.after.source}, {count(round(times))} times its rate in the rest of the run: a counter that leapt,"
        " or a series that appeared at a number, is no usual rate"
    )
    return Leap(math.ceil(highest.total.low), sentence)


def leaps(objectives: Iterable[Objective], history: History, start: Cut, end: Cut) -> dict[str, int]:
    """By objective how many events came in a leap for certain; without those that had none."""
    found = {each.name: leap(each, history, start, end) for each in objectives}
    return {name: each.certain for name, each in found.items() if each is not None}


def _lasted(step: Step) -> float:
    return max(step.after.started - step.before.started, _SHORTEST_STEP_S)


def _rate(step: Step) -> float:
    return step.total.point / _lasted(step)
