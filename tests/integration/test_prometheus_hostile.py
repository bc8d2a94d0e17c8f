"""Servers that hang, lie, break off or send too much: a reasoned refusal in time, within bounded memory.

And logging in: what is sent to whom, and that no secret gets into a message.
"""

from __future__ import annotations

import base64
import gzip
import json
import logging
import re
import socket
import ssl
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import InvalidInput, SlochaosError, SourceError
from slochaos.measurement.prometheus.fetching import AT_ONCE, ask_all
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.transport import ANSWER_LIMIT
from slochaos.spec.selectors import parse
from slochaos.spec.sources import PrometheusSource, Secret

TIMEOUT_S = 1.0
SECRET = "s3cr3t-t0k3n-that-nobody-may-see"
EMPTY = json.dumps({"status": "success", "data": {"resultType": "vector", "result": []}}).encode()

BOMB = gzip.compress(bytes(ANSWER_LIMIT + 1), 1)

Answer = Callable[["_Handler"], None]


@dataclass
class Hostile:
    """A server that answers each request by `answer`. `seen`: the requests' headers; `sent`: bytes sent at most."""

    answer: Answer
    url: str = ""
    seen: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    sent: int = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hostile: Hostile

    def do_GET(self) -> None:
        self.hostile.seen.append(dict(self.headers.items()))
        self.hostile.paths.append(self.path)
        try:
            self.hostile.answer(self)
        except OSError:
            self.close_connection = True

    def do_POST(self) -> None:
        self.path += "?" + self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.do_GET()

    def whole(self, status: int, body: bytes, **headers: str) -> None:
        """A complete answer."""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Clients that hang up, or do not speak TLS, are what these tests are about."""


@contextmanager
def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[Hostile]:
    """A server on loopback that answers so."""
    hostile = Hostile(answer)
    server = _Quiet(("127.0.0.1", 0), type("Handler", (_Handler,), {"hostile": hostile}))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    hostile.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hostile
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def source(url: str, **more: Any) -> PrometheusSource:
    """A source that is given a second."""
    return PrometheusSource("prod", url, timeout_s=TIMEOUT_S, **more)


def refusal(of: PrometheusSource, kind: type[SlochaosError] = SourceError) -> SlochaosError:
    """The error that a question ends in."""
    with PrometheusServer(of) as server, pytest.raises(kind) as caught:
        server.query("up", 0.0)
    return caught.value


def hang(_: _Handler) -> None:
    """Say nothing."""
    time.sleep(4 * TIMEOUT_S)


def drip(handler: _Handler) -> None:
    """A byte now and then, for ever: no single read lasts long."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b" ")
        time.sleep(TIMEOUT_S / 20)
    handler.close_connection = True


