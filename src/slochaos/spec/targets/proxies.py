"""The Toxiproxy proxies that faults may touch."""

from __future__ import annotations

from dataclasses import dataclass

from slochaos.spec.endpoints import host_port, http_url
from slochaos.spec.fields import Field
from slochaos.spec.nodes import quoted

CANARIES = ("postgres", "http")


@dataclass(frozen=True)
class AllowedProxy:
    """One Toxiproxy proxy that faults may touch: name, listen and upstream all have to match.

    `canary` is the protocol of a harmless question that shows a toxic's effect; empty for none.
    """

    server: str
    name: str
    listen: str
    upstream: str
    canary: str = ""


def read_proxies(servers: list[Field]) -> tuple[AllowedProxy, ...]:
    """The proxies of every server under `targets.toxiproxy`. Raises InvalidInput."""
    proxies: dict[tuple[str, str], AllowedProxy] = {}
    for server in servers:
        entry = server.section(required=("server", "proxies"))
        url = entry["server"].parsed(http_url).rstrip("/")
        for each in entry.items("proxies"):
            proxy = each.section(required=("name", "listen", "upstream"), optional=("canary",))
            name = proxy["name"].text()
            if (url, name) in proxies:
                raise proxy["name"].error(f"a second proxy named {quoted(name)} on {url}")
            listen, upstream = proxy["listen"].parsed(host_port), proxy["upstream"].parsed(host_port)
            canary = proxy.get("canary", lambda field: field.one_of(*CANARIES), "")
            proxies[url, name] = AllowedProxy(url, name, listen, upstream, canary)
    return tuple(proxies.values())
