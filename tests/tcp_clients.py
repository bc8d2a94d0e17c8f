"""A client's view of a TCP connection, for tests: nothing waits for ever."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SOON_S = 10.0


@contextmanager
def connected(address: tuple[str, int]) -> Iterator[socket.socket]:
    """A client whose calls fail after ten seconds instead of hanging."""
    with socket.create_connection(address, timeout=SOON_S) as client:
        yield client


def ask(client: socket.socket, text: bytes = b"ping") -> bytes:
    """Send and wait for the echo, or for the end of the connection."""
    client.sendall(text)
    return client.recv(65536)


def read_all(client: socket.socket) -> bytes:
    """Everything until the connection ends."""
    return b"".join(iter(lambda: client.recv(65536), b""))


def is_silent(client: socket.socket, for_s: float = 0.3) -> bool:
    """Whether nothing arrives, no data and no end."""
    return not select.select([client], [], [], for_s)[0]


def is_closed(client: socket.socket) -> bool:
    """Whether the connection ends without more data."""
    try:
        return client.recv(65536) == b""
    except ConnectionResetError:
        return True


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it holds within ten seconds."""
    deadline = time.monotonic() + SOON_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
