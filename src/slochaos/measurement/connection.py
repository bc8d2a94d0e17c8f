"""HTTP for sources: one kept connection, no redirects, no proxies, a limit of size, and a deadline that a
dripping server cannot stretch.

Timeouts of the usual clients are per read, so a server that sends one byte a second holds them for ever.
Here every read of the socket gets what is left until one deadline.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult


class FetchError(Exception):
    """Why there is no answer; the message is a short phrase."""


class TooLarge(FetchError):
    """The answer has more bytes than the limit."""


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
    """A connection to one host. `deadline` is set before each request and holds for all of its answer.

    `tls` makes the context of an https connection; without, the system's authorities are trusted.
    """

    def __init__(
        self, url: SplitResult, connect_timeout_s: float, tls: Callable[[], ssl.SSLContext] | None = None
    ) -> None:
        if not url.hostname:
            raise FetchError("the URL names no host")
        self.default_port = 443 if url.scheme == "https" else 80
        super().__init__(url.hostname, url.port or self.default_port)
        self.connect_timeout_s = connect_timeout_s
        self._tls = (tls or tls_context)() if url.scheme == "https" else None
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


def tls_context(
    ca: Path | None = None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """Trusts `ca` (PEM; default: the system's authorities) and shows `certificate` where the server asks.

    Raises OSError (ssl.SSLError among them) for files that cannot be used; a key with a passphrase is one.
    """
    context = ssl.create_default_context(cafile=ca)
    context.sslsocket_class = _TlsSocket
    if certificate is not None:
        context.load_cert_chain(certificate, key, password=_no_passphrase)
    return context


def _no_passphrase() -> str:
    raise ssl.SSLError("the key has a passphrase, and nobody is there to type it")


def read_body(response: http.client.HTTPResponse, limit: int, what: str = "answer") -> bytes:
    """The whole body, unpacked if it is gzip. Closes the response, so that its connection is free again.

    Raises FetchError for a body that is cut off, TooLarge for one of more than `limit` bytes.
    """
    with response:
        return b"".join(_pieces(response, limit, what))


def _pieces(response: http.client.HTTPResponse, limit: int, what: str) -> Iterator[bytes]:
    too_large = TooLarge(f"the {what} is larger than {limit} bytes")
    if response.length is not None and response.length > limit:
        raise too_large
    encoding = response.getheader("Content-Encoding", "identity").lower()
    unpack = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
    left = limit
    while part := response.read1(65536):
        piece = part if unpack is None else unpack.decompress(part, left + 1)
        left -= len(piece)
        if left < 0:
            raise too_large
        yield piece
    if response.length or (unpack is not None and not unpack.eof):
        raise FetchError(f"the {what} is cut off")


def phrase(error: Exception, deadline_s: float) -> str:
    """What went wrong, for people."""
    match error:
        case TimeoutError():
            text = f"no complete answer within {deadline_s:g} s"
        case ConnectionRefusedError():
            text = "connection refused"
        case http.client.IncompleteRead():
            text = "the answer is cut off"
        case ConnectionError():
            text = "the connection was closed without an answer"
        case ssl.SSLError():
            text = f"TLS: {getattr(error, 'verify_message', '') or error.reason or 'it failed'}"
        case http.client.HTTPException():
            text = f"the answer is no HTTP ({type(error).__name__})"
        case zlib.error():
            text = "the answer is no gzip, though it says so"
        case _:
            text = str(error) or type(error).__name__
    return text


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
