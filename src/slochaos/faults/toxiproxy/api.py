"""The only place that talks to a Toxiproxy server.

toxiproxy-python's `Proxy` and `Toxic` are the values; its transport is not used, because that has one
server per process, no timeouts, no PATCH, and takes a 500 for success. Here each server has its own
session with timeouts, every status from 300 up is an error, and nothing is global.
"""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests
import urllib3
from requests.adapters import HTTPAdapter
from toxiproxy import Proxy
from toxiproxy.toxic import Toxic
from urllib3.util.retry import Retry

from slochaos.errors import TargetError, TargetGone, TargetUnreached

CONNECT_S = 1.0
READ_S = 2.0
MAX_BODY = 4 * 1024 * 1024

# Closing sends RST and drops what was not sent: a request of ours cannot reach the server after our death.
_ABORT_ON_CLOSE = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        options = [*urllib3.connection.HTTPConnection.default_socket_options, _ABORT_ON_CLOSE]
        super().init_poolmanager(*args, socket_options=options, **kwargs)


@dataclass(frozen=True)
class ProxyState:
    """A proxy as its server described it just now."""

    proxy: Proxy
    toxics: dict[str, Toxic]

    @property
    def enabled(self) -> bool:
        """Whether it listens and relays."""
        return bool(self.proxy.enabled)

    def is_at(self, listen: str, upstream: str) -> bool:
        """Whether this is the proxy that was meant: same addresses, not only the same name."""
        return same_address(str(self.proxy.listen), listen) and same_address(
            str(self.proxy.upstream), upstream
        )


class ToxiproxyServer:
    """One Toxiproxy server's HTTP API, each call bounded in time. Every method raises TargetError."""

    def __init__(self, url: str, *, read_s: float = READ_S) -> None:
        self.url = url.rstrip("/")
        self._read_s = read_s

    def proxies(self) -> dict[str, ProxyState]:
        """All proxies by name."""
        answer = self._call("GET", "/proxies")
        if not isinstance(answer, dict):
            raise self._odd("GET", "/proxies", "not an object of proxies")
        return {name: self._state(values) for name, values in answer.items()}

    def proxy(self, name: str) -> ProxyState:
        """One proxy. Raises TargetGone when the server says that there is none."""
        return self._state(self._call("GET", _path("proxies", name)))

    def create_proxy(self, name: str, listen: str, upstream: str, *, enabled: bool) -> bool:
        """Create a proxy. False when the name is taken (409)."""
        body = {"name": name, "listen": listen, "upstream": upstream, "enabled": enabled}
        return self._call("POST", "/proxies", body, conflict=True) is not None

    def delete_proxy(self, name: str) -> None:
        """Delete a proxy; one that is not there is fine."""
        self._delete(_path("proxies", name))

    def set_enabled(self, name: str, *, enabled: bool) -> ProxyState:
        """Enable or disable, and read it back."""
        self._call("PATCH", _path("proxies", name), {"enabled": enabled})
        state = self.proxy(name)
        if state.enabled is not enabled:
            raise TargetError(
                f"Toxiproxy {self.url} took enabled={enabled} for {name!r} but reads {state.enabled}"
            )
        return state

    def add_toxic(self, proxy: str, toxic: dict[str, Any]) -> None:
        """Create a toxic; one of the same name and type that is there already counts as created."""
        self._call("POST", _path("proxies", proxy, "toxics"), toxic, conflict=True)

    def set_toxicity(self, proxy: str, toxic: str, toxicity: float) -> None:
        """Change a toxic's share of connections, 0-1."""
        self._call("PATCH", _path("proxies", proxy, "toxics", toxic), {"toxicity": toxicity})

    def delete_toxic(self, proxy: str, toxic: str) -> None:
        """Delete a toxic; one that is not there is fine."""
        self._delete(_path("proxies", proxy, "toxics", toxic))

    def _delete(self, path: str) -> None:
        try:
            self._call("DELETE", path)
        except TargetGone:
            return

    def _state(self, values: Any) -> ProxyState:
        try:
            toxics = {
                str(toxic["name"]): Toxic(**{k: v for k, v in toxic.items() if k != "proxy"})
                for toxic in values.get("toxics") or ()
            }
            return ProxyState(Proxy(**values), toxics)
        except (KeyError, TypeError, AttributeError) as error:
            raise self._odd("GET", "/proxies", "a proxy without its fields") from error

    def _call(self, method: str, path: str, body: Any = None, *, conflict: bool = False) -> Any:
        """One request on its own connection. None for a conflict that the caller expects."""
        try:
            status, text = self._exchange(method, path, body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise (TargetUnreached if _unreached(error) else TargetError)(
                f"Toxiproxy {self.url} did not answer {method} {path}: {_cause(error)}",
                hint="is the server running, and is its address in the environment right?",
            ) from error
        answer = self._parse(method, path, text) if text.strip() else {}
        if status < 300:
            return answer
        said = str(answer.get("error", "")) if isinstance(answer, dict) else ""
        if status == 409 and conflict:
            return None
        if status == 404 and said.endswith("not found"):
            raise TargetGone(f"Toxiproxy {self.url}: {said} ({method} {path})")
        raise TargetError(
            f"Toxiproxy {self.url} answered {status} to {method} {path}: {said or text[:200]!r}"
        )

    def _exchange(self, method: str, path: str, body: Any) -> tuple[int, str]:
        with requests.Session() as session:
            session.trust_env = False
            adapter = _Adapter(max_retries=Retry(total=0))
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            with session.request(
                method,
                self.url + path,
                data=None if body is None else json.dumps(body),
                headers={"Content-Type": "application/json", "User-Agent": "slochaos", "Connection": "close"},
                timeout=(CONNECT_S, self._read_s),
                allow_redirects=False,
                stream=True,
            ) as response:
                raw = response.raw.read(MAX_BODY + 1, decode_content=True)
                if len(raw) > MAX_BODY:
                    raise self._odd(method, path, f"an answer over {MAX_BODY} bytes")
                return response.status_code, raw.decode("utf-8", "replace")

    def _parse(self, method: str, path: str, text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self._odd(method, path, f"{text[:80]!r}") from error

    def _odd(self, method: str, path: str, what: str) -> TargetError:
        return TargetError(
            f"{self.url} is no Toxiproxy: {method} {path} answered {what}",
            hint="another program may listen on that port: look at the environment's targets",
        )


def same_address(one: str, other: str) -> bool:
    """Whether two `host:port` texts name the same address, whatever the spelling of loopback and any."""
    return _canonical(one) == _canonical(other)


def _canonical(address: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    host = host.strip("[]").lower()
    return {"localhost": "127.0.0.1", "": "any", "0.0.0.0": "any", "::": "any"}.get(host, host), port  # noqa: S104


def _path(*parts: str) -> str:
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _unreached(error: Exception) -> bool:
    """Whether the connection itself failed. requests has a type of its own only for its time-out."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _cause(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "timed out"
    if isinstance(error, requests.ConnectionError):
        text = str(error)
        return "connection refused" if "refused" in text.lower() else text.rsplit(":", 1)[-1].strip(" ')>")
    return str(error) or type(error).__name__
