"""What a preset in `toxics/` asks for, and which proxy of the allow-list it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slochaos.errors import InvalidInput, TargetNotAllowed
from slochaos.faults.fault import Fault
from slochaos.faults.injection import Injection
from slochaos.faults.operation import Operation
from slochaos.faults.toxiproxy.lock import Lock
from slochaos.faults.toxiproxy.outage import Outage
from slochaos.faults.toxiproxy.toxics import Toxics, complete
from slochaos.spec.experiment import FaultTraits
from slochaos.spec.targets import AllowedProxy

if TYPE_CHECKING:
    from slochaos.faults.fault import Ticket
    from slochaos.spec.environment import Environment

TYPES = ("latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data")


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
            named = tuple(complete(toxic, name) for toxic, name in zip(toxics, names, strict=True))
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
