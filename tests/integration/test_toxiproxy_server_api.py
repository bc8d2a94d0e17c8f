"""The HTTP API that the embedded server and toxiproxy-server 2.12 share: each test runs on both."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.toxiproxy_servers import ToxiproxyServerProcess, free_port
from tests.upstreams import Upstream

LATENCY = {"type": "latency", "attributes": {"latency": 10}}


def test_a_server_starts_without_proxies(toxiproxy: ToxiproxyServerProcess) -> None:
    """A new server knows no proxy and tells the version whose API it has."""
    assert toxiproxy.call("GET", "/proxies") == (200, {})
    status, answer = toxiproxy.call("GET", "/version")
    assert status == 200
    assert answer["version"].startswith("2.12.0")


def test_a_proxy_is_shown_as_it_was_created(toxiproxy: ToxiproxyServerProcess, echo: Upstream) -> None:
    """Creating answers 201 with the port that the system chose; reading shows the same."""
    status, created = toxiproxy.call(
        "POST", "/proxies", {"name": "p", "listen": "localhost:0", "upstream": echo.address}
    )
    assert status == 201
    port = int(created["listen"].removeprefix("127.0.0.1:"))
    assert port > 0
    created.pop("Logger", None)  # the real server's own, of no meaning
    assert created == {
        "name": "p",
        "listen": f"127.0.0.1:{port}",
        "upstream": echo.address,
        "enabled": True,
        "toxics": [],
    }
    for path, shown in (("/proxies/p", created), ("/proxies", {"p": created})):
        status, answer = toxiproxy.call("GET", path)
        assert status == 200
        for proxy in (answer, *(answer.values() if path == "/proxies" else ())):
            proxy.pop("Logger", None)
        assert answer == shown


def test_a_toxic_is_shown_with_its_defaults(toxiproxy: ToxiproxyServerProcess, echo: Upstream) -> None:
    """A toxic is downstream, at toxicity 1, named after type and stream, its other attributes 0."""
    toxiproxy.add_proxy("p", echo.address)
    expected = {
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1.0,
        "attributes": {"latency": 10, "jitter": 0},
    }
    assert toxiproxy.call("POST", "/proxies/p/toxics", LATENCY) == (200, expected)
    assert toxiproxy.call("GET", "/proxies/p/toxics/latency_downstream") == (200, expected)
    assert toxiproxy.call("GET", "/proxies/p/toxics") == (200, [expected])
    assert toxiproxy.call("GET", "/proxies/p")[1]["toxics"] == [expected]


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_updating_a_toxic_keeps_what_is_not_given(
    toxiproxy: ToxiproxyServerProcess, echo: Upstream, method: str
) -> None:
    """An update changes the toxicity and the attributes in it, and nothing else."""
    toxiproxy.add_proxy("p", echo.address)
    toxiproxy.add_toxic("p", "latency", latency=10, jitter=5)
    path = "/proxies/p/toxics/latency_downstream"
    status, answer = toxiproxy.call(
        method, path, {"attributes": {"latency": 20}, "toxicity": 0.25, "type": "timeout"}
    )
    assert (status, answer["type"]) == (200, "latency")
    assert answer["attributes"] == {"latency": 20, "jitter": 5}
    assert answer["toxicity"] == 0.25
    assert toxiproxy.call(method, path, {})[1] == answer


def test_toxics_are_listed_upstream_first_then_by_age(
    toxiproxy: ToxiproxyServerProcess, echo: Upstream
) -> None:
    """The order of toxics is the order in which data meets them."""
    toxiproxy.add_proxy("p", echo.address)
    for name, stream in (("b", "downstream"), ("a", "downstream"), ("c", "upstream")):
        toxiproxy.call("POST", "/proxies/p/toxics", {**LATENCY, "name": name, "stream": stream})
    assert [toxic["name"] for toxic in toxiproxy.call("GET", "/proxies/p/toxics")[1]] == ["c", "b", "a"]


def test_deleting_answers_204_and_then_404(toxiproxy: ToxiproxyServerProcess, echo: Upstream) -> None:
    """What was deleted is not found any more."""
    toxiproxy.add_proxy("p", echo.address)
    toxiproxy.add_toxic("p", "latency")
    for path, title in (
        ("/proxies/p/toxics/latency_downstream", "toxic not found"),
        ("/proxies/p", "proxy not found"),
    ):
        assert toxiproxy.call("DELETE", path)[0] == 204
        for method in ("DELETE", "GET"):
            assert toxiproxy.call(method, path) == (404, {"error": title, "status": 404})


def test_names_with_special_characters_are_reached_when_quoted(
    toxiproxy: ToxiproxyServerProcess, echo: Upstream
) -> None:
    """Spaces, percent signs and letters beyond ASCII are allowed in names."""
    toxiproxy.add_proxy("größe 5%", echo.address)
    status, proxy = toxiproxy.call("GET", "/proxies/gr%C3%B6%C3%9Fe%205%25")
    assert (status, proxy["name"]) == (200, "größe 5%")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "title"),
    [
        ("GET", "/proxies/none", None, 404, "proxy not found"),
        ("PATCH", "/proxies/none", "{}", 404, "proxy not found"),
        ("POST", "/proxies/none/toxics", LATENCY, 404, "proxy not found"),
        ("PATCH", "/proxies/p/toxics/none", "{}", 404, "toxic not found"),
        ("DELETE", "/proxies/p/toxics/none", None, 404, "toxic not found"),
        ("POST", "/proxies", "{", 400, "bad request body"),
        ("POST", "/proxies", "", 400, "bad request body"),
        ("POST", "/proxies", "[]", 400, "bad request body"),
        ("POST", "/proxies", {"name": 1, "upstream": "x:1"}, 400, "bad request body"),
        ("POST", "/proxies", {"upstream": "x:1"}, 400, "missing required field: name"),
        ("POST", "/proxies", {"name": "q"}, 400, "missing required field: upstream"),
        ("POST", "/proxies", {"name": "p", "upstream": "x:1", "enabled": False}, 409, "proxy already exists"),
        ("PATCH", "/proxies/p", {"enabled": "no"}, 400, "bad request body"),
        ("PATCH", "/proxies/p", {"listen": "nowhere"}, 500, "address nowhere: missing port in address"),
        ("POST", "/proxies/p/toxics", "{", 400, "bad request body"),
        ("POST", "/proxies/p/toxics", {"type": "nonsense"}, 400, "invalid toxic type"),
        ("POST", "/proxies/p/toxics", {}, 400, "invalid toxic type"),
        ("POST", "/proxies/p/toxics", {**LATENCY, "stream": "sideways"}, 400, "stream was invalid"),
        ("POST", "/proxies/p/toxics", {**LATENCY, "name": "taken"}, 409, "toxic already exists"),
        (
            "POST",
            "/proxies/p/toxics",
            {"type": "latency", "attributes": {"latency": "1s"}},
            400,
            "bad request body",
        ),
        (
            "POST",
            "/proxies/p/toxics",
            {"type": "latency", "attributes": {"latency": 1.5}},
            400,
            "bad request body",
        ),
        (
            "POST",
            "/proxies/p/toxics",
            {"type": "latency", "attributes": {"latency": 1 << 64}},
            400,
            "bad request body",
        ),
        ("POST", "/proxies/p/toxics", {**LATENCY, "toxicity": "all"}, 400, "bad request body"),
        ("PATCH", "/proxies/p/toxics/taken", {"attributes": {"latency": []}}, 400, "bad request body"),
        ("PATCH", "/proxies/p/toxics/taken", '{"toxicity": NaN}', 400, "bad request body"),
        ("POST", "/populate", "{}", 400, "bad request body"),
        (
            "POST",
            "/populate",
            [{"name": "q", "upstream": "x:1"}, {"name": "r"}],
            400,
            "missing required field: upstream",
        ),
    ],
)
def test_a_bad_request_is_refused_with_its_title_and_changes_nothing(
    toxiproxy: ToxiproxyServerProcess,
    echo: Upstream,
    method: str,
    path: str,
    body: Any,
    status: int,
    title: str,
) -> None:
    """Errors are `{"error", "status"}` with toxiproxy-server's titles."""
    toxiproxy.add_proxy("p", echo.address)
    toxiproxy.call("POST", "/proxies/p/toxics", {**LATENCY, "name": "taken"})
    before = toxiproxy.call("GET", "/proxies")
    answered, answer = toxiproxy.call(method, path, body)
    assert (answered, answer["status"]) == (status, status)
    assert answer["error"].startswith(title)
    assert toxiproxy.call("GET", "/proxies") == before


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", "/proxies", 405)]
)
def test_an_unknown_route_is_404_and_a_wrong_method_405(
    toxiproxy: ToxiproxyServerProcess, method: str, path: str, status: int
) -> None:
    """What is no route of the API is refused as HTTP says."""
    assert toxiproxy.call(method, path)[0] == status


