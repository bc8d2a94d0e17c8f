"""How much of a phase may not be what the phase is about.

Phases are cut at readings, and a reading may lie a scrape, or an outage of the page, away from the fault's begin or
end. What was counted from cut to cut is exact, but healthy events beside the fault dilute its failures. Of a step
that reaches over an end it is not known which events came on which side, so its good ones may all lie outside, and
its bad ones inside. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slochaos.measurement.findings import Span, Step
from slochaos.wording import count, seconds

_WORTH_SAYING = 0.2
"""The share of a phase's events outside from which on it is said: readings are always a little beside the fault."""


@dataclass(frozen=True)
class Asked:
    """What a phase is about: from `begin` to `end` (instants).

    `usual_per_s`: events per second without the fault, infinite where that is not known. No more than that comes
    before a fault. After one, waiting clients catch up at any pace, so that it limits nothing there, unless nothing
    failed: then there is no failure that could be diluted.
    """

    begin: float
    end: float
    usual_per_s: float = math.inf


@dataclass(frozen=True)
class Narrowed:
    """Steps whose totals go as low as what certainly was in the phase, and the sentence that says so, if any."""

    steps: list[Step]
    note: str = ""


def narrow(steps: Sequence[Step], asked: Asked) -> Narrowed:
    """Take from the lower ends of the totals what may lie outside of what was asked for."""
    leads = [_good(step) if step.before.started < asked.begin else 0.0 for step in steps]
    tails = [_good(step) if step.after.finished > asked.end else 0.0 for step in steps]
    lead_s = max((asked.begin - step.before.started for step in steps), default=0.0)
    tail_s = max((step.after.finished - asked.end for step in steps), default=0.0)
    leads = _at_most(leads, asked.usual_per_s, lead_s)
    if not any(step.bad.high for step in steps):
        tails = _at_most(tails, asked.usual_per_s, tail_s)
    outside = [min(lead + tail, _good(step)) for step, lead, tail in zip(steps, leads, tails, strict=True)]
    narrowed = [_without(step, lost) if lost else step for step, lost in zip(steps, outside, strict=True)]
    return Narrowed(narrowed, _note(sum(outside), sum(step.total.point for step in steps), lead_s, tail_s))


def _good(step: Step) -> float:
    return max(step.total.point - step.bad.point, 0.0)


def _at_most(events: list[float], per_s: float, duration_s: float) -> list[float]:
    """The events, scaled down to what comes in that time: two standard deviations of a Poisson count beyond it."""
    usual = max(per_s * duration_s, 0.0) if duration_s > 0 else 0.0
    most, found = usual + 2 * math.sqrt(usual), sum(events)
    return [each * most / found for each in events] if found > most else events


def _without(step: Step, lost: float) -> Step:
    low = max(step.total.low - lost, min(step.total.low, step.bad.low), 0.0)
    return step._replace(total=Span(low, step.total.point, step.total.high))


def _note(outside: float, total: float, lead_s: float, tail_s: float) -> str:
    if outside < _WORTH_SAYING * total or not outside:
        return ""
    sides = [f"{seconds(lead_s)} before its begin"] if lead_s > 0 else []
    sides += [f"{seconds(tail_s)} after its end"] if tail_s > 0 else []
    return (
        f"up to {count(math.floor(outside))} of {count(round(total))} events may lie outside the phase, whose readings "
        f"are {' and '.join(sides)} (the cost includes them)"
    )
