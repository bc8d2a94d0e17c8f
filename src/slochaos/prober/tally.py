"""What became of every request, by its number in the schedule. Three bytes a request, so days fit. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Outcome = Literal["ok", "status", "timeout", "unreachable", "broken", "unsent"]
"""`ok`: 2xx. `status`: another status. `timeout`: no whole answer in time. `unreachable`: no connection.
`broken`: the connection broke. `unsent`: the prober's own failure, in none of the API's counts."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

BOUNDS_S = (0.05, 0.1, 0.2, 0.3, 0.4, 1.0)
"""Latency bounds, the same as the API's own."""

_PENDING = len(OUTCOMES)


@dataclass(frozen=True)
class Counts:
    """Requests whose intended start lies in a window.

    `outcomes` by journey and outcome; `ok_within` the successful ones by latency bound (cumulative).
    """

    outcomes: dict[str, dict[Outcome, int]]
    ok_within: dict[float, int]


class Tally:
    """Begun in order, ended in any order."""

    def __init__(self, journeys: Sequence[str]) -> None:
        self._names = tuple(journeys)
        self._journeys = array("B")
        self._outcomes = array("B")
        self._buckets = array("B")
        self._pending: set[int] = set()

    @property
    def begun(self) -> int:
        """How many requests have come due."""
        return len(self._outcomes)

    def begin(self, journey: int) -> int:
        """The next request has come due; its number."""
        number = len(self._outcomes)
        self._journeys.append(journey)
        self._outcomes.append(_PENDING)
        self._buckets.append(len(BOUNDS_S))
        self._pending.add(number)
        return number

    def end(self, number: int, outcome: Outcome, latency_s: float = 0.0) -> None:
        """A request has ended. Latency in seconds from its intended start."""
        self._outcomes[number] = OUTCOMES.index(outcome)
        self._buckets[number] = bisect_left(BOUNDS_S, latency_s)
        self._pending.discard(number)

    def is_settled(self, end: int) -> bool:
        """Whether all requests with numbers below `end` have come due and ended."""
        return self.begun >= end and all(number >= end for number in self._pending)

    def counts(self, start: int, end: int) -> Counts:
        """Counts of the requests numbered start..end-1, which has to be settled."""
        window = range(start, max(start, end))
        pairs = Counter((self._journeys[number], self._outcomes[number]) for number in window)
        outcomes = {
            name: {outcome: pairs[index, code] for code, outcome in enumerate(OUTCOMES)}
            for index, name in enumerate(self._names)
        }
        ok = OUTCOMES.index("ok")
        buckets = Counter(self._buckets[number] for number in window if self._outcomes[number] == ok)
        within = {bound: sum(buckets[b] for b in range(i + 1)) for i, bound in enumerate(BOUNDS_S)}
        return Counts(outcomes, within)
