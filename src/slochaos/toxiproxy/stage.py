"""What one toxic does to one direction of one connection: a stage of its chain.

Data and the end of data are pushed from stage to stage; the last `next` is the link, which writes to the
socket. Stages that hold data say how much, so that the link can stop reading. There are no tasks: a stage
that waits has one timer on the event loop.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from slochaos.toxiproxy.relay import Link
    from slochaos.toxiproxy.toxic import Toxic


class Sink(Protocol):
    """Where data goes: the next stage, or the link at the end of the chain."""

    def push(self, data: bytes) -> None:
        """Take data."""

    def finish(self, *, graceful: bool) -> None:
        """Take the end. `graceful`: the source said that it sends no more; else close what is left."""


class Stage:
    """Base of all toxics' effects: passes everything on. `born`: it was there when the connection began."""

    attributes: ClassVar[tuple[str, ...]] = ()
    capacity: ClassVar[int] = 0

    def __init__(self, toxic: Toxic, link: Link, *, born: bool) -> None:
        self.toxic = toxic
        self.link = link
        self.born = born
        self.next: Sink = link
        self.held = 0
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """The stage has just taken its place in the chain."""

    def push(self, data: bytes) -> None:
        """Take data from the stage before."""
        self.next.push(data)

    def finish(self, *, graceful: bool) -> None:
        """Take the end from the stage before."""
        self.next.finish(graceful=graceful)

    def changed(self) -> None:
        """The toxic's attributes have changed."""

    def release(self) -> None:
        """The toxic no longer acts on this connection: pass on at once what is held."""

    def drop(self) -> None:
        """The destination is gone: nothing has to be passed on any more."""
        self.cancel()

    def cut(self) -> None:
        """End the connection from here: nothing more is read, what was passed on is still delivered."""
        self.cancel()
        self.link.stop_reading()
        self.next.finish(graceful=False)

    def wait(self, delay_s: float, then: Callable[[], None]) -> None:
        """Call `then` after `delay_s`, instead of what was waited for until now."""
        self.cancel()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, delay_s), then)

    def cancel(self) -> None:
        """Wait for nothing."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def milliseconds(self, name: str) -> float:
        """An attribute in milliseconds, as seconds and never negative."""
        return max(0, self.toxic.attributes[name]) / 1000


class DelayingStage(Stage):
    """Base of the toxics that deliver later, in order: subclasses say when each piece is due."""

    capacity = 64 * 1024

    def __init__(self, toxic: Toxic, link: Link, *, born: bool) -> None:
        super().__init__(toxic, link, born=born)
        self._queue: deque[tuple[float, float, bytes]] = deque()
        self._end_graceful: bool | None = None
        self.busy_until = 0.0

    def plan(self, data: bytes, arrived: float) -> Iterator[tuple[float, bytes]]:
        """Pieces of `data` with the loop times at which they are due, ascending; inf = not before a change."""
        raise NotImplementedError

    def push(self, data: bytes) -> None:
        """Hold the data until it is due."""
        if self._end_graceful is None:
            self._enqueue(asyncio.get_running_loop().time(), data)
            self._deliver()

    def finish(self, *, graceful: bool) -> None:
        """Hold the end behind the data."""
        self._end_graceful = graceful and self._end_graceful is not False
        self._deliver()

    def changed(self) -> None:
        """Plan what is held anew."""
        held = list(self._queue)
        self._clear()
        self.busy_until = asyncio.get_running_loop().time()
        for _, arrived, data in held:
            self._enqueue(arrived, data)
        self._deliver()

    def release(self) -> None:
        """Deliver everything now."""
        held = list(self._queue)
        self._clear()
        for _, _, data in held:
            self.next.push(data)
        if self._end_graceful is not None:
            self.next.finish(graceful=self._end_graceful)

    def drop(self) -> None:
        """Forget everything."""
        self._clear()

    def _enqueue(self, arrived: float, data: bytes) -> None:
        for due, piece in self.plan(data, arrived):
            self._queue.append((due, arrived, piece))
            self.held += len(piece)

    def _deliver(self) -> None:
        """Pass on what is due and wait for the next."""
        now = asyncio.get_running_loop().time()
        while self._queue and self._queue[0][0] <= now:
            _, _, data = self._queue.popleft()
            self.held -= len(data)
            self.next.push(data)
        if self._queue:
            due = self._queue[0][0]
            if due < math.inf:
                self.wait(due - now, self._deliver)
        elif self._end_graceful is not None:
            self.next.finish(graceful=self._end_graceful)
        self.link.balance()

    def _clear(self) -> None:
        self.cancel()
        self._queue.clear()
        self.held = 0
