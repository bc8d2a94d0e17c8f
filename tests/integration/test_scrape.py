"""Scraping real pages, and servers that answer badly."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import CollectorRegistry, Counter, ProcessCollector

from slochaos.errors import InvalidInput
from slochaos.measurement import scrape
from slochaos.measurement.samples import Sample
from slochaos.measurement.scrape import ScrapeReader
from slochaos.spec import objectives
from slochaos.spec.selectors import parse
from slochaos.spec.sources import ScrapeSource
from tests.integration.metrics_pages import (
    Answer,
    bad_server,
    close_at_once,
    drip,
    drip_head,
    endless,
    hang,
    metrics_page,
    whole,
)

WANTED = [objectives.Counter(parse('http_requests_total{job="api"}'))]
PAGE = b"http_requests_total 5\n"


@contextmanager
def reader(url: str, deadline_s: float | None = None) -> Iterator[ScrapeReader]:
    reading = ScrapeReader(ScrapeSource("api", url, 0.25), WANTED, deadline_s)
    try:
        yield reading
    finally:
        reading.close()


def read_once(url: str, deadline_s: float | None = None) -> Sample:
    with reader(url, deadline_s) as reading:
        return reading.read()


def test_a_real_page_gives_the_selected_series() -> None:
    """prometheus-client's own server: the counter, its creation, the process start, with job and instance."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    Counter("http_requests", "Requests.", ["code"], registry=registry).labels("200").inc(7)
    Counter("other", "Not selected.", registry=registry).inc()
    with metrics_page(registry) as url, reader(url) as reading:
        sample = reading.read()
        names = reading.metric_names()
    assert sample.failure == ""
    assert sample.started <= sample.finished
    port = url.split(":")[2].split("/")[0]
    requests = "http_requests_total", (("code", "200"), ("instance", f"127.0.0.1:{port}"), ("job", "api"))
    assert sample.values[requests] == 7
    assert {name for name, _ in sample.values} >= {"http_requests_total", "http_requests_created"}
    assert "other_total" in names
    assert not any(name.startswith("other") for name, _ in sample.values)


BAD: list[tuple[str, Answer, str]] = [
    ("500", whole(b"broken\n", "HTTP/1.1 500 Internal Server Error"), "status 500"),
    ("404 with a page", whole(PAGE, "HTTP/1.1 404 Not Found"), "status 404"),
    (
        "redirect",
        whole(b"", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/"),
        "redirects are not followed",
    ),
    ("HTML", whole(b"<html></html>\n", kind="text/html; charset=utf-8"), "HTML"),
    ("HTML as text", whole(b"<html></html>\n"), "not a metrics page"),
    ("half a body", whole(PAGE, length=1000), "cut off"),
    ("half a line", whole(b"http_requests_total 5"), "cut off"),
    ("OpenMetrics without its end", whole(PAGE, kind="application/openmetrics-text; version=1.0.0"), "# EOF"),
    ("NaN", whole(b"http_requests_total NaN\n"), "NaN"),
    ("compressed", whole(PAGE, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip"), "compressed"),
    ("too large", whole(b"", length=17 * 1024 * 1024), "larger than"),
    ("no HTTP", whole(PAGE, "hello"), "no HTTP"),
    ("closed", close_at_once, "closed without an answer"),
    ("endless", endless, "larger than"),
]


@pytest.mark.parametrize(("answer", "why"), [pytest.param(a, w, id=name) for name, a, w in BAD])
def test_a_bad_answer_is_a_failed_sample(answer: Answer, why: str) -> None:
    """Every answer that is no whole page is a failure with its reason, and has no values."""
    with bad_server(answer) as url:
        sample = read_once(url, 10)
    assert why in sample.failure
    assert not sample.values


@pytest.mark.parametrize("answer", [hang, drip, drip_head])
def test_a_slow_server_is_cut_off_at_the_deadline(answer: Answer) -> None:
    """Neither silence nor a byte now and then holds a reading beyond its deadline."""
    with bad_server(answer) as url:
        begun = time.monotonic()
        sample = read_once(url, 0.4)
    assert sample.failure == "no complete answer within 0.4 s"
    assert sample.finished - sample.started >= 0.35
    assert time.monotonic() - begun < 10  # a drip would last for ever


def test_nobody_listening_is_a_failed_sample() -> None:
    """A refused connection says so."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert read_once(f"http://127.0.0.1:{port}/metrics").failure == "connection refused"


def test_one_connection_is_kept_and_replaced_when_closed() -> None:
    """Readings share a connection; one that the server has closed meanwhile costs no reading."""
    peers: list[tuple[str, int]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            peers.append(self.client_address)
            self.send_response(200)
            self.send_header("Content-Length", str(len(PAGE)))
            self.end_headers()
            self.wfile.write(PAGE)
            # Closed without a word after the second answer, as servers do with idle connections.
            self.close_connection = len(peers) == 2

        def log_message(self, *_: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        with reader(f"http://127.0.0.1:{server.server_port}/metrics") as reading:
            samples = []
            for _ in range(4):
                samples.append(reading.read())
                time.sleep(0.05)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
    assert [s.failure for s in samples] == [""] * 4
    assert peers[0] == peers[1]
    assert peers[1] != peers[2]
    assert peers[2] == peers[3]


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead HTTP_PROXY changes nothing."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with bad_server(whole(PAGE)) as url:
        assert read_once(url).failure == ""


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]"])
def test_link_local_addresses_are_refused(host: str) -> None:
    """Cloud metadata services hand out credentials: nothing is sent there."""
    assert "link-local" in read_once(f"http://{host}/metrics").failure


@pytest.mark.parametrize(
    "url", ["ftp://x/metrics", "http://", "metrics", "http://x:99999/", "http://x:0/", "http://[x/"]
)
def test_what_is_no_address_is_invalid_input(url: str) -> None:
    """A source whose URL cannot be read is a mistake of the environment file."""
    with pytest.raises(InvalidInput, match="source api"):
        ScrapeReader(ScrapeSource("api", url), WANTED)


def test_a_large_page_of_other_metrics_is_read() -> None:
    """Ten thousand lines that nobody selects do not hide the one that is selected."""
    noise = b"".join(b'noise_total{n="%d"} %d\n' % (n, n) for n in range(10_000))
    with bad_server(whole(noise + PAGE)) as url:
        sample = read_once(url)
    assert list(sample.values.values()) == [5]
    assert len(noise) < scrape.BODY_LIMIT
