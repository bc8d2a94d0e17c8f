"""The objectives as probes of a steady-state hypothesis, counted from the sources themselves."""

from __future__ import annotations

import time
from dataclasses import replace
from fractions import Fraction

from chaoslib.exceptions import ActivityFailed

from slochaos import clock
from slochaos.errors import SlochaosError
from slochaos.extension import session
from slochaos.measurement.counting import measure
from slochaos.measurement.phases import Cut, cut_after
from slochaos.measurement.sampler import Sampler
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.durations import parse_duration
from slochaos.spec.environment import Environment
from slochaos.spec.objectives import Objective
from slochaos.verdict.bounds import is_above

__all__ = ["good_ratio", "objective_holds"]

_SAMPLE_WITHIN_S = 5.0
_LOOK_S = 0.05


def objective_holds(objective: str, window: str = "3s", within: str = "0s") -> bool:
    """Whether the objective's target held over `window`, or does so at the latest after `within`.

    False when the bad share is shown (95 %) to be above what the target allows: a few events more or less
    are no deviation. Fails without data.
    """
    window_s, within_s = parse_duration(window), parse_duration(within)
    try:
        with _Meter(session.environment(), objective) as meter:
            until = clock.now() + within_s
            while True:
                if not _is_bad(meter.objective, meter.count_over(window_s)):
                    return True
                if clock.now() >= until:
                    return False
    except SlochaosError as error:
        raise ActivityFailed(str(error)) from error


def good_ratio(objective: str, window: str = "3s") -> float:
    """The share of good events, 0-1, over `window`. For a tolerance of your own. Fails without data."""
    try:
        with _Meter(session.environment(), objective) as meter:
            count = meter.count_over(parse_duration(window))
    except SlochaosError as error:
        raise ActivityFailed(str(error)) from error
    if count.sli is None:
        raise ActivityFailed(f"{objective}: no events in {window}")
    return count.sli


def _is_bad(objective: Objective, count: Count) -> bool:
    allowed: Fraction = objective.allowed
    if objective.method == "Timeslices":
        # A minute is bad when its share of good events is below the slice's target.
        allowed = 1 - objective.slice_target
    return is_above(min(int(count.bad), count.total), count.total, allowed)


class _Meter:
    """Samples the environment's sources for as long as a probe looks."""

    def __init__(self, environment: Environment, name: str) -> None:
        found = next((each for each in environment.objectives if each.name == name), None)
        if found is None:
            known = ", ".join(sorted(each.name for each in environment.objectives)) or "none"
            raise ActivityFailed(f"there is no objective {name!r} in {environment.name} (known: {known})")
        # A probe looks for seconds, not for slices: of slices of ratios it counts the events.
        self.objective = replace(found, method="Occurrences") if found.method == "RatioTimeslices" else found
        self._sampler = Sampler(environment)

    def __enter__(self) -> _Meter:
        self._sampler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._sampler.stop()

    def count_over(self, window_s: float) -> Count:
        """Events of the next `window_s` seconds, from sample to sample. Raises ActivityFailed without data."""
        began = clock.now()
        time.sleep(window_s)
        self._sampler.sample_now()
        self._sampler.choose_watch()
        start, end = self._after(began), self._after(began + window_s)
        if start is None or end is None:
            why = "; ".join(self._sampler.troubles.values()) or "is the environment up?"
            raise ActivityFailed(f"no source gave a sample: {why}")
        count = measure(self.objective, self._sampler.watched, start, end)
        if isinstance(count, NoData):
            raise ActivityFailed(f"{self.objective.name}: {count.detail or count.reason}")
        return count

    def _after(self, instant: float) -> Cut | None:
        """The first samples after an instant: of servers' targets their own pages, where these can be read."""
        until = clock.now() + max(_SAMPLE_WITHIN_S, self._sampler.delay_s)
        while (cut := cut_after(self._sampler.watched, instant)) is None and clock.now() < until:
            time.sleep(_LOOK_S)
        return cut
