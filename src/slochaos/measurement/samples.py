"""Raw samples and counts: the values that sources give and that verdicts are made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Series = tuple[str, tuple[tuple[str, str], ...]]
"""Metric name and sorted label pairs."""


@dataclass(frozen=True)
class Sample:
    """One reading of one source. Instants are seconds of the clock that counts suspend (guard/clock.py);
    `wall` is the epoch second at which the reading started.

    `values` holds the series that some objective selects (histograms as their `_bucket`, `_count` series).
    A failed reading has no values and says why in `failure`.
    """

    source: str
    started: float
    finished: float
    wall: float
    values: Mapping[Series, float]
    failure: str = ""


@dataclass(frozen=True)
class NoData:
    """Missing is a value of its own, never 0. `reason` is a stable word, `detail` a sentence."""

    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Contributor:
    """Bad events of the series with these labels."""

    labels: tuple[tuple[str, str], ...]
    bad: int


@dataclass(frozen=True)
class Count:
    """Events (or slices) between two instants: the point values, and how far the truth may be from them.

    `bad_low..bad_high` and `total_low..total_high` widen for reasons in `reasons` (resets, gaps, a missing
    bucket); they are equal to the point where the count is exact. `bad_high` may be infinite.
    """

    total: int
    bad: int
    total_low: float
    total_high: float
    bad_low: float
    bad_high: float
    contributors: tuple[Contributor, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def good(self) -> int:
        """Events that were not bad."""
        return self.total - self.bad

    @property
    def sli(self) -> float | None:
        """Good share 0-1; None without events."""
        return self.good / self.total if self.total else None
