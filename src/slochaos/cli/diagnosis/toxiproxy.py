"""Toxiproxy servers: whether they answer, whether proxies are what the environment says, what was left on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING

from slochaos.cli.diagnosis import Finding, missing, note, ok
from slochaos.errors import SlochaosError

if TYPE_CHECKING:
    from slochaos.faults.toxiproxy.api import ProxyState
    from slochaos.spec.targets import AllowedProxy

_PATIENCE_S = 2.0


def findings(proxies: Iterable[AllowedProxy]) -> Iterator[Finding]:
    """Look at each server that the environment allows. Changes nothing there."""
    for server, allowed in groupby(proxies, key=lambda proxy: proxy.server):
        yield from _server(server, list(allowed))


def _server(server: str, allowed: list[AllowedProxy]) -> Iterator[Finding]:
    from slochaos.faults.toxiproxy.api import ToxiproxyServer

    try:
        found = ToxiproxyServer(server, read_s=_PATIENCE_S).proxies()
    except SlochaosError as error:
        yield missing(
            "Toxiproxy", error.message, error.hint or "start it, or change the environment's targets"
        )
        return
    for proxy in allowed:
        yield _proxy(server, proxy, found.get(proxy.name))
    yield from _leftovers(server, found, {proxy.name for proxy in allowed})


def _proxy(server: str, proxy: AllowedProxy, state: ProxyState | None) -> Finding:
    what, wanted = f"proxy {proxy.name}", f"listen {proxy.listen}, upstream {proxy.upstream}"
    if state is None:
        return missing(what, f"{server} has no such proxy", f"create it there: {wanted}")
    if not state.is_at(proxy.listen, proxy.upstream):
        has = f"listen {state.proxy.listen}, upstream {state.proxy.upstream}"
        return missing(what, f"{server} has {has}", f"the environment says {wanted}: change one of them")
    if not state.enabled:
        return note(what, f"{server}: it is disabled", "slochaos status, or enable it by hand")
    return ok(what, f"{server}: as the environment says")


def _leftovers(server: str, found: Mapping[str, ProxyState], allowed: set[str]) -> Iterator[Finding]:
    """Toxics and locks of runs, expired or still in force, and toxics of others on proxies that runs may use."""
    from slochaos import clock
    from slochaos.faults.toxiproxy.lock import LOCK_PREFIX, LOCK_UPSTREAM
    from slochaos.faults.toxiproxy.proxy import TOXIC_NAME

    now = clock.wall()
    for name, state in found.items():
        lock = LOCK_UPSTREAM.match(str(state.proxy.upstream)) if name.startswith(LOCK_PREFIX) else None
        if lock:
            yield _of_a_run(server, f"the lock {name}", lock["run"], int(lock["expires"]) - now)
        for toxic in state.toxics:
            match = TOXIC_NAME.match(toxic)
            if match:
                what = f"the toxic {toxic} on {name}"
                yield _of_a_run(server, what, match["run"], int(match["expires"]) - now)
            elif name in allowed:
                said = f"{server}: the toxic {toxic} on {name} is not slochaos's, and part of every baseline"
                yield note("leftovers", said, "remove it, unless it belongs there")


def _of_a_run(server: str, what: str, run: str, left_s: float) -> Finding:
    if left_s <= 0:
        return missing(
            "leftovers", f"{server}: {what} of run {run} has expired and is there", f"slochaos sweep {server}"
        )
    said = f"{server}: {what} of run {run}, for another {left_s:.0f} s"
    return note("leftovers", said, f"if that run is dead: slochaos recover, or slochaos sweep {server} then")
