"""HTTP for sources: one kept connection, no redirects, no proxies, and a deadline that a dripping server
cannot stretch.

Timeouts of the usual clients are per read, so a server that sends one byte a second holds them for ever.
Here every read of the socket gets what is left until one deadline.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
from typing import Any
from urllib.parse import SplitResult


class FetchError(Exception):
    """Why there is no answer; the message is a short phrase."""


class _Deadline:
    """Mixed into a socket: no read lasts beyond `deadline` (time.monotonic seconds)."""

    deadline: float = 0.0

    def recv_into(self, *arguments: Any) -> int:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        self.settimeout(left)  # type: ignore[attr-defined]
        received: int = super().recv_into(*arguments)  # type: ignore[misc]
        return received


class _PlainSocket(_Deadline, socket.socket):
    pass


class _TlsSocket(_Deadline, ssl.SSLSocket):
    pass


class Connection(http.client.HTTPConnection):
    """A connection to one host. `deadline` is set before each request and holds for all of its answer."""

    def __init__(self, url: SplitResult, connect_timeout_s: float) -> None:
        if not url.hostname:
            raise FetchError("the URL names no host")
        self.default_port = 443 if url.scheme == "https" else 80
        super().__init__(url.hostname, url.port or self.default_port)
        self.connect_timeout_s = connect_timeout_s
        self._tls = _tls_context() if url.scheme == "https" else None
        self._deadline = time.monotonic()

    def set_deadline(self, deadline: float) -> None:
        """From now on nothing waits beyond `deadline` (time.monotonic seconds)."""
        self._deadline = deadline
        if isinstance(self.sock, _PlainSocket | _TlsSocket):
            self.sock.deadline = deadline
            self.sock.settimeout(max(deadline - time.monotonic(), 0.001))

    def connect(self) -> None:
        """Connect to the first address that answers; link-local addresses are refused."""
        patience = min(self.connect_timeout_s, max(self._deadline - time.monotonic(), 0.001))
        plain = _connect(_allowed_addresses(self.host, self.port), patience)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock: socket.socket = plain
        if self._tls is not None:
            try:
                sock = self._tls.wrap_socket(plain, server_hostname=self.host)
            except BaseException:
                plain.close()
                raise
        self.sock = sock
        self.set_deadline(self._deadline)


def _tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.sslsocket_class = _TlsSocket
    return context


def _allowed_addresses(host: str, port: int) -> list[tuple[Any, ...]]:
    """Where to connect. Link-local addresses hold cloud metadata services, which hand out credentials."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"the name {host} cannot be resolved") from error
    for *_, address in found:
        ip = ipaddress.ip_address(str(address[0]).partition("%")[0])
        ip = getattr(ip, "ipv4_mapped", None) or ip
        if ip.is_link_local:
            raise FetchError(f"refused: {ip} is a link-local address")
    return list(found)


def _connect(addresses: list[tuple[Any, ...]], patience_s: float) -> socket.socket:
    failure: OSError = OSError("no address")
    for kind, type_, protocol, _, address in addresses:
        sock = _PlainSocket(kind, type_, protocol)
        sock.settimeout(patience_s)
        try:
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure
