"""TCP servers of the tests: something to relay to."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Upstream:
    """A TCP server of the test on loopback."""

    host: str
    port: int

    @property
    def address(self) -> str:
        """As Toxiproxy writes it."""
        return f"{self.host}:{self.port}"


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        connection: socket.socket = self.request
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            return  # the proxy cut the connection: what many tests are about


class _EchoServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


@contextmanager
def echo_server() -> Iterator[Upstream]:
    """A server that sends back what it gets and closes when its client does."""
    with _EchoServer(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield Upstream("127.0.0.1", int(server.server_address[1]))
        finally:
            server.shutdown()
            thread.join(timeout=5)
