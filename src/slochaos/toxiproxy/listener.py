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


def bind(host: str, port: int) -> socket.socket:
    """A socket that has the address but does not listen: clients are refused, and nobody else gets the port.

    Raises CannotListen with the system's reason.
    """
    try:
        family, where = addresses.resolve(host, port)
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(where)
        except OSError:
            bound.close()
            raise
    except (OSError, ValueError) as error:  # ValueError: a host that cannot be encoded as a name
        raise CannotListen(addresses.join(host, port), _reason(error)) from error
    return bound


class Listener:
    """Accepts clients and hands each non-blocking socket to `on_client`."""

    def __init__(self, bound: socket.socket, on_client: Callable[[socket.socket], None]) -> None:
        """Listen from now on. Raises CannotListen, and closes the socket then."""
        self._on_client = on_client
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._socket = bound
        self.address = addresses.join(*bound.getsockname()[:2])
        try:
            bound.setblocking(False)
            bound.listen(BACKLOG)
        except OSError as error:
            bound.close()
            raise CannotListen(self.address, _reason(error)) from error
        self._watch()

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


def _reason(error: OSError | ValueError) -> str:
    return str(getattr(error, "strerror", None) or error).lower()
