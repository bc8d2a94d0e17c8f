"""When each request is due: an open loop at a constant rate. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Request n (from 0) is due at `first + n / rate`, whatever became of those before it.

    `first` is an instant (clock.now()), `rate` is in requests per second.
    """

    first: float
    rate: float

    def due(self, number: int) -> float:
        """The intended start of a request, as an instant."""
        return self.first + number / self.rate

    def first_from(self, instant: float) -> int:
        """The first request whose intended start is at or after this instant; exact in floats."""
        number = max(0, math.ceil((instant - self.first) * self.rate))
        while number > 0 and self.due(number - 1) >= instant:
            number -= 1
        while self.due(number) < instant:
            number += 1
        return number
