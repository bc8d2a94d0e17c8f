"""Traffic that was seen, as the measure of the traffic of a whole window, with how far it may be off. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Seen:
    """Traffic that tells how many events a window has: `events` are certain in `seconds`, give or take `doubt_s`.

    `most_events` is how many there may have been, where the count is not exact: `math.inf` where nobody knows, and
    `reasons` why.
    """

    events: Fraction | float
    seconds: float
    most_events: Fraction | float | None = None
    doubt_s: float = 0.0
    reasons: tuple[str, ...] = ()

    @property
    def most(self) -> Fraction | float:
        """How many events there were at most."""
        return self.events if self.most_events is None else self.most_events

    @property
    def bounded(self) -> bool:
        """Whether some events are certain, and no more than a known number were there."""
        return self.events > 0 and math.isfinite(self.most)

    def filled_in_by(self, other: Seen) -> Seen:
        """The same with its open ends closed at the rate of `other`; what is certain here stays so.

        An upper end below what is certain tells nothing: then it stays open.
        """
        share = Fraction(self.seconds) / Fraction(other.seconds)
        least = self.events or other.events * share
        most = self.most
        if math.isinf(most):
            most = other.most if math.isinf(other.most) else Fraction(other.most) * share
            most = most if most >= least else math.inf
        return Seen(least, self.seconds, max(most, least), self.doubt_s, self.reasons)

    def over(self, window_s: int) -> tuple[Fraction, Fraction, Fraction | float]:
        """How many events a window of that length has at this rate: at least, as used, at most."""
        if self.seconds <= 0:
            return Fraction(0), Fraction(0), Fraction(0)
        spans = (self.seconds + self.doubt_s, self.seconds, self.seconds - self.doubt_s)
        counts = (self.events, self.events, self.most)
        least, used, most = (_at_rate(n, s, window_s) for n, s in zip(counts, spans, strict=True))
        return Fraction(least), Fraction(used), most


def _at_rate(events: Fraction | float, seconds: float, window_s: int) -> Fraction | float:
    if not events:
        return Fraction(0)
    if seconds <= 0 or math.isinf(events):
        return math.inf
    return Fraction(events) / Fraction(seconds) * window_s
