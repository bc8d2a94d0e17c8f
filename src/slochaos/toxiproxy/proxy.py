"""A proxy: where it listens, what it relays to, its toxics and its open connections.

Every change is made at once, within one call: a request never sees half of another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Mapping
from typing import Any

from slochaos.toxiproxy import addresses
from slochaos.toxiproxy.addresses import Limits
from slochaos.toxiproxy.errors import ApiError, CannotListen
from slochaos.toxiproxy.listener import Listener, bind
from slochaos.toxiproxy.relay import Connection
from slochaos.toxiproxy.toxic import STREAMS, Stream, Toxic

log = logging.getLogger(__name__)


class Proxy:
    """One proxy. Created disabled; `start` listens."""

    def __init__(self, name: str, listen: str, upstream: str, limits: Limits) -> None:
        self.name = name
        self.listen = listen
        self.upstream = upstream
        self._limits = limits
        self._listener: Listener | None = None
        self._reserved: socket.socket | None = None
        self._chains: dict[Stream, list[Toxic]] = {stream: [] for stream in STREAMS}
        self._connections: set[Connection] = set()
        self._dials: set[asyncio.Task[None]] = set()
        self._upstream_answers = True

    @property
    def enabled(self) -> bool:
        """Whether it listens and relays."""
        return self._listener is not None

    @property
    def toxics(self) -> list[Toxic]:
        """All toxics, those of the upstream direction first."""
        return [toxic for stream in STREAMS for toxic in self._chains[stream]]

    def start(self) -> None:
        """Listen and relay. Raises ApiError when it may not, or cannot."""
        if self._listener is not None:
            return
        host, port = self._allowed(self.listen, self.upstream)
        bound, self._reserved = self._reserved or bind(host, port), None
        self._listener = Listener(bound, self._accept)
        self.listen = self._listener.address
        log.info("proxy %s relays %s -> %s", self.name, self.listen, self.upstream)

    def stop(self) -> None:
        """Refuse new clients and close all connections, but keep the port.

        Otherwise the system might give it to some outgoing connection, and `start` would fail.
        """
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        with contextlib.suppress(CannotListen):
            self._reserved = bind(*addresses.split(self.listen))
        for dial in self._dials:
            dial.cancel()
        for connection in list(self._connections):
            connection.abort()
        log.info("proxy %s is disabled", self.name)

    def close(self) -> None:
        """Stop, and give the port back."""
        self.stop()
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def is_at(self, listen: str, upstream: str) -> bool:
        """Whether it has these addresses; a listen text is compared as it resolves."""
        return self.upstream == upstream and self.listen in (listen, _resolved(listen))

    def update(self, listen: str, upstream: str, *, enabled: bool) -> None:
        """Move, enable or disable it. Open connections survive only what changes nothing.

        Raises ApiError: 403 before anything is changed, 500 when it cannot listen any more.
        """
        if enabled:
            self._allowed(listen, upstream)
        if not self.is_at(listen, upstream):
            self.close()
            self.listen, self.upstream = listen, upstream
        if enabled:
            self.start()
        else:
            self.stop()

    def toxic(self, name: str) -> Toxic:
        """The toxic called `name`. Raises ApiError 404."""
        for toxic in self.toxics:
            if toxic.name == name:
                return toxic
        raise ApiError(404, "toxic not found")

    def add_toxic(self, toxic: Toxic) -> None:
        """Let it act from now on, on open connections too. Raises ApiError 409 for a name that is taken."""
        if any(present.name == toxic.name for present in self.toxics):
            raise ApiError(409, "toxic already exists")
        self._chains[toxic.stream].append(toxic)
        self._follow(toxic.stream)

    def update_toxic(self, name: str, fields: Mapping[str, Any]) -> Toxic:
        """Change toxicity and attributes. Raises ApiError 400 and 404."""
        toxic = self.toxic(name)
        toxic.update(fields)
        self._follow(toxic.stream, toxic)
        return toxic

    def remove_toxic(self, name: str) -> None:
        """End it, and pass on what it holds. Raises ApiError 404."""
        toxic = self.toxic(name)
        self._chains[toxic.stream].remove(toxic)
        self._follow(toxic.stream)

    def remove_toxics(self) -> None:
        """End all toxics."""
        for stream in STREAMS:
            self._chains[stream].clear()
            self._follow(stream)

    def to_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "toxics": [toxic.to_json() for toxic in self.toxics],
        }

    def _allowed(self, listen: str, upstream: str) -> tuple[str, int]:
        """Where to listen, if that and the upstream are allowed. Raises ApiError 403."""
        host, port = addresses.split(listen)
        host = host or addresses.LOOPBACK
        self._limits.check_listen(host)
        self._limits.check_upstream(upstream)
        return host, port

    def _follow(self, stream: Stream, changed: Toxic | None = None) -> None:
        for connection in list(self._connections):
            connection.follow(stream, self._chains[stream], changed)

    def _accept(self, client: socket.socket) -> None:
        dial = asyncio.get_running_loop().create_task(self._relay(client))
        self._dials.add(dial)
        dial.add_done_callback(self._dials.discard)

    async def _relay(self, client: socket.socket) -> None:
        """Connect to the upstream, then let the two sockets' callbacks do the rest."""
        connection = Connection(self._connections.discard)
        loop = asyncio.get_running_loop()
        try:
            host, port = addresses.split(self.upstream)
            await loop.create_connection(lambda: connection.upstream, host or addresses.LOOPBACK, port)
            await loop.connect_accepted_socket(lambda: connection.client, client)
        except (OSError, ValueError, ApiError) as error:  # ValueError: a host that is no name
            self._note_upstream(str(error))
            client.close()
            connection.abort()
        except asyncio.CancelledError:
            client.close()
            connection.abort()
            raise
        else:
            self._note_upstream("")
            self._connections.add(connection)
            connection.start(self._chains)

    def _note_upstream(self, failure: str) -> None:
        """Log the first of a row of failures, and their end: an outage must not flood the log."""
        if failure and self._upstream_answers:
            log.warning("proxy %s cannot connect to its upstream %s: %s", self.name, self.upstream, failure)
        elif not failure and not self._upstream_answers:
            log.info("proxy %s connects to its upstream again", self.name)
        self._upstream_answers = not failure


def _resolved(listen: str) -> str:
    """The numeric text of a listen address; names other than localhost are not looked up."""
    host, port = addresses.split(listen)
    if not host or host.lower() == "localhost":
        host = addresses.LOOPBACK
    return addresses.join(host, port)
