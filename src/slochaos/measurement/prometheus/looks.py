"""What a run is cut at where all that is asked of a server is PromQL, which has no samples: that it answered."""

from __future__ import annotations

from collections.abc import Iterable

from slochaos import clock
from slochaos.measurement.phases import History
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.samples import Sample
from slochaos.spec.objectives import Metric, Query


class Looks:
    """One sample without values for each time that a server answered."""

    def __init__(self, source: str) -> None:
        self._name = f"{source} (PromQL)"
        self._samples: list[Sample] = []

    def look(self, server: PrometheusServer) -> History:
        """All of them, after one more. Raises SourceError."""
        began, wall = clock.now(), clock.wall()
        server.now()
        self._samples.append(Sample(self._name, began, clock.now(), wall, {}))
        return {self._name: tuple(self._samples)}


def looks(source: str, wanted: Iterable[Metric]) -> Looks | None:
    """None where there is anything that has samples."""
    return Looks(source) if all(isinstance(each, Query) for each in wanted) else None
