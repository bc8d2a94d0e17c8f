"""Samples of a 0/1 gauge as events: each one counts, good (or bad) where it is 1."""

from __future__ import annotations

from slochaos.measurement.counters import GAP_PERIODS, NEVER_SEEN, Increments
from slochaos.measurement.samples import NoData, Sample, Series
from slochaos.spec.objectives import Samples

_NOTHING = (0.0, 0.0, 0.0)


class GaugeTally:
    """One `samples` indicator on one source. Vectors are (total, bad, bad), as RatioReader's.

    An event belongs to the instant of its sample, so a phase has those of its first sample and not those
    of its last. Samples that failed or were not taken are events that are missing: they widen the span.
    """

    def __init__(self, metric: Samples, part_is_good: bool, period_s: float) -> None:
        self.coarse = ""
        self.steps: list[Increments] = []
        self.by_child: dict[Series, tuple[float, float, float]] = {}
        self.notes: dict[str, str] = {}
        self.problem: NoData | None = None
        self._metric, self._part_is_good, self._period_s = metric, part_is_good, period_s
        self._known: dict[Series, bool] = {}
        self._last: Sample | None = None
        self._failures: list[str] = []

    @property
    def seen(self) -> bool:
        """Whether any series matched so far."""
        return any(self._known.values())

    def add(self, sample: Sample) -> None:
        """Take the next sample as events."""
        if sample.absent:
            self._last = self._last if sample.absent == NEVER_SEEN else sample
            return
        if sample.failure:
            self._failures.append(sample.failure)
            return
        found = [(series, value) for series, value in sample.values.items() if self._is_mine(series)]
        self._note_missing(sample, max(len(found), 1))
        self._last, self._failures = sample, []
        absent = float(sum(self._known.values()) - len(found))
        all_bad = 0.0
        for series, value in found:
            if value not in (0.0, 1.0):
                self.problem = NoData("indicator", f"{self._metric.selector} is {value:g}, neither 0 nor 1")
                return
            bad = 1.0 - value if self._part_is_good else value
            total_of, bad_of, _ = self.by_child.get(series, _NOTHING)
            self.by_child[series] = (total_of + 1.0, bad_of + bad, bad_of + bad)
            all_bad += bad
        if absent:
            self.notes["series-vanished"] = f"{self._metric.selector} is not on every page of {sample.source}"
        events = (float(len(found)), all_bad, all_bad)
        most = (events[0] + absent, all_bad + absent, all_bad + absent)
        self.steps.append(Increments(sample, sample, events, events, most))

    @property
    def children(self) -> frozenset[Series]:
        """The series that matched so far."""
        return frozenset(series for series, mine in self._known.items() if mine)

    @property
    def failing(self) -> str:
        """Why the newest reading failed; empty if it did not."""
        return self._failures[-1] if self._failures else ""

    def vanished(self) -> frozenset[Series]:
        """A gauge loses events sample by sample, never at the end."""
        return frozenset()

    def close(self, end: Sample) -> None:
        """Say where the phase ends: what is missing before that sample is missing in the phase."""
        if self._last is None:
            return
        self._note_missing(end, max(sum(self._known.values()), 1))

    def _is_mine(self, series: Series) -> bool:
        if series not in self._known:
            selector = self._metric.selector
            self._known[series] = series[0] == selector.name and selector.matches(dict(series[1]))
        return self._known[series]

    def _note_missing(self, sample: Sample, width: int) -> None:
        if self._last is None:
            return
        silent_s = sample.started - self._last.started
        missing = len(self._failures)
        if silent_s > GAP_PERIODS * self._period_s:
            missing = max(missing, round(silent_s / self._period_s) - 1)
        if not missing:
            return
        word = "source-down" if self._failures else "gap"
        why = f" ({self._failures[0]})" if self._failures else ""
        self.notes[word] = f"{missing} samples of {sample.source} are missing{why}"
        lost = (float(missing * width),) * 3
        self.steps.append(Increments(self._last, sample, _NOTHING, _NOTHING, lost))
