"""A proxy that is down (`enabled: false`).

It carries a tag, a toxic at toxicity 0 named `slochaos-<run>-<n>-down-x<epoch>`, that tells our outage from an
operator's.
"""

from __future__ import annotations

import shlex
import socket
from dataclasses import dataclass
from typing import ClassVar

from slochaos.errors import Refused, TargetError
from slochaos.faults.operation import Sight, Undone
from slochaos.faults.toxiproxy.api import ToxiproxyServer
from slochaos.faults.toxiproxy.canary import reached_at
from slochaos.faults.toxiproxy.proxy import ProxyOperation, is_expired

CANARY_S = 0.5


@dataclass(frozen=True)
class Outage(ProxyOperation):
    """The proxy disabled: open connections closed, new ones refused."""

    kind: ClassVar[str] = "toxiproxy.outage"
    evidence_noun: ClassVar[str] = "canary connects refused"
    tag: str

    def check(self) -> None:
        """See that the proxy is the allowed one and up."""
        self._expect_up(self.api())

    def _expect_up(self, server: ToxiproxyServer) -> None:
        if not self.expect(server).enabled:
            raise Refused(
                f"the proxy {self.proxy!r} is disabled already, so there is nothing to take away",
                hint="enable it first, or find out who disabled it",
                reason="already-down",
            )

    def perform(self) -> None:
        """Tag the proxy, disable it, read both back."""
        server = self.api()
        self._expect_up(server)
        server.add_toxic(
            self.proxy,
            {
                "name": self.tag,
                "type": "latency",
                "stream": "upstream",
                "toxicity": 0.0,
                "attributes": {"latency": 0},
            },
        )
        if self.tag not in server.set_enabled(self.proxy, enabled=False).toxics:
            raise TargetError(f"Toxiproxy {self.server} lost the tag {self.tag!r} of the outage")

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """Enable the proxy if it is down and carries our tag; the tag goes with the last undo."""
        server = self.api()
        state = self.ours(server)
        if isinstance(state, Undone):
            return state
        if self.tag not in state.toxics:
            if not state.enabled:
                return Undone(
                    "superseded", "our tag is gone and the proxy is down: somebody else holds it down"
                )
            return Undone("expired" if applied and is_expired(self.tag) else "undone")
        by_others = applied and state.enabled
        if not state.enabled:
            server.set_enabled(self.proxy, enabled=True)
        if last:
            server.delete_toxic(self.proxy, self.tag)
            after = server.proxy(self.proxy)
            if self.tag in after.toxics or not after.enabled:
                raise TargetError(f"Toxiproxy {self.server} does not show {self.proxy!r} enabled and clean")
        return Undone("superseded", "somebody enabled the proxy meanwhile") if by_others else Undone("undone")

    def look(self) -> Sight | None:
        """Whether a canary connect is refused."""
        address = reached_at(self.listen, self.server)
        if address is None:
            return Sight(not self.api().proxy(self.proxy).enabled)
        try:
            socket.create_connection(address, timeout=CANARY_S).close()
        except ConnectionRefusedError:
            return Sight(seen=True)
        except OSError:
            return None
        return Sight(seen=False)

    def by_hand(self) -> str:
        """Enable the proxy, delete the tag."""
        proxy = f"{self.server}/proxies/{self.proxy}"
        return (
            f"curl -X PATCH -d '{{\"enabled\":true}}' {shlex.quote(proxy)} ; "
            f"curl -X DELETE {shlex.quote(f'{proxy}/toxics/{self.tag}')}"
        )
