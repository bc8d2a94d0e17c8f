"""One client's connection and its upstream: two sockets, two links, no task.

Without toxics a link is one call: what was read from one socket is written to the other. With toxics the
data goes through their stages first. Back-pressure: a link stops reading while its destination's buffer
is full or a stage holds more than its capacity.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import socket
import struct
from collections.abc import Callable, Mapping, Sequence

from slochaos.toxiproxy.stage import Stage
from slochaos.toxiproxy.toxic import STREAMS, Stream, Toxic
from slochaos.toxiproxy.toxics import STAGES

RST_ON_CLOSE = struct.pack("ii", 1, 0)

Chains = Mapping[Stream, Sequence[Toxic]]


class Side(asyncio.Protocol):
    """One socket: what it reads goes to `outbound`, what `inbound` carries is written to it."""

    outbound: Link
    inbound: Link

    def __init__(self, on_lost: Callable[[], None]) -> None:
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._ended = False
        self.forward: Callable[[bytes], None] = _discard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Read nothing until the other side is there too."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Relay it."""
        self.forward(data)

    def eof_received(self) -> bool:
        """This side sends no more; it may still receive."""
        if not self._ended:
            self._ended = True
            self.outbound.end(graceful=True)
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The socket is closed: nothing can be written to it, and it sends no more."""
        self._ended = True
        self.inbound.drop()
        self.outbound.end(graceful=False)
        self._on_lost()

    def pause_writing(self) -> None:
        """Its buffer is full."""
        self.inbound.destination_full(True)

    def resume_writing(self) -> None:
        """Its buffer has room."""
        self.inbound.destination_full(False)

    @property
    def writer(self) -> asyncio.Transport:
        """Where to write to."""
        assert self._transport is not None
        return self._transport

    def set_reading(self, wanted: bool) -> None:
        """Read on, or leave the data in the kernel, which slows the sender down."""
        if self._ended or self._transport is None or self._transport.is_closing():
            return
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def end_writing(self) -> None:
        """Send FIN after what is written."""
        try:
            self.writer.write_eof()
        except OSError:
            self.abort()

    def close(self) -> None:
        """Close after what is written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self, *, rst: bool = False) -> None:
        """Close now."""
        if self._transport is None:
            return
        if rst and not self._transport.is_closing():
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
        self._transport.abort()


class Link:
    """One direction of a connection, with the stages of the toxics that act on it."""

    def __init__(self, source: Side, destination: Side) -> None:
        self.source = source
        self.destination = destination
        self.finished = False
        self._stages: list[Stage] = []
        self._draws: dict[Toxic, float] = {}
        self._born_with: frozenset[Toxic] = frozenset()
        self._destination_full = False
        self._blocked = False
        self._source_done = False

    def start(self, chain: Sequence[Toxic]) -> None:
        """The connection begins under these toxics."""
        self._born_with = frozenset(chain)
        self.follow(chain)

    def follow(self, chain: Sequence[Toxic], changed: Toxic | None = None) -> None:
        """Let exactly the toxics of `chain` act, as their toxicity and this connection's draw decide.

        Each toxic is drawn once per connection, so that other toxics' changes do not move its effect.
        """
        self._draws = {toxic: self._draws.get(toxic, random.random()) for toxic in chain}
        acting = [toxic for toxic in chain if self._draws[toxic] < toxic.toxicity]
        for stage in [stage for stage in self._stages if stage.toxic not in acting]:
            stage.release()
            stage.drop()
            self._stages.remove(stage)
            self._connect_stages()
        if self.finished:
            return
        present = {stage.toxic: stage for stage in self._stages}
        new = {toxic: self._stage(toxic) for toxic in acting if toxic not in present}
        self._stages = [present.get(toxic) or new[toxic] for toxic in acting]
        self._connect_stages()
        for stage in new.values():
            stage.start()
        if changed in present:
            present[changed].changed()
        self.balance()

    def end(self, *, graceful: bool) -> None:
        """The source ended: tell the first stage, or the destination."""
        first = self._stages[0] if self._stages else self
        first.finish(graceful=graceful)

    def push(self, data: bytes) -> None:
        """Write what came through all stages."""
        if not (self.finished or self.destination.writer.is_closing()):
            self.destination.writer.write(data)

    def finish(self, *, graceful: bool) -> None:
        """The end came through all stages: half-close the destination, or close it."""
        self.stop_reading()
        if not graceful:
            self.finished = True
            self.destination.close()
        elif not self.finished:
            self.finished = True
            self.destination.end_writing()
            if self.destination.outbound.finished:
                self.destination.close()
                self.source.close()

    def stop_reading(self) -> None:
        """Whatever the source still sends is of no use."""
        self._source_done = True
        self.source.forward = _discard

    def drop(self) -> None:
        """The destination is gone, and with it what is held."""
        self.finished = True
        self.stop_reading()
        for stage in self._stages:
            stage.drop()
        self._stages = []

    def reset_both(self) -> None:
        """Close both sockets by RST."""
        for side in (self.source, self.destination):
            side.abort(rst=True)

    def destination_full(self, full: bool) -> None:
        """The destination's buffer reached its high mark, or fell to its low mark."""
        self._destination_full = full
        self.balance()

    def balance(self) -> None:
        """Stop reading while there is no room, read on when there is."""
        blocked = self._destination_full or any(stage.held > stage.capacity for stage in self._stages)
        if blocked != self._blocked:
            self._blocked = blocked
            self.source.set_reading(not blocked)

    def _stage(self, toxic: Toxic) -> Stage:
        return STAGES[toxic.type](toxic, self, born=toxic in self._born_with)

    def _connect_stages(self) -> None:
        for stage, following in itertools.pairwise(self._stages):
            stage.next = following
        if self._stages:
            self._stages[-1].next = self
        if not self._source_done:
            self.source.forward = self._stages[0].push if self._stages else self.destination.writer.write


class Connection:
    """A client, its upstream, and a link for each direction."""

    def __init__(self, on_closed: Callable[[Connection], None]) -> None:
        self._on_closed = on_closed
        self._open = 2
        self.client = Side(self._lost)
        self.upstream = Side(self._lost)
        self._links: dict[Stream, Link] = {
            "upstream": Link(self.client, self.upstream),
            "downstream": Link(self.upstream, self.client),
        }
        self.client.outbound = self.upstream.inbound = self._links["upstream"]
        self.client.inbound = self.upstream.outbound = self._links["downstream"]

    def start(self, chains: Chains) -> None:
        """Both sockets are connected: relay."""
        for stream in STREAMS:
            self._links[stream].start(chains[stream])
        for side in (self.client, self.upstream):
            side.set_reading(True)

    def follow(self, stream: Stream, chain: Sequence[Toxic], changed: Toxic | None) -> None:
        """The proxy's toxics of one direction have changed."""
        self._links[stream].follow(chain, changed)

    def abort(self) -> None:
        """Close both sockets now."""
        self.client.abort()
        self.upstream.abort()

    def _lost(self) -> None:
        self._open -= 1
        if not self._open:
            self._on_closed(self)


def _discard(data: bytes) -> None:
    """Where data goes that nobody will read."""
