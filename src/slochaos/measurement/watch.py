"""The abort watch's view: the newest counts since a cut, brought up to date sample by sample."""

from __future__ import annotations

from collections.abc import Iterable

from slochaos.measurement.counting import Counting
from slochaos.measurement.phases import Cut, History
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.environment import Environment
from slochaos.spec.objectives import Objective

ASSUMED_PAGE_S = 0.1
"""What reading a page is taken to last before one was read."""


class Watch:
    """Counts since `start` (S0) per objective. Each call looks only at samples that are new. One thread."""

    def __init__(self, objectives: Iterable[Objective], history: History, start: Cut) -> None:
        self._countings = {o.name: Counting(o, history, start) for o in objectives}

    def newest(self, history: History) -> dict[str, Count | NoData]:
        """Counts by objective name, from `start` to the newest good sample of each source.

        A source that has stopped answering shows in the reason `source-down`, and its count stands still.
        """
        for counting in self._countings.values():
            counting.advance(history)
        return {name: counting.count() for name, counting in self._countings.items()}

    def read_until(self) -> dict[str, float]:
        """By source: the instant at which the newest good sample was complete."""
        until: dict[str, float] = {}
        for counting in self._countings.values():
            until.update(counting.read_until())
        return until


def since(objectives: Iterable[Objective], history: History, start: Cut) -> Watch:
    """A watch from `start` on."""
    return Watch(objectives, history, start)


def detection_seconds(environment: Environment, history: History | None = None) -> float:
    """The longest time from a bad event to the sample that shows it: the period plus a page's time.

    With `history` the page's time is the slowest one seen; without, a tenth of a second is assumed.
    """
    return max((s.every_s + _page_s(s.name, history) for s in environment.pages), default=0.0)


def _page_s(source: str, history: History | None) -> float:
    good = [s.finished - s.started for s in (history or {}).get(source, ()) if not s.failure]
    return max(good, default=ASSUMED_PAGE_S)
