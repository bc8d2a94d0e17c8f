"""`slochaos charge` on real Prometheus servers of somebody else's metrics: no file, no injection, a number."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from tests.e2e.slochaos_command import Answer, Shell
from tests.e2e.watched_shop import BAD, COST, OUTAGE_S, WEEK, Shop, iso
from tests.prometheus_servers import (
    Binaries,
    ServerProcess,
    scrape_job,
    start_node_exporter,
    start_prometheus,
)


def charge(shell: Shell, shop: Shop, *more: str) -> Answer:
    """What the outage cost."""
    return shell.slochaos("charge", "--prometheus", shop.url, *shop.during, *more)


def written(shell: Shell) -> list[Path]:
    """All files and folders that the command made."""
    return [*shell.folder.rglob("*"), *shell.state.rglob("*")]


def test_an_interval_is_priced_without_a_file_and_leaves_none(shell: Shell, shop: Shop) -> None:
    """Objectives by presets, dearest first; the truth is in the interval; nothing is written anywhere."""
    answer = charge(shell, shop, "--format", "json")
    assert answer.code == 0, answer.err
    by_name = {each["name"]: each for each in answer.document["objectives"]}
    success, charged = by_name["shop-success"], by_name["shop-success"]["charge"]
    least, most = charged["bad_gross_interval"]
    assert least <= BAD <= most
    assert charged["cost_percent"] == pytest.approx(COST, rel=0.1)
    assert charged["attributed_percent"] == pytest.approx(COST, rel=0.1)
    assert charged["consumed_after_percent"] == pytest.approx(COST, rel=0.1)
    assert charged["basis"] == "observed"
    assert success["top_contributors"][0]["labels"] == {"code": "503"}
    assert success["refund"]["starts"].startswith(iso(shop.outage + WEEK)[:-1])
    assert success["refund"]["completes"].startswith(iso(shop.end + WEEK)[:-1])
    assert written(shell) == []


def test_the_table_says_what_is_assumed_and_what_next(shell: Shell, shop: Shop) -> None:
    """Where the errors were, that the target is nobody's yet, and how to keep the result; no colours."""
    answer = charge(shell, shop)
    lines = answer.out.splitlines()
    assert lines[0].startswith("CHARGED ")
    assert "Where: of the bad events of shop-success, 100 % had code=503." in answer.out
    assert "shop-success is assumed: 99.9 % over 7d" in answer.out
    assert lines[-1].startswith("Next: ")
    assert lines[-1].endswith("--incident ID")
    assert "\x1b" not in answer.out


def test_a_budget_that_is_spent_comes_back_with_the_outage(shell: Shell, shop: Shop) -> None:
    """The probe failed for 7 minutes of a budget of 10: its half is back a week after the outage's end."""
    answer = charge(shell, shop, "--format", "json", "--objective", "probes-up")
    (probes,) = answer.document["objectives"]
    assert probes["charge"]["consumed_after_percent"] > 50
    steps = {step["left_percent"]: step["at"] for step in probes["refund"]["back_above"]}
    assert steps[50].startswith(iso(shop.end + WEEK)[:-1])


def test_what_was_usual_is_not_caused(shell: Shell, shop: Shop) -> None:
    """The second half of the outage against its first half: nothing beyond what the baseline had."""
    middle = iso(shop.outage + OUTAGE_S / 2)
    answer = shell.slochaos(
        "charge", "--prometheus", shop.url, "--from", middle, "--to", iso(shop.end),
        "--objective", "shop-success", "--format", "json",
    )  # fmt: skip
    (success,) = answer.document["objectives"]
    assert success["charge"]["bad_gross"] > 0
    low, high = success["charge"]["attributed_interval"]
    assert low <= 0.15 * success["charge"]["bad_gross"]
    assert any(reason.startswith("bad-baseline: ") for reason in success["reasons"])
    longer = shell.slochaos(
        "charge", "--prometheus", shop.url, "--from", middle, "--to", iso(shop.end),
        "--objective", "shop-success", "--format", "json", "--baseline", "2d",
    )  # fmt: skip
    assert longer.document["objectives"][0]["charge"]["attributed_interval"][1] > high


def test_an_incident_is_kept_once_and_shown_again(shell: Shell, shop: Shop) -> None:
    """The same interval replaces, another one has to be asked for; history and show know it."""
    for _ in range(2):
        kept = charge(shell, shop, "--incident", "INC-7")
        assert kept.code == 0, kept.err
    shown = shell.slochaos("show", "INC-7")
    assert shown.out == kept.out
    history = shell.slochaos("history", "--format", "json").document
    assert [(row["id"], row["server"]) for row in history["incidents"]] == [("INC-7", shop.url)]
    assert history["runs"] == []
    other = ("charge", "--prometheus", shop.url, "--from", iso(shop.outage), "--to", iso(shop.end + 60))
    refused = shell.slochaos(*other, "--incident", "INC-7")
    assert refused.code == 2
    assert "--replace" in refused.err
    assert shell.slochaos(*other, "--incident", "INC-7", "--replace").code == 0


