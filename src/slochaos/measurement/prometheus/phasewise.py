"""PromQL objectives over the phases of a run: what the server estimates between the instants of two cuts.

PromQL has no samples that a phase could be cut at, so the phases of these are as long as those of what is counted, and
no more than estimated: it interpolates what lies between scrapes.
"""

from __future__ import annotations

from collections.abc import Sequence

from slochaos.errors import SlochaosError
from slochaos.measurement.phases import Cut, asked_last
from slochaos.measurement.prometheus.estimates import estimate
from slochaos.measurement.prometheus.following import Follower
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import Objective


class PhaseEstimates:
    """What the servers of a run say of PromQL objectives. One that does not answer is not waited for again.

    What was estimated stays: the servers of a self-contained environment end before the run's record is written.
    """

    def __init__(self, followers: Sequence[Follower]) -> None:
        self._followers = followers
        self._silent: dict[str, NoData] = {}
        self._known: dict[tuple[str, float, float], Count] = {}

    def of(self, objective: Objective, start: Cut, end: Cut) -> Count | NoData:
        """Events from `start` up to `end`, by the first server that has them; marked as extrapolated."""
        if objective.in_slices:
            return NoData("indicator", "PromQL cannot be counted in the slices of a run")
        phase = objective.name, asked_last(start), asked_last(end)
        if phase in self._known:
            return self._known[phase]
        found: Count | NoData = NoData("no-query-source", "there is no Prometheus server that could be asked")
        for follower in self._followers:
            found = self._asked(follower, objective, *phase[1:])
            if isinstance(found, Count):
                self._known[phase] = found
                break
        return found

    def _asked(self, follower: Follower, objective: Objective, start: float, end: float) -> Count | NoData:
        name, ahead_s = follower.source.name, follower.ahead_s
        if ahead_s is None:
            return NoData("source-down", f"source {name} did not answer: {follower.failure}")
        if name not in self._silent:
            try:
                with PrometheusServer(follower.source) as server:
                    return estimate(server, [(objective, Window(start + ahead_s, end + ahead_s))])[0].count
            except SlochaosError as error:
                self._silent[name] = NoData("source-down", error.message)
        return self._silent[name]
