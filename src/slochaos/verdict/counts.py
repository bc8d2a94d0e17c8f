"""The shapes of evidence that verdicts are made of.

`measurement.samples.Count` and `NoData` fit `Counted` and `Missing` as they are; verdicts do not import
them, because measuring is built on top of deciding and not the other way round.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol, runtime_checkable


class Counted(Protocol):
    """Events (or slices) of one phase: point values, and how far the truth may be from them.

    `bad` is whole, but for slices of ratios.
    """

    @property
    def total(self) -> int: ...
    @property
    def bad(self) -> int | Fraction: ...
    @property
    def total_low(self) -> float: ...
    @property
    def total_high(self) -> float: ...
    @property
    def bad_low(self) -> float | Fraction: ...
    @property
    def bad_high(self) -> float | Fraction: ...
    @property
    def reasons(self) -> tuple[str, ...]: ...


@runtime_checkable
class Missing(Protocol):
    """No data: a stable word and a sentence. Never a zero."""

    @property
    def reason(self) -> str: ...
    @property
    def detail(self) -> str: ...


class Promise(Protocol):
    """What verdicts need to know of an objective; `spec.objectives.Objective` is one."""

    @property
    def name(self) -> str: ...
    @property
    def allowed(self) -> Fraction: ...
    @property
    def operator(self) -> Literal["lte", "lt"]: ...
    @property
    def window_s(self) -> int: ...
    @property
    def method(self) -> Literal["Occurrences", "Timeslices", "RatioTimeslices"]: ...


class Spent(Protocol):
    """A charge as shares of the objective's budget (1 = all of it); `budget.account.Charge` is one.

    Intervals are (at least, at most); `math.inf` where a count has no upper end.
    """

    @property
    def gross_share(self) -> Fraction: ...
    @property
    def gross_share_interval(self) -> tuple[Fraction, Fraction | float]: ...
    @property
    def attributed_share_interval(self) -> tuple[Fraction, Fraction | float]: ...
    @property
    def window_doubts(self) -> tuple[str, ...]:
        """Why it is not certain how many events the budget's window has, as "word: sentence"."""
        ...


@dataclass(frozen=True)
class Tally:
    """A `Counted` for callers who have only numbers."""

    bad: int
    total: int
    bad_low: float
    bad_high: float
    total_low: float
    total_high: float
    reasons: tuple[str, ...] = ()

    @classmethod
    def exactly(cls, bad: int, total: int) -> Tally:
        """A count without doubt."""
        return cls(bad, total, bad, bad, total, total)
