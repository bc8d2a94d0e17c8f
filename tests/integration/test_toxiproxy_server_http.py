"""The embedded Toxiproxy server's HTTP: odd, hostile, slow and large requests."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable

import pytest

from tests.tcp_clients import SOON_S
from tests.toxiproxy_servers import ToxiproxyServerProcess

CREATE = '{"name": "p", "upstream": "127.0.0.1:1", "enabled": false}'


def send(server: ToxiproxyServerProcess, *parts: bytes) -> bytes:
    """The whole answer to a raw request; the server has to end the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=SOON_S) as client:
        for part in parts:
            client.sendall(part)
        return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.fixture
def server(embedded_toxiproxy: ToxiproxyServerProcess) -> ToxiproxyServerProcess:
    """The embedded server."""
    return embedded_toxiproxy


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8474"},
        {"Host": ""},
        {"Host": "[::1"},
        {"Host": "192.0.2.1:8474"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"User-Agent": "Mozilla/5.0 (X11)"},
    ],
)
def test_requests_that_a_web_page_could_cause_are_refused(
    server: ToxiproxyServerProcess, headers: dict[str, str]
) -> None:
    """Neither a page nor a name that someone pointed to loopback reaches the API; nothing is changed."""
    assert server.call("POST", "/proxies", CREATE, headers)[0] == 403
    assert server.call("GET", "/proxies") == (200, {})


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8474", "127.0.0.1:1", "[::1]:8474"])
def test_every_name_of_loopback_is_accepted(server: ToxiproxyServerProcess, host: str) -> None:
    """A tunnel may change the port, so only the name counts."""
    assert server.call("GET", "/version", headers={"Host": host})[0] == 200


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /version HTTP/2.0\r\nHost: localhost\r\n\r\n", 400),
        (b"GET http://evil/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        (b"GET /version HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", 400),
        (b"GET /version HTTP/1.1\r\nHost: localhost\r\nbroken\r\n\r\n", 400),
        (b"POST /reset HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /reset HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
        (b"POST /reset HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n", 413),
        (b"POST /reset HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"POST /reset HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400),
        (b"POST /reset HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n", 413),
        (b"GET /version HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_no_request_is_answered_and_ends_the_connection(
    server: ToxiproxyServerProcess, request_text: bytes, status: int
) -> None:
    """The limits: 32 KiB of headers, 1 MiB of body."""
    assert send(server, request_text).startswith(b"HTTP/1.1 %d " % status)
    assert server.call("GET", "/version")[0] == 200


def test_a_deeply_nested_body_is_a_bad_request(server: ToxiproxyServerProcess) -> None:
    """It must not end the server."""
    status, answer = server.call("POST", "/proxies", "[" * 500_000)
    assert (status, answer["error"].partition(":")[0]) == (400, "bad request body")
    assert server.call("GET", "/proxies") == (200, {})


def test_a_body_in_chunks_is_read(server: ToxiproxyServerProcess) -> None:
    """Clients that stream their body are served too."""
    half = len(CREATE) // 2
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in (CREATE[:half].encode(), CREATE[half:].encode())
    )
    head = b"POST /proxies HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b'"name": "p"' in send(server, head, chunks, b"0\r\n\r\n")


def test_a_client_that_waits_to_be_told_to_go_on_is_told(server: ToxiproxyServerProcess) -> None:
    """`Expect: 100-continue` is answered before the body is read."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=SOON_S) as client:
        head = "POST /proxies HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: "
        client.sendall(f"{head}{len(CREATE)}\r\n\r\n".encode())
        assert client.recv(1024).startswith(b"HTTP/1.1 100 ")
        client.sendall(CREATE.encode())
        assert client.recv(1024).startswith(b"HTTP/1.1 201 ")


def test_one_connection_serves_many_requests(server: ToxiproxyServerProcess) -> None:
    """Also after requests that failed."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=SOON_S)
    try:
        for path, status in (
            ("/version", 200),
            ("/proxies/none", 404),
            ("/nothing", 404),
            ("/proxies?x=1", 200),
        ):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
            assert not answer.will_close
    finally:
        connection.close()


def test_clients_that_send_slowly_or_go_away_hold_up_nobody(server: ToxiproxyServerProcess) -> None:
    """Half a request occupies its own connection only, and does nothing."""
    starts: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: b"POST /proxies HTTP/1.1\r\nHost: loc",
        lambda: (
            b"POST /proxies HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n" + CREATE.encode()
        ),
    ]
    clients = [socket.create_connection(("127.0.0.1", server.port), timeout=SOON_S) for _ in range(60)]
    try:
        for number, client in enumerate(clients):
            client.sendall(starts[number % 3]())
        assert server.call("GET", "/proxies") == (200, {})
    finally:
        for client in clients:
            client.close()
    assert server.call("GET", "/proxies") == (200, {})
    assert "Traceback" not in server.log.read_text()
