"""A listening socket on the event loop. Opened and closed at once, without a task: nothing can come between."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from slochaos.toxiproxy import addresses
from slochaos.toxiproxy.errors import CannotListen

BACKLOG = 1024
AT_ONCE = 64
PAUSE_S = 0.5

log = logging.getLogger(__name__)


class Listener:
    """Accepts clients and hands each non-blocking socket to `on_client`."""

    def __init__(self, host: str, port: int, on_client: Callable[[socket.socket], None]) -> None:
        """Listen from now on. Raises CannotListen with the system's reason."""
        self._on_client = on_client
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        try:
            family, where = addresses.resolve(host, port)
            self._socket = socket.socket(family, socket.SOCK_STREAM)
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self._socket.setblocking(False)
                self._socket.bind(where)
                self._socket.listen(BACKLOG)
            except OSError:
                self._socket.close()
                raise
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise CannotListen(addresses.join(host, port), reason) from error
        self._watch()

    @property
    def address(self) -> str:
        """Where it listens, with the port that the system chose."""
        host, port = self._socket.getsockname()[:2]
        return addresses.join(host, port)

    def close(self) -> None:
        """Refuse new clients from now on."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _watch(self) -> None:
        self._pause = None
        self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                client, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # Out of file descriptors: spinning on a readable socket would starve those that are open.
                log.warning("cannot accept on %s: %s", self.address, error)
                self._loop.remove_reader(self._socket)
                self._pause = self._loop.call_later(PAUSE_S, self._watch)
                return
            client.setblocking(False)
            self._on_client(client)