def test_a_price_is_shown_though_it_cannot_be_kept(shell: Shell, shop: Shop) -> None:
    """An incident is no time to lose a number to a ledger that fails; the exit code tells."""
    (shell.state / "slochaos").mkdir(mode=0o700)
    (shell.state / "slochaos" / "ledger.db").write_text("no database")
    answer = charge(shell, shop, "--incident", "INC-7", "--format", "json")
    assert answer.code == 7
    assert answer.document["incident"]["id"] == ""
    assert "is not a ledger" in answer.err


ENVIRONMENT = """\
prometheus: {url}
slos: [shop.slos.yaml]
ledger: ledger.db
"""

SLOS = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: checkout}
spec:
  service: shop
  budgetingMethod: Timeslices
  timeWindow: [{duration: 1d, isRolling: true}]
  indicator:
    metadata: {name: checkout}
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {type: slochaos, spec: {selector: 'http_requests_total{code=~"5.."}'}}}
        total: {metricSource: {type: slochaos, spec: {selector: http_requests_total}}}
  objectives: [{target: 0.99, timeSliceTarget: 0.9, timeSliceWindow: 1m}]
"""


def test_an_environment_brings_objectives_server_and_ledger(shell: Shell, shop: Shop) -> None:
    """Seven bad minutes of the 14.4 that a day may have, in the budget of that environment."""
    folder = shell.folder / "environments"
    folder.mkdir()
    (folder / "prod.yaml").write_text(ENVIRONMENT.format(url=shop.url))
    (folder / "shop.slos.yaml").write_text(SLOS)
    answer = shell.slochaos("charge", "--environment", "prod", *shop.during, "--incident", "OUT-1")
    assert answer.code == 0, answer.err
    assert "slochaos show OUT-1 --environment prod" in answer.out
    document = shell.slochaos("show", "OUT-1", "--environment", "prod", "--format", "json").document
    (checkout,) = document["objectives"]
    assert checkout["interval"]["total"] - checkout["interval"]["good"] == OUTAGE_S / 60
    assert checkout["charge"]["cost_percent"] == pytest.approx(100 * 7 / 14.4)
    (row,) = shell.slochaos("budget", "--environment", "prod", "--format", "json").document["objectives"]
    assert (row["incidents"], row["runs"]) == (1, 0)
    assert row["incidents_percent"] == pytest.approx(100 * 7 / 14.4)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (("--from", "-10m", "--to", "-20m"), "is not after"),
        (("--from", "2999-01-01T00:00Z"), "still to come"),
        (("--from", "-40d", "--to", "-39d"), "keeps samples for 30 days"),
        (("--from", "-10d", "--to", "-9d"), "has no samples of that time"),
        (("--from", "-10m", "--objective", "shop-sucess"), "did you mean 'shop-success'"),
        (("--from", "-10m", "--baseline", "0s"), "--baseline has no length"),
        (("--from", "-10m", "--replace"), "--replace is of no use without --incident"),
        (("--from", "-10m", "--incident", "../x"), "is no id"),
    ],
)
def test_what_cannot_be_priced_is_said(
    shell: Shell, shop: Shop, times: tuple[str, ...], message: str
) -> None:
    """With exit code 2 and what to do, also as a document; nothing is written."""
    answer = shell.slochaos("charge", "--prometheus", shop.url, *times, "--format", "json")
    assert answer.code == 2
    error = answer.document["error"]
    assert message in f"{error['message']} {error['hint']}"
    assert "Traceback" not in answer.err
    assert written(shell) == []


def test_an_interval_that_has_no_samples_is_no_zero(shell: Shell, shop: Shop) -> None:
    """The server has none of the last minutes: no data for what was asked by name, exit code 3."""
    folder = shell.folder / "environments"
    folder.mkdir()
    (folder / "prod.yaml").write_text(ENVIRONMENT.format(url=shop.url))
    (folder / "shop.slos.yaml").write_text(SLOS.replace("http_requests_total", "requests_total"))
    answer = shell.slochaos("charge", "-e", "prod", *shop.during)
    assert answer.code == 3
    assert answer.out.startswith("NO DATA ")
    assert "no-series" in answer.out


def test_a_server_that_is_down_is_an_error(shell: Shell) -> None:
    """Named, with what to do; exit code 7."""
    answer = shell.slochaos("charge", "--prometheus", "http://127.0.0.1:9", "--from", "-10m")
    assert answer.code == 7
    assert "connection refused" in answer.err
    assert written(shell) == []


def test_a_server_of_exporters_only_is_said_to_have_nothing_known(
    shell: Shell, prometheus_binaries: Binaries, tmp_path: Path
) -> None:
    """A node exporter has metrics, but none that says what a user wanted."""
    exporter = start_node_exporter(prometheus_binaries, tmp_path / "exporter")
    server = start_prometheus(
        prometheus_binaries, tmp_path / "server", [scrape_job("node", [f"127.0.0.1:{exporter.port}"])]
    )
    try:
        _wait_for_samples(server)
        answer = shell.slochaos(
            "charge", "--prometheus", f"http://127.0.0.1:{server.port}", "--from", "-1m", "--format", "json"
        )
    finally:
        server.end()
        exporter.end()
    assert answer.code == 2
    assert json.loads(answer.out)["error"]["message"].startswith("no preset knows a metric")


def _wait_for_samples(server: ServerProcess) -> None:
    deadline = time.monotonic() + 30
    while not server.query("up == 1"):
        assert time.monotonic() < deadline, "the server scraped nothing"
        time.sleep(0.1)


@pytest.fixture
def demo(prometheus_binaries: Binaries, tmp_path: Path) -> Iterator[tuple[ServerProcess, CollectorRegistry]]:
    """A server that scrapes a demo application with the client library's default metrics, once a second."""
    registry = CollectorRegistry()
    GCCollector(registry)
    PlatformCollector(registry)
    ProcessCollector(registry=registry)
    app, thread = start_http_server(0, "127.0.0.1", registry)
    job = scrape_job("demo", [f"127.0.0.1:{app.server_port}"])
    server = start_prometheus(prometheus_binaries, tmp_path / "demo", [job])
    yield server, registry
    server.end()
    app.shutdown()
    app.server_close()
    thread.join()


