"""Toxics on a proxy.

They carry their owner and their expiry in the name, `slochaos-<run>-<n>-x<epoch>`: a sweep without any state
finds them. They are created at toxicity 0 and armed by a second request, so that a create that arrives after
its undo does no harm.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from slochaos.errors import Refused, TargetError
from slochaos.faults.operation import Sight, Undone
from slochaos.faults.toxiproxy.api import ProxyState, ToxiproxyServer
from slochaos.faults.toxiproxy.canary import Effect, ask, reached_at
from slochaos.faults.toxiproxy.proxy import ProxyOperation, is_expired


@dataclass(frozen=True)
class Toxics(ProxyOperation):
    """One or more toxics on one proxy; `toxics` are in Toxiproxy's JSON, with our names."""

    kind: ClassVar[str] = "toxiproxy.toxics"
    evidence_noun: ClassVar[str] = "looks found the toxic in force"
    canary: str
    toxics: tuple[dict[str, Any], ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "toxics", tuple(self.toxics))

    def check(self) -> None:
        """See that the proxy is the allowed one, and that its canary is answered without a fault."""
        super().check()
        address = reached_at(self.listen, self.server)
        if self._effect is None or address is None:
            return
        try:
            answered = ask(address, self.canary).received > 0
        except OSError:
            answered = False
        if not answered:
            raise Refused(
                f"the {self.canary} canary through the proxy {self.proxy!r} is not answered, even without a fault",
                hint="correct or remove `canary` under targets.toxiproxy in the environment, or repair what is behind",
                reason="canary-silent",
            )

    def perform(self) -> None:
        """Create all at toxicity 0, arm them, read them back."""
        server = self.api()
        self.expect(server)
        for toxic in self.toxics:
            server.add_toxic(self.proxy, {**toxic, "toxicity": 0.0})
        for toxic in self.toxics:
            server.set_toxicity(self.proxy, toxic["name"], toxic["toxicity"])
        present = server.proxy(self.proxy).toxics
        for toxic in self.toxics:
            if not _matches(present.get(toxic["name"]), toxic):
                raise TargetError(
                    f"Toxiproxy {self.server} took the toxic {toxic['name']!r} but does not show it so"
                )

    def undo(self, *, applied: bool, last: bool) -> Undone:
        """Delete by name and verify, by harder means where the server does not obey."""
        server = self.api()
        state = self.ours(server)
        if isinstance(state, Undone):
            return state
        left = self._left(state)
        if not left:
            expired = applied and all(is_expired(toxic["name"]) for toxic in self.toxics)
            return Undone(
                "expired" if expired else "superseded" if applied else "undone", "the toxic was gone already"
            )
        return self._climb(server, state)

    def look(self) -> Sight | None:
        """Whether the server shows all of them armed, and a canary meets them, where there is one."""
        state = self.api().proxy(self.proxy)
        if not all(_matches(state.toxics.get(toxic["name"]), toxic) for toxic in self.toxics):
            return Sight(seen=False)
        effect, address = self._effect, reached_at(self.listen, self.server)
        if effect is None or address is None:
            return Sight(seen=True)
        try:
            heard = ask(address, self.canary, effect.wait_s)
        except OSError:
            return None
        return Sight(effect.is_in(heard), effect.size(heard))

    def size_text(self, size: float) -> str:
        """The measured delay, beside what was asked."""
        return self._effect.size_text(size) if self._effect else ""

    @property
    def _effect(self) -> Effect | None:
        return Effect.of(self.toxics) if self.canary else None

    def by_hand(self) -> str:
        """One DELETE per toxic."""
        toxics = f"{self.server}/proxies/{self.proxy}/toxics"
        return " ; ".join(
            "curl -X DELETE " + shlex.quote(f"{toxics}/{toxic['name']}") for toxic in self.toxics
        )

    def _left(self, state: ProxyState) -> list[str]:
        return [toxic["name"] for toxic in self.toxics if toxic["name"] in state.toxics]

    def _climb(self, server: ToxiproxyServer, before: ProxyState) -> Undone:
        """Delete; where the server goes on showing the toxic, harder means. A lost answer is no reason for those.

        Raises TargetError when the server cannot be asked how it stands, or still shows the toxic.
        """
        steps: tuple[tuple[str, Callable[[], None]], ...] = (
            ("", lambda: self._delete(server)),
            ("the proxy was restarted", lambda: self._restart(server, before)),
            ("the proxy was created anew", lambda: self._recreate(server, before)),
        )
        for how, step in steps:
            failure: TargetError | None = None
            try:
                step()
            except TargetError as error:
                failure = error
            if not self._left(server.proxy(self.proxy)):
                return Undone("undone", how)
        raise failure or TargetError(f"Toxiproxy {self.server} still shows a toxic of ours after deleting it")

    def _delete(self, server: ToxiproxyServer) -> None:
        for toxic in self.toxics:
            server.delete_toxic(self.proxy, toxic["name"])

    def _restart(self, server: ToxiproxyServer, before: ProxyState) -> None:
        """A delete can hang on an open connection; closing all of the proxy's connections frees it."""
        try:
            server.set_enabled(self.proxy, enabled=False)
        finally:
            _insist(lambda: server.set_enabled(self.proxy, enabled=before.enabled))
        self._delete(server)

    def _recreate(self, server: ToxiproxyServer, before: ProxyState) -> None:
        """Last resort: this one proxy anew, with what was not ours."""
        ours = {toxic["name"] for toxic in self.toxics}

        def create() -> None:
            server.create_proxy(self.proxy, self.listen, self.upstream, enabled=before.enabled)
            for name, toxic in before.toxics.items():
                if name not in ours:
                    server.add_toxic(self.proxy, dict(vars(toxic)))

        try:
            server.delete_proxy(self.proxy)
        finally:
            _insist(create)


def complete(toxic: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The toxic with this name, and with all that Toxiproxy would take for granted."""
    return {
        "name": name,
        "type": toxic["type"],
        "stream": toxic.get("stream", "downstream"),
        "toxicity": float(toxic.get("toxicity", 1.0)),
        "attributes": dict(toxic.get("attributes", {})),
    }


def _matches(present: Any, wanted: Mapping[str, Any]) -> bool:
    return (
        present is not None
        and present.type == wanted["type"]
        and present.stream == wanted["stream"]
        and abs(present.toxicity - wanted["toxicity"]) < 1e-6
        and all(present.attributes.get(key) == value for key, value in wanted["attributes"].items())
    )


def _insist(change: Callable[[], object]) -> None:
    """Make a change that must not be left half-way, for as long as it takes a server to come round."""
    for pause_s in (0.1, 0.2, 0.5, 1.0, 2.0):
        try:
            change()
        except TargetError:
            time.sleep(pause_s)
        else:
            return
    change()
