"""Circuit breaker: stop calling what keeps failing, probe it, and go on when a probe succeeds.

Requests never probe. While the breaker is open they are turned away at once, and one background task asks
the other side every half second, so no request pays for finding out, and recovery is seen within a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

FAILURES_TO_OPEN = 5
PROBE_EVERY_S = 0.5

State = Literal["closed", "open", "half-open"]


class Breaker:
    """Opens after consecutive failures; only a probe closes it again."""

    def __init__(
        self, failures_to_open: int = FAILURES_TO_OPEN, on_open: Callable[[], None] | None = None
    ) -> None:
        self._failures_to_open = failures_to_open
        self._on_open = on_open
        self._failures = 0
        self._state: State = "closed"

    @property
    def state(self) -> State:
        """`closed`: calls pass; `open`: they are rejected; `half-open`: rejected while a probe is out."""
        return self._state

    @property
    def allows(self) -> bool:
        """Whether a call may be made now."""
        return self._state == "closed"

    def succeeded(self) -> None:
        """A call was answered. One that was under way when the breaker opened does not close it."""
        self._failures = 0

    def failed(self) -> None:
        """A call failed."""
        self._failures += 1
        if self._state == "closed" and self._failures >= self._failures_to_open:
            self.open()

    def open(self) -> None:
        """Reject calls from now on."""
        self._state = "open"
        if self._on_open is not None:
            self._on_open()

    async def probe(self, call: Callable[[], Awaitable[bool]]) -> None:
        """If open, ask the other side once by `call`, and close if it says True."""
        if self._state != "open":
            return
        self._state = "half-open"
        healthy = False
        try:
            healthy = await call()
        finally:
            self._failures = 0
            self._state = "closed" if healthy else "open"

    async def keep_probing(self, call: Callable[[], Awaitable[bool]], every_s: float = PROBE_EVERY_S) -> None:
        """Probe while open, until cancelled. `call` must not raise."""
        while True:
            await asyncio.sleep(every_s)
            await self.probe(call)
