"""Faults through a Toxiproxy proxy: its toxics, or the whole proxy down (`enabled: false`).

Toxics carry their owner and their expiry in the name, `slochaos-<run>-<n>-x<epoch>`: a sweep without any
state finds them. They are created at toxicity 0 and armed by a second request, so that a create that
arrives after its undo does no harm. A proxy that is down carries a tag, a toxic at toxicity 0 named
`slochaos-<run>-<n>-down-x<epoch>`, that tells our outage from an operator's.
"""

from __future__ import annotations

import re
import shlex
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from slochaos import clock
from slochaos.errors import InvalidInput, Refused, TargetError, TargetGone, TargetNotAllowed
from slochaos.faults.fault import Fault
from slochaos.faults.injection import Injection
from slochaos.faults.operation import Operation, Sight, Undone
from slochaos.faults.toxiproxy_api import ProxyState, ToxiproxyServer
from slochaos.faults.toxiproxy_canary import Effect, ask, reached_at
from slochaos.faults.toxiproxy_lock import Lock
from slochaos.spec.experiment import FaultTraits

if TYPE_CHECKING:
    from slochaos.faults.fault import Ticket
    from slochaos.spec.environment import Environment
from slochaos.spec.targets import AllowedProxy

TYPES = ("latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data")
TOXIC_NAME = re.compile(
    r"^slochaos-(?P<run>[a-z0-9-]+?)-(?P<number>\d+[a-z]?)(?P<down>-down)?-x(?P<expires>\d+)$"
)
CANARY_S = 0.5


@dataclass(frozen=True)
class _ProxyOperation(Operation):
    """A change to one proxy, known by name and both addresses."""

    server: str
    proxy: str
    listen: str
    upstream: str

    def check(self) -> None:
        """See that the proxy is there with the addresses that were allowed."""
        self._expect(self._api())

    def _api(self) -> ToxiproxyServer:
        return ToxiproxyServer(self.server)

    def _ours(self, server: ToxiproxyServer) -> ProxyState | Undone:
        """The proxy as it is, or how the undo ends if it is not there or is another one."""
        try:
            state = server.proxy(self.proxy)
        except TargetGone:
            return Undone("gone", f"Toxiproxy has no proxy {self.proxy!r} any more")
        if not state.is_at(self.listen, self.upstream):
            return Undone("gone", f"the proxy {self.proxy!r} is another one now: {state.proxy.listen}")
        return state

    def _expect(self, server: ToxiproxyServer) -> ProxyState:
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


@dataclass(frozen=True)
class Toxics(_ProxyOperation):
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
        server = self._api()
        self._expect(server)
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
        server = self._api()
        state = self._ours(server)
        if isinstance(state, Undone):
            return state
        left = self._left(state)
        if not left:
            expired = applied and all(_expired(toxic["name"]) for toxic in self.toxics)
            return Undone(
                "expired" if expired else "superseded" if applied else "undone", "the toxic was gone already"
            )
        return self._climb(server, state)

    def look(self) -> Sight | None:
        """Whether the server shows all of them armed, and a canary meets them, where there is one."""
        state = self._api().proxy(self.proxy)
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


@dataclass(frozen=True)
class Outage(_ProxyOperation):
    """The proxy disabled: open connections closed, new ones refused."""

    kind: ClassVar[str] = "toxiproxy.outage"
    evidence_noun: ClassVar[str] = "canary connects refused"
    tag: str

    def check(self) -> None:
        """See that the proxy is the allowed one and up."""
        self._expect_up(self._api())

    def _expect_up(self, server: ToxiproxyServer) -> None:
        if not self._expect(server).enabled:
            raise Refused(
                f"the proxy {self.proxy!r} is disabled already, so there is nothing to take away",
                hint="enable it first, or find out who disabled it",
                reason="already-down",
            )

    def perform(self) -> None:
        """Tag the proxy, disable it, read both back."""
        server = self._api()
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
        server = self._api()
        state = self._ours(server)
        if isinstance(state, Undone):
            return state
        if self.tag not in state.toxics:
            if not state.enabled:
                return Undone(
                    "superseded", "our tag is gone and the proxy is down: somebody else holds it down"
                )
            return Undone("expired" if applied and _expired(self.tag) else "undone")
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
            return Sight(not self._api().proxy(self.proxy).enabled)
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


