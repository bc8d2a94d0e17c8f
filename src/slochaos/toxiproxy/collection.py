"""The proxies of this server, by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slochaos.toxiproxy import body
from slochaos.toxiproxy.addresses import Limits
from slochaos.toxiproxy.errors import ApiError, missing_field
from slochaos.toxiproxy.proxy import Proxy

LOCK_PREFIX = "slochaos-lock-"


class ProxyCollection:
    """Creates, finds and removes proxies."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._proxies: dict[str, Proxy] = {}

    def __iter__(self) -> Iterator[Proxy]:
        return iter(list(self._proxies.values()))

    def get(self, name: str) -> Proxy:
        """The proxy called `name`. Raises ApiError 404."""
        if name not in self._proxies:
            raise ApiError(404, "proxy not found")
        return self._proxies[name]

    def create(self, fields: dict[str, Any]) -> Proxy:
        """A new proxy, enabled unless its fields say otherwise. Raises ApiError 400, 403, 409, 500."""
        name, listen, upstream, enabled = self._read(fields, "")
        if name in self._proxies:
            raise ApiError(409, "proxy already exists")
        return self._add(name, listen, upstream, enabled)

    def populate(self, entries: Any) -> tuple[list[Proxy], ApiError | None]:
        """Create or replace those that differ; a proxy that is as described stays as it is, also if disabled.

        Returns those done, and what stopped it. Nothing is done when an entry is malformed.
        """
        done: list[Proxy] = []
        try:
            for name, listen, upstream, enabled in self._read_all(entries):
                present = self._proxies.get(name)
                if present is not None and present.is_at(listen, upstream):
                    done.append(present)
                    continue
                if present is not None:
                    present.close()
                done.append(self._add(name, listen, upstream, enabled))
        except ApiError as error:
            return done, error
        return done, None

    def remove(self, name: str) -> None:
        """Stop and forget a proxy. Raises ApiError 404."""
        self.get(name).close()
        del self._proxies[name]

    def reset(self) -> None:
        """Enable all proxies and end all toxics; all that can be is, before an ApiError is raised.

        Locks stay: they are proxies only in name, and never relay.
        """
        failure: ApiError | None = None
        for proxy in self:
            if proxy.name.startswith(LOCK_PREFIX) and not proxy.enabled:
                continue
            proxy.remove_toxics()
            try:
                proxy.start()
            except ApiError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _add(self, name: str, listen: str, upstream: str, enabled: bool) -> Proxy:
        proxy = Proxy(name, listen, upstream, self._limits)
        if enabled:
            proxy.start()
        self._proxies[name] = proxy
        return proxy

    def _read_all(self, entries: Any) -> list[tuple[str, str, str, bool]]:
        if not isinstance(entries, list):
            raise ApiError(400, "bad request body: a list of proxies is expected")
        return [
            self._read(body.as_object(entry, f"proxy {number}"), f" at proxy {number}")
            for number, entry in enumerate(entries, start=1)
        ]

    def _read(self, fields: dict[str, Any], where: str) -> tuple[str, str, str, bool]:
        """Name, listen, upstream, enabled."""
        name, upstream = body.text(fields, "name", ""), body.text(fields, "upstream", "")
        for field, value in (("name", name), ("upstream", upstream)):
            if not value:
                raise missing_field(field + where)
        return name, body.text(fields, "listen", ""), upstream, body.flag(fields, "enabled", True)