def test_a_live_application_is_priced_exactly_as_it_counted(
    shell: Shell, demo: tuple[ServerProcess, CollectorRegistry]
) -> None:
    """Errors between two quiet seconds: all of them, nothing more, though the server has but seconds of a week."""
    server, registry = demo
    requests = Counter("http_requests", "Requests.", ["method", "code"], registry=registry)
    durations = Histogram("http_request_duration_seconds", "How long they took.", registry=registry)
    requests.labels("GET", "200").inc(1_000)
    requests.labels("GET", "500").inc(0)
    _wait_for_samples(server)
    time.sleep(3)
    start = time.time()
    time.sleep(2)
    requests.labels("GET", "500").inc(37)
    requests.labels("GET", "200").inc(963)
    for _ in range(90):
        durations.observe(0.01)
    for _ in range(10):
        durations.observe(2.0)
    time.sleep(3)
    answer = shell.slochaos(
        "charge", "--prometheus", f"http://127.0.0.1:{server.port}", "--format", "json", "--quiet",
        "--from", _exact(start), "--to", _exact(time.time() - 0.5),
    )  # fmt: skip
    assert answer.code == 0, answer.err
    assert answer.err == ""
    by_name = {each["name"]: each for each in answer.document["objectives"]}
    success = by_name["demo-success"]
    assert success["charge"]["bad_gross"] == 37
    assert success["interval"]["total"] == 1_000
    assert success["charge"]["basis"] == "projected"
    assert any(reason.startswith("short-history: ") for reason in success["reasons"])
    assert success["top_contributors"] == [{"labels": {"code": "500"}, "bad": 37}]
    assert by_name["demo-latency"]["interval"]["total"] - by_name["demo-latency"]["interval"]["good"] == 10
    assert written(shell) == []


def _exact(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


class _Locked(BaseHTTPRequestHandler):
    """Answers those who know the token with nothing, and nobody else."""

    def do_GET(self) -> None:
        """A query."""
        known = self.headers.get("Authorization") == "Bearer sesame"
        body = (
            b'{"status":"success","data":{"resultType":"vector","result":[]}}' if known else b"who are you?"
        )
        self.send_response(200 if known else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name is the base class's

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def test_a_server_that_asks_who_it_is_gets_a_token_that_nobody_else_sees(shell: Shell) -> None:
    """401 without one, said as that; with one in the environment it answers, here with nothing."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Locked) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            question = ("charge", "--prometheus", f"http://127.0.0.1:{server.server_port}", "--from", "-10m")
            refused = shell.slochaos(*question)
            answered = shell.slochaos(*question, SLOCHAOS_PROMETHEUS_TOKEN="sesame")
            denied = shell.slochaos(*question, SLOCHAOS_PROMETHEUS_TOKEN="open-wide")
        finally:
            server.shutdown()
            thread.join()
    assert (refused.code, denied.code) == (7, 7)
    assert "401" in refused.err
    assert "SLOCHAOS_PROMETHEUS_TOKEN" in refused.err
    assert answered.code == 2
    assert "has no samples of that time" in answered.err
    assert "open-wide" not in denied.err + denied.out
