"""Raw samples and counts: the values that sources give and that verdicts are made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

Series = tuple[str, tuple[tuple[str, str], ...]]
"""Metric name and sorted label pairs."""


class Sample(NamedTuple):
    """One reading of one source. Instants are seconds of the clock that counts suspend (clock.py), or epoch
    seconds where a server took the reading; `wall` is the epoch second at which the reading started.

    `values` holds the series that some objective selects (histograms as their `_bucket`, `_count` series).
    A failed reading has no values and says why in `failure`. An `absent` one stands where a server has no
    reading at all of a source that it has at another time, and says why: what the source counted until then
    (from then on) was not seen.
    """

    source: str
    started: float
    finished: float
    wall: float
    values: Mapping[Series, float]
    failure: str = ""
    absent: str = ""

    @property
    def is_page(self) -> bool:
        """Whether it shows what the source counted."""
        return not self.failure and not self.absent


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

    `bad` is whole, but for slices of ratios (RatioTimeslices): there it is the sum of the slices' bad shares.

    `bad_low..bad_high` and `total_low..total_high` widen for reasons in `reasons` (resets, gaps, a missing
    bucket); they are equal to the point where the count is exact. `bad_high` may be infinite.
    """

    total: int
    bad: int | Fraction
    total_low: float
    total_high: float
    bad_low: float | Fraction
    bad_high: float | Fraction
    contributors: tuple[Contributor, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def good(self) -> int | Fraction:
        """Events that were not bad."""
        return self.total - self.bad

    @property
    def sli(self) -> float | None:
        """Good share 0-1; None without events."""
        return float(self.good / self.total) if self.total else None