def half(handler: _Handler) -> None:
    """Break off in the middle."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(2 * len(EMPTY)))
    handler.end_headers()
    handler.wfile.write(EMPTY)
    handler.close_connection = True


def endless(handler: _Handler) -> None:
    """A gigabyte, in chunks, so that nobody is told how much will come."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    piece = b"0" * 65536
    for _ in range(1024**3 // len(piece)):
        handler.wfile.write(b"10000\r\n" + piece + b"\r\n")
        handler.hostile.sent += len(piece)


def bomb(handler: _Handler) -> None:
    """Small on the wire, too large when unpacked."""
    handler.whole(200, BOMB, Content_Encoding="gzip")


def refuse(handler: _Handler) -> None:
    """Close without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


HOSTILE = {
    "hanging": (hang, "no complete answer within 1 s"),
    "dripping": (drip, "no complete answer within 1 s"),
    "500": (lambda h: h.whole(500, b"oops"), "status 500: 'oops'"),
    "503 that says why": (
        lambda h: h.whole(503, json.dumps({"status": "error", "error": "not ready"}).encode()),
        "status 503: not ready",
    ),
    "half an answer": (half, "cut off"),
    "no answer": (refuse, "closed without an answer"),
    "a web page": (lambda h: h.whole(200, b"<html>log in</html>", Content_Type="text/html"), "a web page"),
    "a web page that says it is JSON": (lambda h: h.whole(200, b"\n<!doctype html>"), "a web page"),
    "a redirect": (
        lambda h: h.whole(302, b"", Location="http://169.254.169.254/latest"),
        "redirects to 169.254.169.254",
    ),
    "a login refused": (lambda h: h.whole(401, b""), "does not let us in"),
    "a gigabyte announced": (lambda h: _announce(h, 1024**3), "larger than"),
    "a gigabyte in chunks": (endless, "larger than"),
    "too much, packed": (bomb, "larger than"),
    "no gzip": (lambda h: h.whole(200, EMPTY, Content_Encoding="gzip"), "no gzip"),
    "no JSON": (lambda h: h.whole(200, b'{"status":'), "no JSON"),
    "nested without end": (lambda h: h.whole(200, b"[" * 1_000_000), "no JSON"),
    "another API": (lambda h: h.whole(200, b'{"items": []}'), "not Prometheus'"),
    "an error with status 200": (
        lambda h: h.whole(200, b'{"status": "error", "error": "bad", "data": {}}'),
        "not Prometheus': bad",
    ),
    "no result": (
        lambda h: h.whole(200, b'{"status": "success", "data": 5}'),
        "not what Prometheus would send",
    ),
    "values that are none": (
        lambda h: h.whole(
            200, b'{"status": "success", "data": {"result": [{"metric": {}, "value": ["x", "y"]}]}}'
        ),
        "not what Prometheus would send",
    ),
    "no HTTP": (lambda h: h.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n"), "no HTTP"),
}


def _announce(handler: _Handler, size: int) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(size))
    handler.end_headers()


@pytest.mark.parametrize("name", HOSTILE)
def test_each_bad_answer_is_refused_with_its_reason_and_the_server_named(name: str) -> None:
    """The message says which server, what it did, and what to do; nothing but SourceError comes out."""
    answer, reason = HOSTILE[name]
    with serving(answer) as hostile:
        error = refusal(source(hostile.url))
    assert error.message.startswith(f"Prometheus server prod ({hostile.url}): ")
    assert reason in error.message
    assert error.hint


@pytest.mark.parametrize("answer", [hang, drip], ids=["hanging", "dripping"])
def test_deadline_is_for_the_whole_answer(answer: Answer) -> None:
    """However many reads it takes, and with no second try."""
    with serving(answer) as hostile, PrometheusServer(source(hostile.url)) as server:
        began = time.monotonic()
        with pytest.raises(SourceError, match="no complete answer"):
            server.query("up", 0.0)
        assert time.monotonic() - began < 3 * TIMEOUT_S, "this is the promise, not a benchmark"
    assert len(hostile.seen) == 1


def test_gigabyte_is_hung_up_on_at_the_limit() -> None:
    """What is read at most is in memory at most; the rest never leaves the server."""
    with serving(endless) as hostile:
        error = refusal(replace(source(hostile.url), timeout_s=30.0))
    assert "larger than" in error.message
    assert hostile.sent < ANSWER_LIMIT + 16 * 1024 * 1024, "the limit and the sockets' buffers"


def test_answer_of_500_is_not_asked_for_again() -> None:
    """prometheus-api-client would retry three times, with pauses."""
    with serving(lambda h: h.whole(500, b"")) as hostile:
        refusal(source(hostile.url))
    assert len(hostile.seen) == 1


def test_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    """A kept connection may end at any time; that is no failure of the server."""

    def once(handler: _Handler) -> None:
        handler.whole(200, EMPTY)
        handler.close_connection = True

    with serving(once) as hostile, PrometheusServer(source(hostile.url)) as server:
        for _ in range(3):
            assert server.query("up", 0.0) == ()
            time.sleep(0.05)
    assert len(hostile.seen) == 3


def test_long_question_does_not_stand_in_the_path() -> None:
    """Proxies refuse long paths: it is sent as a form."""
    with serving(lambda h: h.whole(200, EMPTY)) as hostile, PrometheusServer(source(hostile.url)) as server:
        server.query("up" + " or up" * 2000, 0.0)
    assert hostile.seen[0]["Content-Type"] == "application/x-www-form-urlencoded"
    assert "or+up" in hostile.paths[0]


def test_warnings_of_a_partial_answer_are_heard_by_who_asked() -> None:
    """Thanos and Mimir answer with status 200 and a part of the data."""
    partial = {
        "status": "success",
        "data": {"resultType": "vector", "result": []},
        "warnings": ["store b is down"],
    }
    body = json.dumps(partial).encode()
    with serving(lambda h: h.whole(200, body)) as hostile, PrometheusServer(source(hostile.url)) as server:
        with server.listening() as heard:
            server.query("up", 0.0)
        with server.listening() as later:
            pass
    assert (heard, later) == (["store b is down"], [])


def test_nothing_listens_there() -> None:
    """The server is named, and that it refuses the connection."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    assert "connection refused" in refusal(source(url)).message


def test_link_local_address_is_refused_also_behind_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """It serves a cloud machine's credentials; the name resolves only when the connection is made."""
    there = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: there)
    assert "link-local" in refusal(source("http://prometheus.example")).message


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials go to the server that the environment file names, and to nobody else."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serving(lambda h: h.whole(200, EMPTY)) as hostile, PrometheusServer(source(hostile.url)) as server:
        assert server.query("up", 0.0) == ()