def test_a_browser_is_refused(toxiproxy: ToxiproxyServerProcess) -> None:
    """User agents that begin with Mozilla/ get 403, so that no web page drives the API."""
    assert toxiproxy.call("POST", "/reset", headers={"User-Agent": "Mozilla/5.0"})[0] == 403


def test_a_port_that_is_taken_is_500_and_creates_no_proxy(
    toxiproxy: ToxiproxyServerProcess, echo: Upstream
) -> None:
    """A proxy that cannot listen does not exist."""
    status, answer = toxiproxy.call(
        "POST", "/proxies", {"name": "p", "listen": echo.address, "upstream": echo.address}
    )
    assert status == 500
    assert answer["error"] == f"listen tcp {echo.address}: bind: address already in use"
    assert toxiproxy.call("GET", "/proxies") == (200, {})


def test_a_disabled_proxy_is_a_name_that_only_one_can_take(toxiproxy: ToxiproxyServerProcess) -> None:
    """Its listen text stays as given and its upstream is never dialled, so that it can serve as a lock."""
    lock = {"name": "lock", "listen": "127.0.0.1:0", "upstream": "who-x1.host:1", "enabled": False}
    status, answer = toxiproxy.call("POST", "/proxies", lock)
    assert status == 201
    assert {key: answer[key] for key in lock} == lock
    assert toxiproxy.call("POST", "/proxies", {**lock, "upstream": "other-x1.host:1"})[0] == 409
    assert toxiproxy.call("GET", "/proxies/lock")[1]["upstream"] == "who-x1.host:1"


