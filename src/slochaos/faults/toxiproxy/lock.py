"""One run at a time on one proxy: a lock that lives where the target lives, on its Toxiproxy server."""

from __future__ import annotations

import re
import shlex
import time
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from slochaos import clock
from slochaos.errors import LockHeld, TargetError, TargetGone
from slochaos.faults.operation import Sight, TargetLock, Undone
from slochaos.faults.toxiproxy.api import ToxiproxyServer

LOCK_PREFIX = "slochaos-lock-"
LOCK_UPSTREAM = re.compile(r"^slochaos-(?P<run>[a-z0-9-]+)-x(?P<expires>\d+)\.(?P<host>[^:]*):1$")


@dataclass(frozen=True)
class Lock(TargetLock):
    """The proxy held for one run: a disabled proxy beside it whose name only one can take.

    Who holds it, and until when, stands in its upstream, so that one request makes the whole lock.
    """

    kind: ClassVar[str] = "toxiproxy.lock"
    server: str
    proxy: str
    holder: str

    @property
    def key(self) -> str:
        """The proxy on its server."""
        return f"{self.server} {self.proxy}"

    @property
    def name(self) -> str:
        """The name of the proxy that is the lock."""
        return LOCK_PREFIX + self.proxy

    @property
    def place(self) -> str:
        """The server."""
        return self.server

    @property
    def target_name(self) -> str:
        """The proxy's name."""
        return self.proxy

    def held_by(self, run_id: str, expires_wall: int, host: str) -> Self:
        """The lock with this run as its holder."""
        return replace(self, holder=lock_holder(run_id, expires_wall, host))

    def perform(self) -> None:
        """Take the lock, over an expired one if need be. Raises LockHeld naming the holder."""
        server = ToxiproxyServer(self.server)
        for attempt in range(2):
            if server.create_proxy(self.name, "127.0.0.1:0", self.holder, enabled=False):
                if attempt:  # another run may have seen the same expired lock, and deletes ours for it
                    time.sleep(0.2)
                if not attempt or self._holder(server) == self.holder:
                    return
                continue
            holder = self._holder(server)
            if holder == self.holder:
                return
            match = LOCK_UPSTREAM.match(holder)
            if match and int(match["expires"]) > clock.wall():
                raise LockHeld(
                    f"the proxy {self.proxy!r} at {self.server} is held by run {match['run']} on host {match['host']} "
                    f"for up to {int(match['expires']) - clock.wall():.0f} s more",
                    hint=f"wait for it, or end it: slochaos stop {match['run']}",
                )
            if holder and not match:
                raise LockHeld(f"the proxy {self.name!r} at {self.server} is not a lock of ours: {holder}")
            server.delete_proxy(self.name)
        raise LockHeld(f"the proxy {self.proxy!r} at {self.server} was taken by another run just now")

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """Release the lock if it is still ours."""
        server = ToxiproxyServer(self.server)
        holder = self._holder(server)
        if holder != self.holder:
            return Undone("superseded" if holder and applied else "undone")
        server.delete_proxy(self.name)
        if self._holder(server) == self.holder:
            raise TargetError(f"Toxiproxy {self.server} still shows the lock {self.name!r} after deleting it")
        return Undone("undone")

    def look(self) -> Sight | None:
        """Whether the lock is ours."""
        return Sight(self._holder(ToxiproxyServer(self.server)) == self.holder)

    def by_hand(self) -> str:
        """Delete the proxy that is the lock."""
        return f"curl -X DELETE {shlex.quote(f'{self.server}/proxies/{self.name}')}"

    def _holder(self, server: ToxiproxyServer) -> str:
        try:
            return str(server.proxy(self.name).proxy.upstream)
        except TargetGone:
            return ""


def lock_holder(run_id: str, expires_wall: int, host: str) -> str:
    """The upstream text of a lock: run, expiry, host."""
    return f"slochaos-{run_id}-x{expires_wall}.{host}:1"


OPERATIONS = (Lock,)
