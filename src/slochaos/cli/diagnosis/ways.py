"""Whether what measures is reached through what is broken: then a fault blinds the run that looks at it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from slochaos.cli.diagnosis import Finding, missing

if TYPE_CHECKING:
    from slochaos.spec.environment import Environment
    from slochaos.spec.targets import AllowedProxy

_EVERY_ADDRESS = {"", "0.0.0.0", "::"}  # noqa: S104 - compared with, not listened on
_LOOPBACK = frozenset({"127.0.0.1", "::1"})

Lookup = Callable[[str], frozenset[str]]


def findings(environment: Environment) -> Iterator[Finding]:
    """The environment's sources against its own proxies."""
    for source in environment.sources:
        url = source.url
        yield from through(f"source {source.name}", url, environment.targets.proxies, "read it")
    if "@" in environment.ledger or environment.ledger.startswith(("postgresql", "mysql")):
        yield from through(
            "ledger", environment.ledger, environment.targets.proxies, "reach it", shown="its database"
        )


def through(
    what: str, url: str, proxies: Iterable[AllowedProxy], fix: str, shown: str = ""
) -> Iterator[Finding]:
    """A finding for each proxy that the URL leads to. `shown` stands for a URL that holds a password."""
    for proxy in proxies:
        if leads_through(url, proxy):
            yield missing(
                what,
                f"{shown or url} goes through the proxy {proxy.name}: a fault there hides what it does",
                f"{fix} at {proxy.upstream}, past the proxy",
            )


def leads_through(url: str, proxy: AllowedProxy, lookup: Lookup | None = None) -> bool:
    """Whether a connection to the URL is taken by the proxy's listener. `lookup` gives a host's addresses."""
    lookup = lookup or addresses
    parts = urlsplit(url)
    listen_host, _, listen_port = proxy.listen.rpartition(":")
    try:
        port = parts.port or {"http": 80, "https": 443, "postgresql": 5432}.get(
            parts.scheme.partition("+")[0]
        )
    except ValueError:
        return False
    if not parts.hostname or str(port) != listen_port:
        return False
    listen_host = listen_host.strip("[]")
    if listen_host not in _EVERY_ADDRESS:
        return bool(lookup(parts.hostname) & lookup(listen_host))
    server = lookup(urlsplit(proxy.server).hostname or "")
    own = lookup(socket.gethostname()) if server & _LOOPBACK else frozenset()
    return bool(lookup(parts.hostname) & (server | own))


def addresses(host: str) -> frozenset[str]:
    """The host's addresses, or itself where it has none; every spelling of loopback is the same one."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP)}
    except (OSError, UnicodeError):
        found = {host}
    return frozenset(_LOOPBACK | found if any(a.startswith("127.") or a == "::1" for a in found) else found)
