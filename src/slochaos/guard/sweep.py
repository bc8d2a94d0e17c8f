"""Removing expired faults without any state: owner and expiry stand in the names on the server itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from slochaos import clock
from slochaos.faults.docker.engine import Engine
from slochaos.faults.docker.lock import holder_of
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
    """Remove what has expired on these Toxiproxy servers and Docker daemons (`unix://`, `tcp://`).

    What others made is left alone. Raises TargetError.
    """
    due = clock.wall()
    swept: list[Swept] = []
    for url in dict.fromkeys(servers):
        swept += _sweep_daemon(url, due) if is_daemon(url) else _sweep_server(ToxiproxyServer(url), due)
    return swept


def is_daemon(url: str) -> bool:
    """Whether this is the address of a Docker daemon."""
    return url.startswith(("unix://", "tcp://"))


def _sweep_daemon(url: str, due: float) -> list[Swept]:
    """Locks only: what Docker itself was told stays until it is recovered."""
    swept = []
    with Engine(url) as engine:
        for lock in engine.locks():
            run, expires = holder_of(lock)
            if run and expires <= due and not lock.running:
                engine.remove(lock.id)
                swept.append(Swept(url, lock.name, f"released the lock of run {run}"))
    return swept


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
