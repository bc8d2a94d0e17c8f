"""Windows of a server's time, and what was measured in one. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from slochaos.budget.traffic import Seen
from slochaos.measurement.samples import Count, NoData


@dataclass(frozen=True)
class Window:
    """From `start` up to `end`, epoch seconds of the server's timestamps."""

    start: float
    end: float

    @property
    def length_s(self) -> float:
        """How long it is, seconds."""
        return self.end - self.start


Exactness = Literal["exact", "bounded", "aggregated", "extrapolated"]
"""exact: all counts are known; bounded: the truth is in the count's interval; aggregated: counted by the server
between its first and last sample, likewise within the interval; extrapolated: PromQL's estimate, no bounds."""


UNSEEN = ("partial-answer", "source-down")
"""Reasons for which an unknown upper end is more than what restarts lose: a part was not looked at at all."""


@dataclass(frozen=True)
class Measured:
    """One objective over one window.

    `count` holds the events between the samples that enclose the window; its interval leaves out, at its lower
    end, what may have happened outside of the window. `observed` is the stretch between the first and last of
    these samples: where it does not reach the window's ends, a reason says so. `warnings` are the server's own
    (partial answers); with one, nothing is called exact.
    """

    count: Count | NoData
    observed: Window | None
    exactness: Exactness
    warnings: tuple[str, ...] = ()

    @property
    def observed_s(self) -> float:
        """Seconds that have samples."""
        return self.observed.length_s if self.observed else 0.0

    def traffic(self, count: Count) -> Seen:
        """The events of `count` as the measure of a whole window: what restarts lost in it is not much of that."""
        most = count.total_high
        if math.isinf(most) and not any(reason.startswith(UNSEEN) for reason in count.reasons):
            most = float(count.total)
        return Seen(count.total_low, self.observed_s, most, reasons=count.reasons)


@dataclass(frozen=True)
class Buckets:
    """A latency histogram's observations over a window, by upper bound: cumulative, ending with infinity.

    `counts` are (at least, at most) per bound: the interval that holds the truth; at most may be infinite.
    """

    bounds: tuple[float, ...]
    points: tuple[float, ...]
    counts: tuple[tuple[float, float], ...]
    reasons: tuple[str, ...] = ()
