"""The routes of toxiproxy-server's HTTP API."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from slochaos.toxiproxy import body
from slochaos.toxiproxy.collection import ProxyCollection
from slochaos.toxiproxy.errors import ApiError
from slochaos.toxiproxy.expiry import Expiry
from slochaos.toxiproxy.http_server import Answer, Request
from slochaos.toxiproxy.toxic import Toxic

# The version whose API this is; what follows the plus tells clients that expired faults end by themselves.
VERSION = "2.12.0+slochaos"


class Api:
    """Answers requests, each within one call."""

    def __init__(self, proxies: ProxyCollection, expiry: Expiry) -> None:
        self._proxies = proxies
        self._expiry = expiry

    def handle(self, request: Request) -> Answer:
        """Answer one request. Raises ApiError."""
        segments = tuple(unquote(segment) for segment in request.path.strip("/").split("/"))
        try:
            return self._route(request, segments)
        finally:
            if request.method != "GET":
                self._expiry.look()

    def _route(self, request: Request, segments: tuple[str, ...]) -> Answer:
        match segments:
            case ("version" | "reset" | "populate" as verb,):
                return self._whole_server(request, verb)
            case ("proxies",):
                return self._all_proxies(request)
            case ("proxies", name):
                return self._one_proxy(request, name)
            case ("proxies", name, "toxics"):
                return self._all_toxics(request, name)
            case ("proxies", name, "toxics", toxic):
                return self._one_toxic(request, name, toxic)
        raise ApiError(404, "page not found")

    def _whole_server(self, request: Request, verb: str) -> Answer:
        _allow(request, "GET" if verb == "version" else "POST")
        if verb == "version":
            return Answer(200, {"version": VERSION})
        if verb == "populate":
            return self._populate(request)
        self._proxies.reset()
        return Answer(204)

    def _populate(self, request: Request) -> Answer:
        try:
            entries = body.parse(request.body)
        except ApiError as error:
            return Answer(error.status, {**error.to_json(), "proxies": None})
        done, failure = self._proxies.populate(entries)
        shown: dict[str, Any] = {"proxies": [proxy.to_json() for proxy in done]}
        if failure is not None:
            return Answer(failure.status, {**failure.to_json(), **shown})
        return Answer(201, shown)

    def _all_proxies(self, request: Request) -> Answer:
        _allow(request, "GET", "POST")
        if request.method == "POST":
            return Answer(201, self._proxies.create(body.parse_object(request.body)).to_json())
        return Answer(200, {proxy.name: proxy.to_json() for proxy in self._proxies})

    def _one_proxy(self, request: Request, name: str) -> Answer:
        _allow(request, "GET", "POST", "PATCH", "DELETE")
        proxy = self._proxies.get(name)
        if request.method == "DELETE":
            self._proxies.remove(name)
            return Answer(204)
        if request.method in ("POST", "PATCH"):
            fields = body.parse_object(request.body)
            proxy.update(
                body.text(fields, "listen", proxy.listen),
                body.text(fields, "upstream", proxy.upstream),
                enabled=body.flag(fields, "enabled", proxy.enabled),
            )
        return Answer(200, proxy.to_json())

    def _all_toxics(self, request: Request, name: str) -> Answer:
        _allow(request, "GET", "POST")
        proxy = self._proxies.get(name)
        if request.method == "GET":
            return Answer(200, [toxic.to_json() for toxic in proxy.toxics])
        toxic = Toxic.from_json(body.parse_object(request.body))
        proxy.add_toxic(toxic)
        return Answer(200, toxic.to_json())

    def _one_toxic(self, request: Request, name: str, toxic_name: str) -> Answer:
        _allow(request, "GET", "POST", "PATCH", "DELETE")
        proxy = self._proxies.get(name)
        if request.method == "DELETE":
            proxy.remove_toxic(toxic_name)
            return Answer(204)
        if request.method == "GET":
            return Answer(200, proxy.toxic(toxic_name).to_json())
        proxy.toxic(toxic_name)  # not found goes before a bad body
        return Answer(200, proxy.update_toxic(toxic_name, body.parse_object(request.body)).to_json())


def _allow(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise ApiError(405, f"method not allowed, only {', '.join(methods)}")