def test_basic_login_tenant_and_bearer_are_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Secrets come from the environment or a file, read anew each time: a rotated one is taken up."""
    token = tmp_path / "token"
    token.write_text("first\n")
    monkeypatch.setenv("PROMETHEUS_PASSWORD", SECRET)
    with serving(lambda h: h.whole(200, EMPTY)) as hostile:
        basic = source(hostile.url, user="sre", password=Secret(env="PROMETHEUS_PASSWORD"), tenant="team-a")
        with PrometheusServer(basic) as server:
            server.query("up", 0.0)
        with PrometheusServer(source(hostile.url, bearer=Secret(file=token))) as server:
            server.query("up", 0.0)
            token.write_text("second\n")
            server.query("up", 0.0)
    first, *others = hostile.seen
    assert first["Authorization"] == "Basic " + base64.b64encode(f"sre:{SECRET}".encode()).decode()
    assert first["X-Scope-OrgID"] == first["THANOS-TENANT"] == "team-a"
    assert [seen["Authorization"] for seen in others] == ["Bearer first", "Bearer second"]
    assert not any("X-Scope-OrgID" in seen for seen in others)


def _echo(handler: _Handler) -> None:
    """Send back what was sent, in every place that is quoted."""
    said = handler.headers["Authorization"]
    handler.whole(500, json.dumps({"status": "error", "error": f"no such login: {said}"}).encode())


@pytest.mark.parametrize("answer", [_echo, hang, refuse, half], ids=["echo", "hanging", "refused", "half"])
@pytest.mark.parametrize("kind", ["bearer", "basic"])
def test_no_secret_gets_into_errors_logs_or_representations(
    answer: Answer, kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even where the server sends it back."""
    monkeypatch.setenv("PROMETHEUS_SECRET", SECRET)
    caplog.set_level(logging.DEBUG)
    secret = Secret(env="PROMETHEUS_SECRET")
    login: dict[str, Any] = {"bearer": secret} if kind == "bearer" else {"user": "sre", "password": secret}
    with serving(answer) as hostile, PrometheusServer(source(hostile.url, **login)) as server:
        with pytest.raises(SourceError) as caught:
            server.query("up", 0.0)
        shown = [str(caught.value), repr(caught.value), repr(server), repr(server.source), caplog.text]
    shown.append("".join(traceback.format_exception(caught.value)))
    encoded = base64.b64encode(f"sre:{SECRET}".encode()).decode()
    for text in shown:
        assert SECRET not in text
        assert encoded not in text


