"""Real `/metrics` pages, and servers that answer badly in one way each. Loopback only, ports of the system."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from prometheus_client import CollectorRegistry, start_http_server

Answer = Callable[[socket.socket], None]
"""What a bad server does with a connection after it has read a request. Returning closes it."""


@contextmanager
def metrics_page(registry: CollectorRegistry) -> Iterator[str]:
    """The URL of prometheus-client's own server over this registry."""
    server, thread = start_http_server(0, "127.0.0.1", registry=registry)
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def bad_server(answer: Answer) -> Iterator[str]:
    """The URL of a server that does what `answer` does, a connection at a time, until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    ending = threading.Event()

    def serve() -> None:
        while not ending.is_set():
            with suppress(OSError):
                connection, _ = listening.accept()
                with connection, suppress(OSError):
                    connection.settimeout(5)
                    while connection.recv(65536):
                        answer(connection)
                        if ending.is_set():
                            return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/metrics"
    finally:
        ending.set()
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def whole(
    body: bytes, head: str = "HTTP/1.1 200 OK", kind: str = "text/plain", length: int | None = None
) -> Answer:
    """An answer in one piece."""
    size = len(body) if length is None else length
    text = f"{head}\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n".encode() + body

    def answer(connection: socket.socket) -> None:
        connection.sendall(text)
        if length is not None:
            connection.shutdown(socket.SHUT_RDWR)

    return answer


def hang(connection: socket.socket) -> None:
    """Say nothing until the client gives up."""
    with suppress(OSError):
        connection.recv(1)


def drip(connection: socket.socket) -> None:
    """A byte every 50 ms: no single read ever times out."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while True:
        connection.sendall(b"#")
        time.sleep(0.05)


def drip_head(connection: socket.socket) -> None:
    """The same, before the headers are complete."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:
        connection.sendall(b"a")
        time.sleep(0.05)


def endless(connection: socket.socket) -> None:
    """A body without end, as fast as it goes."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"# comment\n" * 6553 + b"# pad\n" + b"\r\n"
    while True:
        connection.sendall(chunk)


def close_at_once(connection: socket.socket) -> None:
    """No answer at all."""
    connection.shutdown(socket.SHUT_RDWR)
