"""Where phases begin and end: at samples, never between them.

A cut takes one sample of every source. Events between two cuts are then exactly the difference of
counters, and each event lies in exactly one phase. Pure; `History` is a snapshot that nobody changes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from slochaos.measurement.samples import Sample

History = Mapping[str, Sequence[Sample]]
"""Samples by source name, in the order in which they were read (failed ones too)."""

PATIENCE_S = 5.0
"""How far from the asked instant a cut looks for a sample that did not fail."""


@dataclass(frozen=True)
class Cut:
    """One sample of each source, on one side of an instant.

    `instant` is what was asked for (seconds, see clock.py). A source that failed for all of the patience
    stands with its failed sample: what is measured from there is `NoData`, other sources are unharmed.
    `after`: the samples are the first ones after the instant, not the last ones before it. `patience_s` as asked for.
    """

    instant: float
    samples: Mapping[str, Sample]
    after: bool = False
    patience_s: float = PATIENCE_S

    @property
    def started(self) -> float:
        """The instant at which the first of the samples started."""
        return min((s.started for s in self.samples.values()), default=self.instant)

    @property
    def finished(self) -> float:
        """The instant at which the last of the samples was complete."""
        return max((s.finished for s in self.samples.values()), default=self.instant)

    @property
    def wall(self) -> float:
        """The epoch second at which the first of the samples started, for display."""
        return min((s.wall for s in self.samples.values()), default=0.0)

    def over(self, history: History) -> Cut:
        """The same cut with the sources that were not known yet when it was made: targets that appeared later."""
        new = {name: samples for name, samples in history.items() if samples and name not in self.samples}
        if not new:
            return self
        found = {name: self._of(samples) for name, samples in new.items()}
        return replace(self, samples={**self.samples, **found})

    def _of(self, samples: Sequence[Sample]) -> Sample:
        if self.after:
            return _first_after(samples, self.instant, self.patience_s) or samples[-1]
        return _last_before(samples, self.instant, self.patience_s) or samples[0]


def seconds_between(start: Cut, end: Cut) -> float:
    """From reading to reading, of the source that was read last at each cut.

    From the start of each: a page shows what was counted when it was asked, however long it takes to arrive. Sources
    that are gone stand at both cuts with one sample, between which no time passes: they have no say.
    """
    return max(asked_last(end) - asked_last(start), 0.0)


def asked_last(cut: Cut) -> float:
    """When the source that was read last at this cut was asked."""
    return max((sample.started for sample in cut.samples.values()), default=cut.instant)


def doubt_between(start: Cut, end: Cut) -> float:
    """By how many seconds that may be wrong, either way: a page may be made at any time until it has arrived."""
    return max((s.finished - s.started for cut in (start, end) for s in cut.samples.values()), default=0.0)


def cut_before(history: History, instant: float, patience_s: float = PATIENCE_S) -> Cut | None:
    """Per source the last sample that was complete at or before `instant`; None while one has none.

    A failed sample is passed over for an older good one that is at most `patience_s` older than `instant`.
    """
    chosen = {name: _last_before(samples, instant, patience_s) for name, samples in history.items()}
    return _cut(Cut(instant, {}, False, patience_s), chosen)


def cut_after(history: History, instant: float, patience_s: float = PATIENCE_S) -> Cut | None:
    """Per source the first sample that started at or after `instant`; None while one has none yet.

    Failed samples are passed over until a good one comes, for at most `patience_s`; then the failed one
    stands. A source whose newest sample says that it is gone stands with that one. Once not None, the answer
    stays the same however much history follows, unless a source comes back.
    """
    chosen = {name: _first_after(samples, instant, patience_s) for name, samples in history.items()}
    return _cut(Cut(instant, {}, True, patience_s), chosen)


def _cut(empty: Cut, chosen: Mapping[str, Sample | None]) -> Cut | None:
    found = {name: sample for name, sample in chosen.items() if sample is not None}
    return replace(empty, samples=found) if found and len(found) == len(chosen) else None


def _last_before(samples: Sequence[Sample], instant: float, patience_s: float) -> Sample | None:
    end = bisect_right(samples, instant, key=lambda sample: sample.finished)
    if end == 0:
        return None
    for sample in reversed(samples[:end]):
        if sample.finished < instant - patience_s:
            break
        if not sample.failure:
            return sample
    return samples[end - 1]


def _first_after(samples: Sequence[Sample], instant: float, patience_s: float) -> Sample | None:
    start = bisect_left(samples, instant, key=lambda sample: sample.started)
    for sample in samples[start:]:
        if sample.started > instant + patience_s:
            return samples[start]
        if not sample.failure:
            return sample
    return samples[-1] if samples and samples[-1].absent else None
