"""Servers in a network namespace: HTTP, TCP and UDP echo, a source and a sink. Threads of this process serve them."""

from __future__ import annotations

import http.server
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from tests.namespaces import NetworkNamespace

SO_RCVBUFFORCE = 33  # as root, beyond the system's limit
ECHO, SINK, SOURCE, HTTP = 7, 9, 19, 8080


@dataclass(frozen=True)
class NamespaceServers:
    """Their ports, and how many datagrams reached the UDP echo so far."""

    udp: _Datagrams
    echo_port: int = ECHO
    sink_port: int = SINK
    source_port: int = SOURCE
    http_port: int = HTTP

    @property
    def datagrams(self) -> int:
        """Datagrams that arrived since the start."""
        return self.udp.arrived


class _Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        connection: socket.socket = self.request
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except OSError:
            return  # cut by the fault that the test is about


class _Sink(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Read to the end, then say so."""
        try:
            while self.request.recv(1 << 18):
                pass
            self.request.sendall(b".")
        except OSError:
            return


class _Source(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Send until the client has enough."""
        chunk = bytes(1 << 16)
        try:
            while True:
                self.request.sendall(chunk)
        except OSError:
            return


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Tests read answers, not logs."""


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that a fault cut is no error of the server."""


class _Datagrams:
    def __init__(self, datagrams: socket.socket) -> None:
        self.arrived = 0
        self._socket = datagrams
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
        self._socket.settimeout(0.1)
        self._ended = threading.Event()

    def serve_forever(self) -> None:
        while not self._ended.is_set():
            try:
                data, sender = self._socket.recvfrom(2048)
                self.arrived += 1
                self._socket.sendto(data, sender)
            except OSError:
                continue  # nothing came, or the answer was refused

    def shutdown(self) -> None:
        self._ended.set()


@contextmanager
def namespace_servers(namespace: NetworkNamespace, address: str) -> Iterator[NamespaceServers]:
    """The servers on `address` inside `namespace`, for the length of the block."""
    handlers = {ECHO: _Echo, SINK: _Sink, SOURCE: _Source, HTTP: _Page}
    with ExitStack() as stack:
        for port, handler in handlers.items():
            server = stack.enter_context(namespace.call(partial(_Tcp, (address, port), handler)))
            stack.enter_context(_served(partial(server.serve_forever, poll_interval=0.02), server.shutdown))
        datagrams = stack.enter_context(namespace.udp(address, ECHO))
        udp = _Datagrams(datagrams)
        stack.enter_context(_served(udp.serve_forever, udp.shutdown))
        yield NamespaceServers(udp)


@contextmanager
def _served(serve: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop()
        thread.join(timeout=5)
