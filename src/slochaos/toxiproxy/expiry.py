"""What slochaos started ends here by itself, also when every process of its run is dead.

Names carry the epoch second at which they expire, so no other state is needed:

- a toxic `slochaos-...-x<epoch>` is removed;
- a disabled proxy with a toxic `slochaos-...-down-x<epoch>` is enabled again, then the toxic is removed;
- a disabled proxy `slochaos-lock-...` with the upstream `slochaos-<run>-x<epoch>.<host>:1` is removed.

The wall clock decides, because other hosts write the names. It may jump and the host may sleep, so while
anything can expire it is looked at every second.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Iterator

from slochaos.toxiproxy.collection import LOCK_PREFIX, ProxyCollection
from slochaos.toxiproxy.errors import ApiError
from slochaos.toxiproxy.proxy import Proxy

# Bounded everywhere, so that no name from outside makes matching slow.
TOXIC = re.compile(r"slochaos-.{1,200}?(?P<down>-down)?-x(?P<epoch>[0-9]{1,12})", re.ASCII)
LOCK_UPSTREAM = re.compile(r"slochaos-.{1,200}-x(?P<epoch>[0-9]{1,12})\.[^:]{0,255}:1", re.ASCII)
LOOK_EVERY_S = 1.0

log = logging.getLogger(__name__)


def toxic_expiry(name: str) -> float | None:
    """The epoch second at which a toxic of this name expires; None = never."""
    match = TOXIC.fullmatch(name)
    return float(match["epoch"]) if match else None


def lock_expiry(proxy: Proxy) -> float | None:
    """The epoch second at which a proxy that is a lock expires; None = it is no lock."""
    match = LOCK_UPSTREAM.fullmatch(proxy.upstream)
    if match is None or proxy.enabled or not proxy.name.startswith(LOCK_PREFIX):
        return None
    return float(match["epoch"])


def is_outage_tag(name: str) -> bool:
    """Whether a toxic of this name says that slochaos disabled the proxy."""
    match = TOXIC.fullmatch(name)
    return match is not None and match["down"] is not None


class Expiry:
    """Looks at all names at the next expiry, and at least every second while there is one."""

    def __init__(self, proxies: ProxyCollection) -> None:
        self._proxies = proxies
        self._timer: asyncio.TimerHandle | None = None
        self._stuck: set[str] = set()

    def look(self) -> None:
        """End what has expired. To be called after every change."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = time.time()
        for proxy in self._proxies:
            self._expire(proxy, now)
        due = min(self._pending(), default=None)
        if due is not None:
            # What could not be ended is due in the past: it is tried again, but not in a tight loop.
            delay = due - now if due > now else LOOK_EVERY_S
            self._timer = asyncio.get_running_loop().call_later(min(delay, LOOK_EVERY_S), self.look)

    def _pending(self) -> Iterator[float]:
        for proxy in self._proxies:
            for epoch in (lock_expiry(proxy), *(toxic_expiry(toxic.name) for toxic in proxy.toxics)):
                if epoch is not None:
                    yield epoch

    def _expire(self, proxy: Proxy, now: float) -> None:
        lock = lock_expiry(proxy)
        if lock is not None and lock <= now:
            self._proxies.remove(proxy.name)
            log.info("the lock %s has expired", proxy.name)
            return
        for toxic in proxy.toxics:
            epoch = toxic_expiry(toxic.name)
            if epoch is not None and epoch <= now and self._revived(proxy, toxic.name):
                proxy.remove_toxic(toxic.name)
                log.info("the toxic %s of proxy %s has expired", toxic.name, proxy.name)

    def _revived(self, proxy: Proxy, tag: str) -> bool:
        """Enable a proxy that slochaos disabled; False when it cannot listen, to be tried again."""
        if proxy.enabled or not is_outage_tag(tag):
            return True
        try:
            proxy.start()
        except ApiError as error:
            if tag not in self._stuck:
                log.error("cannot enable proxy %s, whose outage has expired: %s", proxy.name, error)
            self._stuck.add(tag)
            return False
        self._stuck.discard(tag)
        return True