@pytest.mark.parametrize("token", ["two words", "line\r\nX-Injected: yes", "n\u00f6"])
def test_token_that_cannot_stand_in_a_header_is_refused_without_being_quoted(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP clients refuse it too, and quote it."""
    monkeypatch.setenv("PROMETHEUS_SECRET", token)
    login = source("http://127.0.0.1:9", bearer=Secret(env="PROMETHEUS_SECRET"))
    with PrometheusServer(login) as server, pytest.raises(InvalidInput) as caught:
        server.query("up", 0.0)
    assert token not in str(caught.value)


def test_secret_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its variable."""
    monkeypatch.delenv("PROMETHEUS_SECRET", raising=False)
    login = source("http://127.0.0.1:9", bearer=Secret(env="PROMETHEUS_SECRET"))
    with PrometheusServer(login) as server, pytest.raises(InvalidInput, match="PROMETHEUS_SECRET"):
        server.query("up", 0.0)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate authority, and a server's and a client's certificate of it."""
    folder = tmp_path_factory.mktemp("authority")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    uses = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    openssl(*new, "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", *uses)
    for name in ("server", "client"):
        openssl(*new[:-2], "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / "extensions").write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
        signing = (
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "extensions",
        )
        openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signing)
    return folder


@pytest.fixture
def behind_tls(authority: Path) -> Iterator[Hostile]:
    """A server that wants a client's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    context.load_verify_locations(authority / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with serving(lambda h: h.whole(200, EMPTY), context) as hostile:
        yield hostile


def test_client_certificate_is_shown(behind_tls: Hostile, authority: Path) -> None:
    """And the server's is checked against the authority given."""
    with_certificate = source(
        behind_tls.url,
        ca=authority / "ca.pem",
        certificate=authority / "client.pem",
        key=authority / "client.key",
    )
    with PrometheusServer(with_certificate) as server:
        assert server.query("up", 0.0) == ()


def test_server_of_an_unknown_authority_is_refused(behind_tls: Hostile) -> None:
    """There is no way to switch the check off."""
    assert re.search(
        r"TLS: .*(self.signed|unable to get local issuer)", refusal(source(behind_tls.url)).message
    )


def test_missing_client_certificate_is_a_failure_of_the_source(behind_tls: Hostile, authority: Path) -> None:
    """The server ends the connection; which words it finds for that is its business."""
    refusal(source(behind_tls.url, ca=authority / "ca.pem"))


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_tls_files_that_cannot_be_used_are_named(content: str | None, tmp_path: Path) -> None:
    """Missing, or not PEM."""
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_text(content)
    assert str(ca) in refusal(source("https://127.0.0.1:9", ca=ca), InvalidInput).message


def test_raw_samples_are_asked_for_with_an_explicit_time() -> None:
    """To the millisecond, whatever the clock says now."""
    with serving(lambda h: h.whole(200, EMPTY)) as hostile, PrometheusServer(source(hostile.url)) as server:
        server.raw(parse('r_total{job="a"}'), 1000.25, 1060.5)
    assert "time=1060.500" in hostile.paths[0]
    assert "60251ms" in hostile.paths[0]


def test_server_that_hangs_is_asked_no_more_once_a_question_got_no_answer() -> None:
    """Neither what else was to be asked at once, nor what would come after it: its time is one timeout."""
    with serving(hang) as hostile, PrometheusServer(source(hostile.url)) as server:
        with pytest.raises(SourceError, match="1 s"):
            ask_all(server, range(20), lambda number: server.query(f"up + {number}", 0.0))
        time.sleep(TIMEOUT_S / 2)
    assert len(hostile.paths) <= AT_ONCE


def test_what_was_asked_first_is_raised_though_others_hang() -> None:
    """Nobody waits for them."""

    def one_fails(handler: _Handler) -> None:
        if "fails" in handler.path:
            handler.whole(422, b'{"status":"error","error":"no such thing"}')
        else:
            hang(handler)

    with serving(one_fails) as hostile, PrometheusServer(source(hostile.url)) as server:
        with pytest.raises(SourceError, match="no such thing"):
            ask_all(server, ("fails", "a", "b"), lambda name: server.query(name, 0.0))
        assert len(hostile.paths) <= 3
