"""What sources together say of one indicator: steps of total and bad events, and what is to be said of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from slochaos.measurement.counters import Increments
from slochaos.measurement.samples import NoData, Sample
from slochaos.measurement.selection import Child


class Span(NamedTuple):
    """A number of events: the point value and the interval that holds the truth. `high` may be infinite."""

    low: float = 0.0
    point: float = 0.0
    high: float = 0.0

    @classmethod
    def over(cls, spans: Sequence[Span]) -> Span:
        """The sum."""
        return cls(sum(s.low for s in spans), sum(s.point for s in spans), sum(s.high for s in spans))


class Step(NamedTuple):
    """Total and bad events between two good samples of one source (or at one, for gauges)."""

    before: Sample
    after: Sample
    total: Span
    bad: Span


@dataclass(frozen=True)
class Finding:
    """`open_ended`: a series is gone, and with it what it counted last.

    `skew_per_s` is the number of events a second that can be on one side only of a cut; 0 for one family.
    """

    steps: list[Step]
    bad_by_child: Mapping[Child, float]
    children: frozenset[Child]
    sources: frozenset[str]
    notes: Mapping[str, str] = field(default_factory=dict)
    open_ended: bool = False
    skew_per_s: float = 0.0


class SourceTally(Protocol):
    """What is kept of one source: counters.Tally or gauges.GaugeTally."""

    problem: NoData | None
    notes: dict[str, str]
    steps: list[Increments]

    @property
    def by_child(self) -> Mapping[Child, Sequence[float]]: ...
    @property
    def seen(self) -> bool: ...
    @property
    def children(self) -> frozenset[Child]: ...
    @property
    def failing(self) -> str: ...
    @property
    def coarse(self) -> str: ...
    def add(self, sample: Sample) -> None: ...
    def vanished(self) -> frozenset[Child]: ...


def finding_of(tallies: Iterable[SourceTally], sources: Iterable[str], steps: list[Step]) -> Finding:
    """What these tallies say, beside the steps: bad events by child are the last component's."""
    seen = [tally for tally in tallies if tally.seen]
    bad: dict[Child, float] = {}
    for tally in seen:
        for child, counted in tally.by_child.items():
            bad[child] = bad.get(child, 0.0) + counted[-1]
    return Finding(
        steps,
        bad,
        frozenset(child for tally in seen for child in tally.children),
        frozenset(sources),
        notes_of(seen),
        any(tally.vanished() for tally in seen),
    )


def notes_of(tallies: Iterable[SourceTally]) -> dict[str, str]:
    """Sentences by stable word (see counting.measure)."""
    notes: dict[str, str] = {}
    for tally in tallies:
        notes.update(tally.notes)
        if tally.coarse:
            notes["bucket-too-coarse"] = tally.coarse
        if tally.failing:
            notes["source-down"] = f"the newest reading failed: {tally.failing}"
        if tally.vanished():
            notes["series-vanished"] = f"{len(tally.vanished())} series are gone from the page"
    return notes


def first_problem(tallies: Mapping[str, SourceTally], concerned: frozenset[str]) -> NoData | None:
    """A source that was down is no problem of an indicator that has nothing there."""
    for name, tally in tallies.items():
        if tally.problem is not None and (tally.problem.reason != "source-down" or name in concerned):
            return tally.problem
    return None
