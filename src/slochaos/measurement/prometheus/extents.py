"""From when to when a long window of a gauge was observed, by the parts of it that have samples.

A series without samples is no series of zeros: what was scraped for a day of the thirty asked for says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from slochaos.measurement.counters import GAP_PERIODS
from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.fetching import Asking
from slochaos.measurement.prometheus.pages import MISSED
from slochaos.measurement.prometheus.plan import Ask, Found
from slochaos.measurement.prometheus.windows import Window

PARTS = 288
"""Of a window: five minutes of a day."""


@dataclass(frozen=True)
class Extent:
    """The stretch that has samples, and a sentence for each part of the window that has none."""

    observed: Window
    reasons: tuple[str, ...] = ()


class Parts:
    """How many samples each series has in each part of a window, and in the part before it."""

    def __init__(self, asking: Asking, asks: Iterable[Ask], window: Window) -> None:
        self._asking, self._window = asking, window
        self._part_s = int(window.length_s * 1000) // PARTS / 1000
        last = window.end - 0.001
        self._before = last - PARTS * self._part_s
        length = f"{round(self._part_s * 1000)}ms"
        asked = [(ask.only(name), name) for ask in asks for name in ask.counters]
        newest = asking.instants((f"timestamp({ask})", last) for ask, _ in asked)
        self._newest = Found(
            RawSeries(name, value.labels, [last], [value.value])
            for ask, name in asked
            for value in newest[f"timestamp({ask})", last]
        )
        questions = {
            (f"count_over_time({ask}[{length}])", Window(self._before, last), self._part_s): name
            for ask, name in asked
        }
        answers = asking.ranges(questions)
        self._found = Found(
            RawSeries(questions[question], each.labels, each.times, each.values)
            for question, found in answers.items()
            for each in found
        )

    def extent(self, ask: Ask) -> Extent:
        """Of what one indicator selects, which has samples in the window. Raises SourceError."""
        series = self._found.of(ask)
        ends = sorted({at for each in series for at in each.times})
        inside = [at for at in ends if not self._is_before(at)]
        if not inside:  # a few samples in the milliseconds that no part has
            return Extent(self._window)
        whole = self._window
        begins_before = len(inside) < len(ends)
        first = whole.start if begins_before else self._samples_of(ask, inside[0])[0]
        newest = [each.values[0] for each in self._newest.of(ask)]
        last = max(newest) if newest else self._samples_of(ask, inside[-1])[1]
        period_s = self._period_s(series, inside)
        late = first - whole.start > MISSED * period_s
        early = whole.end - last > MISSED * period_s
        observed = Window(first if late else whole.start, last if early else whole.end)
        return Extent(observed, tuple(_reasons(observed, whole, self._gap_s(inside, period_s))))

    def _is_before(self, end: float) -> bool:
        return end < self._before + self._part_s / 2

    def _samples_of(self, ask: Ask, end: float) -> tuple[float, float]:
        """When the first and the last sample of a part were taken."""
        part = Window(max(end - self._part_s, self._window.start), end)
        answers = self._asking.raw((str(ask.only(name)), part) for name in ask.counters)
        times = [at for found in answers.values() for each in found for at in (each.times[0], each.times[-1])]
        return (min(times), max(times)) if times else (part.end, part.end)

    def _period_s(self, series: Iterable[RawSeries], ends: Sequence[float]) -> float:
        """Between two samples of a series, at most: by the part that has most of them."""
        most = max(max(each.values) for each in series)
        if most > 1:
            return self._part_s / (most - 1)
        return median(later - earlier for earlier, later in pairwise(ends)) if len(ends) > 1 else self._part_s

    def _gap_s(self, ends: Sequence[float], period_s: float) -> float:
        """How much of the stretch between the first and the last part has no samples."""
        apart = (later - earlier - self._part_s for earlier, later in pairwise(ends))
        return sum(each for each in apart if each > GAP_PERIODS * period_s)


def _reasons(observed: Window, whole: Window, gap_s: float) -> Iterator[str]:
    late_s, early_s = observed.start - whole.start, whole.end - observed.end
    if late_s > 0:
        yield f"starts-late: the first samples are {late_s:.0f} s after the window's start"
    if early_s > 0:
        yield f"ends-early: the last samples are {early_s:.0f} s before the window's end"
    if gap_s > 0:
        yield f"gap: the server has nothing of {gap_s:.0f} s within the window"
