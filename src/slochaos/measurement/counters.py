"""Counters followed from sample to sample: what they counted, and how far the truth may be from that.

Every increment is a difference of two raw samples of one series, never a rate. What cannot be known
widens the span instead of being left out:

- a restart loses what was counted after the last sample of the old process: no upper end;
- a series that appears without a proof that it began at zero: at least nothing, at most its value;
- a series that disappears: no upper end;
- a source that is not seen before: counted from its first sample on, unless it is known to begin at zero; at
  most the value that it shows then, and no upper end if it may have been another process before;
- a stretch without readings, if a restart in it could not be told: no upper end.

Between two good readings that follow each other a value that did not fall is taken for the same process
where the page says nothing else (as Prometheus does).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from operator import add, sub
from typing import NamedTuple, Protocol

from slochaos.measurement.processes import Processes, SeveralProcesses
from slochaos.measurement.reading import Unreadable, Values, Vector
from slochaos.measurement.samples import NoData, Sample
from slochaos.measurement.selection import Child

NEVER_SEEN = "it was not scraped until then"
"""Why a source is absent at the start that may well have begun later."""

GAP_PERIODS = 3
"""Nothing read for longer than this many periods is a gap."""


class Reader(Protocol):
    """What turns a page into cumulative vectors."""

    @property
    def coarse(self) -> str: ...
    def read(self, values: Values) -> dict[Child, Vector]: ...


class Increments(NamedTuple):
    """What was counted between two good samples of one source, per component of the reader's vector.

    `high` may be infinite. `low <= point <= high`.
    """

    before: Sample
    after: Sample
    low: Vector
    point: Vector
    high: Vector


class Tally:
    """One indicator on one source: fed with samples in order, it keeps the increments between them.

    `problem` is set once the source cannot be counted at all, and stays.
    """

    def __init__(self, reader: Reader, start: Sample, period_s: float, width: int) -> None:
        self.reader = reader
        self.period_s = period_s
        self.steps: list[Increments] = []
        self.by_child: dict[Child, list[float]] = {}
        self.notes: dict[str, str] = {}
        self.problem: NoData | None = None
        self._width = width
        self._last = start
        self._values: dict[Child, Vector] = {}
        self._present: frozenset[Child] = frozenset()
        self._ever: set[Child] = set()
        self._peaks: dict[Child, float] = {}
        self._failures: list[str] = []
        self._unseen = start.absent
        self._processes = Processes(start.values, start.wall)
        self._begin(start)

    def _begin(self, start: Sample) -> None:
        if start.failure:
            self.problem = NoData("source-down", f"source {start.source} did not answer: {start.failure}")
            return
        try:
            self._values = self.reader.read(start.values)
        except Unreadable as error:
            self.problem = error.no_data
        self._present = frozenset(self._values)
        self._ever.update(self._present)

    @property
    def seen(self) -> bool:
        """Whether any series matched so far."""
        return bool(self._ever)

    @property
    def children(self) -> frozenset[Child]:
        """The children that matched so far."""
        return frozenset(self._ever)

    @property
    def coarse(self) -> str:
        """Which bucket is missing for an exact count; empty if none is."""
        return self.reader.coarse

    @property
    def failing(self) -> str:
        """Why the newest reading failed; empty if it did not."""
        return self._failures[-1] if self._failures else ""

    @property
    def last(self) -> Sample:
        """The newest good sample."""
        return self._last

    def add(self, sample: Sample) -> None:
        """Take the next sample of the source."""
        if self.problem is not None:
            return
        if not sample.is_page:
            self._miss(sample)
            return
        try:
            self._step(sample)
        except Unreadable as error:
            self.problem = error.no_data
        except SeveralProcesses as error:
            self.problem = NoData("several-processes", f"source {sample.source}: {error}")

    def vanished(self) -> frozenset[Child]:
        """Children that were there and are not on the newest page."""
        return frozenset(self._values) - self._present

    def _miss(self, sample: Sample) -> None:
        if sample.absent:
            self._present = frozenset()
        if sample.failure:
            self._failures.append(sample.failure)

    def _step(self, sample: Sample) -> None:
        current = self.reader.read(sample.values)
        restarted = self._processes.advance(sample.values)
        for child in [c for c in self._values if self._processes.instance(c) in restarted]:
            del self._values[child]
        sums = _Sums(self._width)
        self._ever.update(current)
        if restarted:
            self._lose(sums, sample, "its process was restarted")
        for child, value in current.items():
            self._count(sums, child, value, sample)
        if self._unseen:
            self._note_unseen(sums, current, sample)
        else:
            self._note_gap(sums, current, sample)
        self._values.update(current)
        self._present = frozenset(current)
        self.steps.append(sums.increments(self._last, sample))
        self._last, self._failures, self._unseen = sample, [], ""

    def _count(self, sums: _Sums, child: Child, value: Vector, sample: Sample) -> None:
        before = self._values.get(child)
        if before is None:
            self._count_born(sums, child, value)
        elif self._processes.recreated(child) or value[0] < before[0]:
            self._check_fall(child, before[0], value[0])
            self._lose(sums, sample, "a counter began anew")
            self._add(sums, child, value)
        elif value != before:
            self._add(sums, child, tuple(map(sub, value, before)))

    def _count_born(self, sums: _Sums, child: Child, value: Vector) -> None:
        if self._unseen and not self._processes.begins_at_zero(child):
            _add(sums.unseen, value)
            return
        self._add(sums, child, value)
        if any(value) and not self._processes.begins_at_zero(child):
            _add(sums.doubt, value)
            self.notes["series-born"] = (
                f"a series appeared at {value[0]:g}, and nothing shows that it began at zero"
            )

    def _check_fall(self, child: Child, before: float, now: float) -> None:
        """Raises SeveralProcesses for a fall that no restart explains."""
        if now >= before or self._processes.recreated(child) or child not in self._present:
            return
        if self._processes.knows_start(child):
            raise SeveralProcesses(
                f"{child[0]} fell from {before:g} to {now:g} while its process start stands still, so several "
                "processes answer (or it is no counter)"
            )
        if before >= self._peaks.get(child, math.inf):
            raise SeveralProcesses(f"{child[0]} falls and rises between {now:g} and {before:g}")
        self._peaks[child] = max(before, self._peaks.get(child, 0.0))

    def _note_gap(self, sums: _Sums, current: Mapping[Child, Vector], sample: Sample) -> None:
        silent_s = sample.started - self._last.finished
        if not self._failures and silent_s <= GAP_PERIODS * self.period_s:
            return
        if self._failures:
            text = f"{len(self._failures)} readings of {sample.source} failed ({self._failures[0]})"
            self.notes["source-down"] = text
        else:
            self.notes["gap"] = f"nothing was read from {sample.source} for {silent_s:.1f} s"
        if any(not self._continuous(child) for child in current):
            self._lose(sums, sample, "a restart while nothing was read could not be told")

    def _note_unseen(self, sums: _Sums, current: Mapping[Child, Vector], sample: Sample) -> None:
        """Say what the source may have counted before its first page."""
        quiet = self._unseen == NEVER_SEEN and not self._failures
        if any(self._may_have_begun_anew(child, quiet) for child in current):
            why = self._failures[-1] if self._failures else self._unseen
            self.notes["late"] = f"{sample.source} may have counted more before it was read first ({why})"
            sums.lost = True
        elif any(sums.unseen):
            self.notes["late"] = f"{sample.source} stood at {sums.unseen[0]:g} in all when it was read first"

    def _may_have_begun_anew(self, child: Child, quiet: bool) -> bool:
        """Whether an earlier process may have counted unseen since the start.

        `quiet`: nothing speaks for an earlier process, as with a pod that is new.
        """
        if self._processes.started_since(child):
            return not quiet
        if self._processes.knows_start(child):
            return False
        return self._processes.created(child) is None or (self._processes.begins_at_zero(child) and not quiet)

    def _continuous(self, child: Child) -> bool:
        return self._processes.knows_start(child) or self._processes.created(child) is not None

    def _lose(self, sums: _Sums, sample: Sample, why: str) -> None:
        self.notes["reset"] = f"{why} ({sample.source}): what it counted after its last sample is lost"
        sums.lost = True

    def _add(self, sums: _Sums, child: Child, counted: Vector) -> None:
        _add(sums.point, counted)
        _add(self.by_child.setdefault(child, [0.0] * self._width), counted)


class _Sums:
    """Sums over the children of one step: what was counted, and how much of that is in doubt."""

    def __init__(self, width: int) -> None:
        self.point = [0.0] * width
        self.doubt = [0.0] * width
        self.unseen = [0.0] * width
        self.lost = False

    def increments(self, before: Sample, after: Sample) -> Increments:
        low = tuple(point - doubt for point, doubt in zip(self.point, self.doubt, strict=True))
        point = tuple(self.point)
        high = (math.inf,) * len(point) if self.lost else tuple(map(add, point, self.unseen))
        return Increments(before, after, low, point, high)


def _add(sums: list[float], counted: Vector) -> None:
    for index, value in enumerate(counted):
        sums[index] += value