class ToxiproxyFault(Fault):
    """What a preset in `toxics/` describes: toxics on a proxy, or the whole proxy down."""

    kind = "toxiproxy"
    summary = "puts toxics on a Toxiproxy proxy, or takes the proxy down, as a preset says"

    def read(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The parameters as they are, checked: they are Toxiproxy's own JSON."""
        unknown = set(given) - {"proxy", "server", "enabled", "toxics"}
        if unknown:
            raise InvalidInput(f"the toxiproxy fault does not take {sorted(unknown)}")
        if not isinstance(given.get("proxy"), str) or not given["proxy"]:
            raise InvalidInput(
                "the toxiproxy fault names no proxy", hint='add "proxy": "NAME" to the toxic preset'
            )
        down, toxics = given.get("enabled"), given.get("toxics")
        if (down is not None) == (toxics is not None) or down not in (None, False):
            raise InvalidInput('a toxic preset has either "enabled": false or "toxics": [...]')
        if toxics is not None:
            _check_toxics(toxics)
        return given

    def traits(self, given: Mapping[str, Any]) -> FaultTraits:
        """A proxy that is down cannot come up by itself."""
        self.read(given)
        return FaultTraits(target=given["proxy"], lasting=given.get("toxics") is None)

    def prepare(self, given: Mapping[str, Any], environment: Environment, ticket: Ticket) -> Injection:
        """The change to the proxy that the environment lists."""
        allowed = _allowed(given, environment)
        where = (allowed.server.rstrip("/"), allowed.name, allowed.listen, allowed.upstream)
        stem, expiry = f"slochaos-{ticket.run_id}-{ticket.number}", f"-x{ticket.expires_wall}"
        change: Operation
        if given.get("toxics") is None:
            change = Outage(*where, tag=f"{stem}-down{expiry}")
        else:
            toxics = given["toxics"]
            letters = [""] if len(toxics) == 1 else [chr(ord("a") + index) for index in range(len(toxics))]
            names = [f"{stem}{letter}{expiry}" for letter in letters]
            named = tuple(_complete(toxic, name) for toxic, name in zip(toxics, names, strict=True))
            change = Toxics(*where, canary=allowed.canary, toxics=named)
        return Injection.of_one(
            f"toxiproxy {allowed.name} ({allowed.listen} -> {allowed.upstream})",
            f"{where[0]} {allowed.name}",
            (change,),
            Lock(where[0], allowed.name, holder=""),
            lasting=isinstance(change, Outage),
        )

    def entry(self, given: Mapping[str, Any], environment: Environment) -> str:
        """The proxy, with its addresses where these are known before a run."""
        try:
            listed = _allowed(given, environment)
        except TargetNotAllowed:
            return ""
        # Ports that a run chooses are not known yet: what stands in the file is.
        where = "" if environment.self_contained else f" ({listed.listen} to {listed.upstream})"
        return f"targets.toxiproxy in {environment.path.name}: {listed.name}{where}"

    def if_host_dies(self, given: Mapping[str, Any], within_s: float) -> str:
        """The embedded server and a sweep honour the expiry in the names."""
        what = "the proxy stays down" if given.get("toxics") is None else "the toxic stays"
        return (
            f"gone after {within_s:.0f} s with the embedded server or `slochaos sweep`; "
            f"elsewhere {what} until recovered"
        )


FAULT = ToxiproxyFault()
OPERATIONS = (Toxics, Outage)


def _allowed(parameters: Mapping[str, Any], environment: Environment) -> AllowedProxy:
    name, server = parameters["proxy"], str(parameters.get("server", "")).rstrip("/")
    named = [
        p for p in environment.targets.proxies if p.name == name and server in ("", p.server.rstrip("/"))
    ]
    if not named:
        listed = ", ".join(sorted({p.name for p in environment.targets.proxies})) or "none"
        raise TargetNotAllowed(
            f"the environment {environment.name!r} does not allow faults on the proxy {name!r}",
            hint=f"allowed: {listed}; list it under targets.toxiproxy in {environment.path}",
        )
    if len(named) > 1:
        raise TargetNotAllowed(
            f"several servers have a proxy {name!r}: {', '.join(p.server for p in named)}",
            hint='say which: add "server": "URL" to the toxic preset',
        )
    return named[0]


def _check_toxics(toxics: Any) -> None:
    if not isinstance(toxics, list | tuple) or not 1 <= len(toxics) <= 26:
        raise InvalidInput("`toxics` is a list of 1 to 26 toxics")
    for toxic in toxics:
        kind = toxic.get("type") if isinstance(toxic, dict) else None
        if kind not in TYPES:
            raise InvalidInput(f"there is no toxic of type {kind!r}", hint=f"types: {', '.join(TYPES)}")
        if toxic.get("stream", "downstream") not in ("upstream", "downstream"):
            raise InvalidInput(f"the stream of toxic {kind!r} is upstream or downstream")
        toxicity = toxic.get("toxicity", 1.0)
        if isinstance(toxicity, bool) or not isinstance(toxicity, int | float) or not 0 < toxicity <= 1:
            raise InvalidInput(f"the toxicity of toxic {kind!r} is above 0 and at most 1, got {toxicity!r}")
        if toxicity < 1 and len(toxics) > 1:
            raise InvalidInput("a toxicity below 1 goes with one toxic only: each draws its connections anew")


def _complete(toxic: Mapping[str, Any], name: str) -> dict[str, Any]:
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


def _expired(name: str) -> bool:
    match = TOXIC_NAME.match(name)
    return match is not None and int(match["expires"]) <= clock.wall()


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
