"""The toxics: what each does to the data of one direction. Attributes have toxiproxy-server's names and units."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

from slochaos.toxiproxy.stage import DelayingStage, Stage

if TYPE_CHECKING:
    from slochaos.toxiproxy.relay import Link
    from slochaos.toxiproxy.toxic import Toxic


class Latency(DelayingStage):
    """Delays everything by `latency` +/- `jitter` ms (uniform), never out of order."""

    attributes = ("latency", "jitter")
    # The delay must not become a limit of throughput: 8 MiB in flight are 64 Mbit/s at one second.
    capacity = 8 * 1024 * 1024

    def plan(self, data: bytes, arrived: float) -> Iterator[tuple[float, bytes]]:
        """One piece, its delay counted from its arrival."""
        jitter = max(0, self.toxic.attributes["jitter"])
        delay_ms = self.toxic.attributes["latency"] + random.uniform(-jitter, jitter)
        self.busy_until = max(self.busy_until, arrived + delay_ms / 1000)
        yield self.busy_until, data


class Bandwidth(DelayingStage):
    """Lets through `rate` KB/s (of 1000 bytes) in portions of at most 100 ms; a rate of 0 lets nothing through."""

    attributes = ("rate",)

    def plan(self, data: bytes, arrived: float) -> Iterator[tuple[float, bytes]]:
        """Each portion is due when its last byte would be through."""
        bytes_per_s = self.toxic.attributes["rate"] * 1000
        if bytes_per_s <= 0:
            yield math.inf, data
            return
        at = max(self.busy_until, arrived)
        portion = bytes_per_s // 10
        for start in range(0, len(data), portion):
            piece = data[start : start + portion]
            at += len(piece) / bytes_per_s
            yield at, piece
        self.busy_until = at


class Slicer(DelayingStage):
    """Cuts data into pieces of `average_size` +/- `size_variation` bytes, `delay` microseconds apart."""

    attributes = ("average_size", "size_variation", "delay")

    def plan(self, data: bytes, arrived: float) -> Iterator[tuple[float, bytes]]:
        """The first piece goes at once."""
        pause_s = max(0, self.toxic.attributes["delay"]) / 1e6
        average = max(1, self.toxic.attributes["average_size"])
        variation = min(max(0, self.toxic.attributes["size_variation"]), average - 1)
        at = max(self.busy_until, arrived)
        start = 0
        while start < len(data):
            size = average + random.randint(-variation, variation)
            yield at, data[start : start + size]
            start += size
            at += pause_s
        self.busy_until = at


class Timeout(Stage):
    """Swallows all data, and closes the connection when none came for `timeout` ms; 0 never closes it."""

    attributes = ("timeout",)

    def start(self) -> None:
        """The silence counts from now."""
        self.cancel()
        if self.toxic.attributes["timeout"] > 0:
            self.wait(self.milliseconds("timeout"), self.cut)

    def push(self, data: bytes) -> None:  # noqa: ARG002
        """Swallow, and count the silence anew."""
        self.start()

    def finish(self, *, graceful: bool) -> None:
        """A source that ends is not held back."""
        self.cancel()
        self.next.finish(graceful=graceful)

    def changed(self) -> None:
        """Count the silence anew."""
        self.start()

    def release(self) -> None:
        """Data is missing from the stream, so it cannot go on."""
        self.cut()


class ResetPeer(Stage):
    """Closes the connection `timeout` ms after the first data that it sees.

    By RST where the toxic was there when the connection began; like toxiproxy-server, by FIN on
    connections that were open already.
    """

    attributes = ("timeout",)

    def __init__(self, toxic: Toxic, link: Link, *, born: bool) -> None:
        super().__init__(toxic, link, born=born)
        self._doomed = False

    def push(self, data: bytes) -> None:  # noqa: ARG002
        """Swallow it, and let the connection end."""
        if not self._doomed:
            self._doomed = True
            self.wait(self.milliseconds("timeout"), self._end)

    def finish(self, *, graceful: bool) -> None:  # noqa: ARG002
        """The end of the source counts as data."""
        self.push(b"")

    def release(self) -> None:
        """A connection that lost data cannot go on."""
        if self._doomed:
            self._end()

    def _end(self) -> None:
        if self.born:
            self.link.reset_both()
        else:
            self.cut()


class LimitData(Stage):
    """Closes the connection after `bytes` bytes."""

    attributes = ("bytes",)

    def __init__(self, toxic: Toxic, link: Link, *, born: bool) -> None:
        super().__init__(toxic, link, born=born)
        self._passed = 0

    def push(self, data: bytes) -> None:
        """Pass on what is within the limit."""
        left = max(0, self.toxic.attributes["bytes"] - self._passed)
        if left:
            self._passed += min(left, len(data))
            self.next.push(data[:left])
        if self._passed >= self.toxic.attributes["bytes"]:
            self.cut()


class SlowClose(Stage):
    """Holds back the end of the source by `delay` ms."""

    attributes = ("delay",)

    def __init__(self, toxic: Toxic, link: Link, *, born: bool) -> None:
        super().__init__(toxic, link, born=born)
        self._end_graceful: bool | None = None

    def finish(self, *, graceful: bool) -> None:
        """Wait; a second end, when a source that sent all also goes away, does not wait anew."""
        first = self._end_graceful is None
        self._end_graceful = graceful and self._end_graceful is not False
        if first:
            self.wait(self.milliseconds("delay"), self.release)

    def release(self) -> None:
        """Pass on an end that is held back."""
        self.cancel()
        if self._end_graceful is not None:
            self.next.finish(graceful=self._end_graceful)


class Noop(Stage):
    """Changes nothing."""


STAGES: dict[str, type[Stage]] = {
    "latency": Latency,
    "bandwidth": Bandwidth,
    "slicer": Slicer,
    "timeout": Timeout,
    "reset_peer": ResetPeer,
    "limit_data": LimitData,
    "slow_close": SlowClose,
    "noop": Noop,
}
