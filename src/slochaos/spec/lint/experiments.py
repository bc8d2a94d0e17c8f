"""Windows and faults that do not fit: too short to be seen, too short for an alert."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from slochaos.errors import InvalidInput
from slochaos.spec.durations import format_duration, parse_duration
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import Experiment, PlannedFault
from slochaos.spec.findings import Finding
from slochaos.spec.lint.policies import LEAST_SCRAPES, promises
from slochaos.spec.objectives import Objective, Query

_RANGE = re.compile(r"\[\s*([0-9a-z]+)\s*(?::[^\]]*)?\]")
_READINGS = 2


def few_scrapes_in_slice(objective: Objective, environment: Environment) -> Iterator[Finding]:
    """`few-scrapes`: a slice that is judged by one to three readings."""
    every_s = max((page.every_s for page in environment.pages), default=0.0)
    if objective.in_slices and objective.slice_s < LEAST_SCRAPES * every_s:
        yield Finding.at(
            objective.where,
            "few-scrapes",
            "warning",
            f"{objective.name}: slices of {format_duration(objective.slice_s)} hold "
            f"{objective.slice_s / every_s:.3g} readings at one each {format_duration(every_s)}",
            f"timeSliceWindow of at least {format_duration(LEAST_SCRAPES * every_s)}",
        )


def blind_to_fault(experiment: Experiment, environment: Environment) -> Iterator[Finding]:
    """`window-blind`: sources read too rarely, queries over too long, slices that the fault cannot spoil."""
    ruled = {rule.objective for rule in experiment.rules}
    every_s = max((page.every_s for page in environment.pages), default=0.0)
    for fault in [each for each in experiment.faults if each.kind != "nothing"]:
        if fault.duration_s < _READINGS * every_s:
            yield _blind(
                fault,
                f"sources are read each {format_duration(every_s)}",
                f"a fault of at least {format_duration(_READINGS * every_s)}",
            )
        for objective in environment.objectives:
            yield from _blind_query(fault, objective)
            if objective.name in ruled:
                yield from _blind_slice(fault, objective)


def alerts_stay_silent(experiment: Experiment, environment: Environment) -> Iterator[Finding]:
    """`alert-untested`: over the look-back window, a complete outage of the fault's length is too little."""
    longest = max(
        (fault for fault in experiment.faults if fault.kind != "nothing"),
        key=lambda each: each.duration_s,
        default=None,
    )
    for promise in promises(environment) if longest else ():
        for policy in promise.alerts:
            assert longest is not None
            condition = policy.condition
            share = min(Fraction(longest.duration_s) / condition.lookback_s, Fraction(1))
            if condition.operator in ("gt", "gte") and share / promise.allowed < condition.threshold:
                yield Finding.at(
                    longest.where,
                    "alert-untested",
                    "note",
                    f"{longest.name!r} lasts {format_duration(longest.duration_s)}: even if everything fails, "
                    f"{policy.name} sees a burn rate of {float(share / promise.allowed):.3g} over "
                    f"{condition.lookback} and stays silent below {float(condition.threshold):g}",
                    f"at least {format_duration(_needed(promise.allowed, condition.threshold, condition.lookback_s))}"
                    f", to see {policy.name} alert",
                )


def _needed(allowed: Fraction, threshold: Fraction, lookback_s: int) -> float:
    return float(allowed * threshold * lookback_s)


def _blind_query(fault: PlannedFault, objective: Objective) -> Iterator[Finding]:
    """A range selector averages the fault with what was before it."""
    texts = [m.text for m in (objective.indicator.part, objective.indicator.total) if isinstance(m, Query)]
    longest_s = max((_seconds(found) for text in texts for found in _RANGE.findall(text)), default=0.0)
    if longest_s > fault.duration_s:
        yield _blind(
            fault,
            f"{objective.name} is a query over {format_duration(longest_s)}",
            f"a selector, or a range of at most {format_duration(fault.duration_s)}",
        )


def _blind_slice(fault: PlannedFault, objective: Objective) -> Iterator[Finding]:
    """A slice stays good as long as no more of it fails than its target leaves."""
    tolerated_s = (1 - objective.slice_target) * objective.slice_s
    if objective.method == "Timeslices" and fault.duration_s <= tolerated_s:
        yield _blind(
            fault,
            f"a slice of {objective.name} stays good with {format_duration(float(tolerated_s))} of failures",
            f"a fault longer than {format_duration(float(tolerated_s))}",
        )


def _blind(fault: PlannedFault, why: str, fix: str) -> Finding:
    message = f"{fault.name!r} lasts {format_duration(fault.duration_s)} and may not be seen: {why}"
    return Finding.at(fault.where, "window-blind", "warning", message, fix)


def _seconds(text: str) -> float:
    """A range of PromQL; 0 for what is none of our durations (weeks, years, variables)."""
    try:
        return parse_duration(text)
    except InvalidInput:
        return 0.0