def test_populate_creates_replaces_and_leaves_alone(
    toxiproxy: ToxiproxyServerProcess, echo: Upstream
) -> None:
    """A proxy that is as described stays as it is, disabled and toxic; one that differs is replaced, clean."""
    same = {"name": "same", "listen": f"127.0.0.1:{free_port()}", "upstream": echo.address}
    moved = {"name": "moved", "listen": f"127.0.0.1:{free_port()}", "upstream": echo.address}
    status, answer = toxiproxy.call("POST", "/populate", [same, moved])
    assert (status, [proxy["name"] for proxy in answer["proxies"]]) == (201, ["same", "moved"])
    for name in ("same", "moved"):
        toxiproxy.add_toxic(name, "latency")
        toxiproxy.call("PATCH", f"/proxies/{name}", {"enabled": False})
    new = {"name": "new", "listen": "127.0.0.1:0", "upstream": echo.address, "enabled": False}
    status, answer = toxiproxy.call("POST", "/populate", [same, {**moved, "upstream": "127.0.0.1:1"}, new])
    assert status == 201
    assert [(proxy["enabled"], len(proxy["toxics"])) for proxy in answer["proxies"]] == [
        (False, 1),
        (True, 0),
        (False, 0),
    ]


def test_reset_enables_every_proxy_and_ends_every_toxic(
    toxiproxy: ToxiproxyServerProcess, echo: Upstream
) -> None:
    """After a reset nothing is broken."""
    toxiproxy.add_proxy("toxic", echo.address)
    toxiproxy.add_toxic("toxic", "latency")
    toxiproxy.add_toxic("toxic", "timeout", stream="upstream")
    toxiproxy.add_proxy("down", echo.address)
    toxiproxy.call("PATCH", "/proxies/down", {"enabled": False})
    assert toxiproxy.call("POST", "/reset")[0] == 204
    for proxy in toxiproxy.call("GET", "/proxies")[1].values():
        assert (proxy["enabled"], proxy["toxics"]) == (True, [])


def test_a_proxy_can_be_moved(toxiproxy: ToxiproxyServerProcess, echo: Upstream) -> None:
    """Changing the listen address closes the old one and opens the new one."""
    host, old = toxiproxy.add_proxy("p", "127.0.0.1:1")
    new = free_port()
    status, answer = toxiproxy.call(
        "PATCH", "/proxies/p", {"listen": f"{host}:{new}", "upstream": echo.address}
    )
    assert (status, answer["enabled"]) == (200, True)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, old), timeout=5)
    with socket.create_connection((host, new), timeout=5) as client:
        client.sendall(b"moved")
        assert client.recv(16) == b"moved"
