"""The abort watch's view: the newest counts since a cut, brought up to date sample by sample."""

from __future__ import annotations

from collections.abc import Iterable

from slochaos.measurement.phases import Cut, History
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.environment import Environment
from slochaos.spec.objectives import Objective


class Watch:
    """Counts since `start` (S0) per objective. Each call looks only at samples that are new. One thread."""

    def __init__(self, objectives: Iterable[Objective], history: History, start: Cut) -> None:
        raise NotImplementedError

    def newest(self, history: History) -> dict[str, Count | NoData]:
        """Counts by objective name, from `start` to the newest good sample of each source."""
        raise NotImplementedError

    def read_until(self) -> dict[str, float]:
        """By source: the instant at which the newest good sample was complete."""
        raise NotImplementedError


def since(objectives: Iterable[Objective], history: History, start: Cut) -> Watch:
    """A watch from `start` on."""
    return Watch(objectives, history, start)


def detection_seconds(environment: Environment, history: History | None = None) -> float:
    """The longest time from a bad event to the sample that shows it: the period plus a page's time.

    With `history` the page's time is the slowest one seen; without, a tenth of a second is assumed.
    """
    raise NotImplementedError
