"""Commands that ask what answers as Mimir does: a tenant's samples below /prometheus, nothing of scraping and status.

The samples and the answers are a real Prometheus'; in front of it stands what makes the difference.
"""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.e2e.slochaos_command import Shell
from tests.e2e.watched_shop import Shop, iso

_LACKING = ("/api/v1/status/", "/api/v1/targets")


@pytest.fixture
def mimir(shop: Shop) -> Iterator[str]:
    """Its URL. Without a tenant it says 401; of what it lacks, 404, both in Mimir's words."""

    class Gateway(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix("/prometheus")
            if self.headers.get("X-Scope-OrgID") != "team-a":
                self.answer(401, b"no org id\n", "text/plain; charset=utf-8")
            elif path == self.path or path.startswith(_LACKING):
                self.answer(404, b"404 page not found\n", "text/plain; charset=utf-8")
            else:
                with urllib.request.urlopen(f"{shop.url}{path}", self.form()) as answered:
                    self.answer(200, answered.read(), "application/json")

        do_POST = do_GET  # noqa: N815 - the name is the base class's

        def form(self) -> bytes | None:
            length = int(self.headers.get("Content-Length", 0))
            return self.rfile.read(length) if length else None

        def answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Gateway) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/prometheus"
        server.shutdown()
        thread.join()


def test_charge_slo_check_and_init_work_with_a_tenant(shell: Shell, shop: Shop, mimir: str) -> None:
    """What it does not say of its scraping and of how long it keeps samples is not missed."""
    asked = ("--prometheus", mimir, "--tenant", "team-a", "--format", "json")
    charge = shell.slochaos("charge", *asked, *shop.during)
    assert charge.code == 0, charge.err
    assert charge.document["objectives"][0]["charge"]["bad_gross"] > 0
    check = shell.slochaos("slo", "check", *asked, "--at", iso(shop.now), "--windows", "1h")
    assert check.code in (0, 1), check.err
    init = shell.slochaos("init", *asked, "--dry-run")
    assert init.code == 0, init.err


def test_an_interval_without_samples_is_said_though_retention_is_not_known(shell: Shell, mimir: str) -> None:
    """Not as a failure of the server, which never says how long it keeps samples."""
    asked = ("--prometheus", mimir, "--tenant", "team-a")
    answer = shell.slochaos("charge", *asked, "--from", "-20d", "--to", "-19d")
    assert answer.code == 2, answer.err
    assert "has no samples of that time" in answer.err


def test_without_its_tenant_the_option_is_named(shell: Shell, mimir: str) -> None:
    """The server's 401 is about the tenant as often as about a token."""
    answer = shell.slochaos("charge", "--prometheus", mimir, "--from", "-10m")
    assert answer.code == 7
    assert "--tenant" in answer.err
