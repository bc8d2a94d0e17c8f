"""Removing expired faults without any state: owner and expiry stand in the names on the server itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from slochaos import clock
from slochaos.faults.toxiproxy.api import ProxyState, ToxiproxyServer
from slochaos.faults.toxiproxy.lock import LOCK_PREFIX, LOCK_UPSTREAM
from slochaos.faults.toxiproxy.proxy import TOXIC_NAME


@dataclass(frozen=True)
class Swept:
    """Something of ours whose time was over, and what was done."""

    server: str
    proxy: str
    what: str


def sweep(servers: Iterable[str]) -> list[Swept]:
    """Remove what has expired on these Toxiproxy servers; what others made is left alone. Raises TargetError."""
    due = clock.wall()
    return [swept for url in dict.fromkeys(servers) for swept in _sweep_server(ToxiproxyServer(url), due)]


def _sweep_server(server: ToxiproxyServer, due: float) -> list[Swept]:
    swept = []
    for name, state in server.proxies().items():
        lock = LOCK_UPSTREAM.match(str(state.proxy.upstream)) if name.startswith(LOCK_PREFIX) else None
        if lock and not state.enabled and int(lock["expires"]) <= due:
            server.delete_proxy(name)
            swept.append(Swept(server.url, name, f"released the lock of run {lock['run']}"))
        else:
            swept += _sweep_proxy(server, name, state, due)
    return swept


def _sweep_proxy(server: ToxiproxyServer, name: str, state: ProxyState, due: float) -> list[Swept]:
    swept = []
    for toxic in state.toxics:
        match = TOXIC_NAME.match(toxic)
        if not match or int(match["expires"]) > due:
            continue
        what = f"removed the toxic {toxic}"
        if match["down"] and not state.enabled:
            server.set_enabled(name, enabled=True)
            what = f"enabled the proxy that run {match['run']} took down"
        server.delete_toxic(name, toxic)
        swept.append(Swept(server.url, name, what))
    return swept
