"""`host:port` texts, and the rule where this server may listen and what it may relay to."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from slochaos.spec.endpoints import is_loopback
from slochaos.toxiproxy.errors import ApiError

LOOPBACK = "127.0.0.1"


def split(address: str) -> tuple[str, int]:
    """Host and port of `host:port`, `[v6]:port` or `:port`. Raises ApiError 500, as toxiproxy-server does."""
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or (":" in host and not bracketed):
        raise ApiError(500, f"address {address}: missing port in address, or too many colons")
    if not (port.isascii() and (port == "" or port.isdigit()) and int(port or 0) < 65536):
        raise ApiError(500, f"address {address}: invalid port")
    return host[1:-1] if bracketed else host, int(port or 0)


def join(host: str, port: int) -> str:
    """The text of an address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """Family and socket address to listen on; IPv4 where a name has both. Raises OSError."""
    if host.lower() == "localhost":
        host = LOOPBACK
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, where = min(found, key=lambda info: info[0] != socket.AF_INET)
    return family, (str(where[0]), int(where[1]))


@dataclass(frozen=True)
class Limits:
    """What keeps this server from becoming an open relay: loopback only, unless a flag says otherwise.

    `upstreams` are those that the command line and the configuration file name.
    """

    listen_elsewhere: bool = False
    any_upstream: bool = False
    upstreams: frozenset[str] = frozenset()

    def check_listen(self, host: str) -> None:
        """Raise ApiError 403 for an address that other machines can reach."""
        if not (self.listen_elsewhere or is_loopback(host)):
            raise ApiError(403, f"listening on {host or 'every address'} needs the flag --listen-elsewhere")

    def check_upstream(self, upstream: str) -> None:
        """Raise ApiError 403 for an upstream that nobody listed; asked before anything is dialled."""
        if self.any_upstream or upstream in self.upstreams or is_loopback(split(upstream)[0] or LOOPBACK):
            return
        raise ApiError(
            403,
            f"relaying to {upstream} needs the flag --allow-any-upstream, "
            "or a proxy with that upstream on the command line or in the configuration file",
        )
