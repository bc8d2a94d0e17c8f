"""What all changes to a Toxiproxy proxy have in common: which proxy it is, and how what is ours is named there."""

from __future__ import annotations

import re
from dataclasses import dataclass

from slochaos import clock
from slochaos.errors import TargetGone, TargetNotAllowed
from slochaos.faults.operation import Operation, Undone
from slochaos.faults.toxiproxy.api import ProxyState, ToxiproxyServer

TOXIC_NAME = re.compile(
    r"^slochaos-(?P<run>[a-z0-9-]+?)-(?P<number>\d+[a-z]?)(?P<down>-down)?-x(?P<expires>\d+)$"
)


@dataclass(frozen=True)
class ProxyOperation(Operation):
    """A change to one proxy, known by name and both addresses."""

    server: str
    proxy: str
    listen: str
    upstream: str

    def check(self) -> None:
        """See that the proxy is there with the addresses that were allowed."""
        self.expect(self.api())

    def api(self) -> ToxiproxyServer:
        return ToxiproxyServer(self.server)

    def ours(self, server: ToxiproxyServer) -> ProxyState | Undone:
        """The proxy as it is, or how the undo ends if it is not there or is another one."""
        try:
            state = server.proxy(self.proxy)
        except TargetGone:
            return Undone("gone", f"Toxiproxy has no proxy {self.proxy!r} any more")
        if not state.is_at(self.listen, self.upstream):
            return Undone("gone", f"the proxy {self.proxy!r} is another one now: {state.proxy.listen}")
        return state

    def expect(self, server: ToxiproxyServer) -> ProxyState:
        """The proxy, before a change. Raises TargetNotAllowed when it is not what was allowed."""
        try:
            state = server.proxy(self.proxy)
        except TargetGone as error:
            raise TargetNotAllowed(
                f"Toxiproxy {self.server} has no proxy {self.proxy!r}",
                hint="create it, or correct the environment",
            ) from error
        if not state.is_at(self.listen, self.upstream):
            raise TargetNotAllowed(
                f"the proxy {self.proxy!r} is {state.proxy.listen} -> {state.proxy.upstream}, "
                f"allowed is {self.listen} -> {self.upstream}",
                hint="the allow-list names listen and upstream, so that a fault cannot go elsewhere",
            )
        return state


def is_expired(name: str) -> bool:
    """Whether the time in the name of a toxic of ours has passed."""
    match = TOXIC_NAME.match(name)
    return match is not None and int(match["expires"]) <= clock.wall()
