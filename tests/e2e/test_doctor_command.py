"""`slochaos doctor` on an environment with a real Prometheus: each thing that is wrong, with its fix."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.slochaos_command import Shell
from tests.known_targets import KnownTarget, KnownTargets
from tests.prometheus_servers import Binaries, ServerProcess, scrape_job, start_prometheus
from tests.toxiproxy_servers import ToxiproxyServerProcess

SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata: {{name: {name}}}
spec:
  service: shop
  budgetingMethod: Occurrences
  timeWindow: [{{duration: {window}, isRolling: true}}]
  indicator:
    metadata: {{name: {name}}}
    spec:
      ratioMetric:
        counter: true
        good: {{metricSource: {{type: prometheus, spec: {{{good}}}}}}}
        total: {{metricSource: {{type: prometheus, spec: {{{total}}}}}}}
  objectives: [{{target: 0.99}}]
---
"""


def slo(name: str, good: str, total: str, window: str = "7d") -> str:
    """An objective of these two metrics."""
    return SLO.format(name=name, good=good, total=total, window=window)


REQUESTS = "selector: 'http_requests_total{job=\"shop\"}'"
SOUND = slo("orders", 'selector: \'http_requests_total{job="shop",code!~"5.."}\'', REQUESTS)
DOUBTFUL = (
    slo("strict", 'selector: \'http_requests_total{job="shop",code=~"2.."}\'', REQUESTS, "28d")
    + slo(
        "fast",
        "histogram: 'latency_seconds{job=\"shop\"}', at_most: 0.2s",
        "histogram: 'latency_seconds{job=\"shop\"}'",
    )
    + slo(
        "copied",
        'selector: \'http_requests_total{job="pair",code="200"}\'',
        "selector: 'http_requests_total{job=\"pair\"}'",
    )
    + slo("lost", "selector: 'no_such_total{code=\"200\"}'", "selector: no_such_total")
)


def traffic(target: KnownTarget) -> None:
    """Requests of each kind."""
    for code, number in (("200", 90), ("404", 8), ("503", 2)):
        target.count("http_requests_total", number, code=code)
    target.observe("latency_seconds", 0.05, by=100)


class System:
    """A shop, a Prometheus that scrapes it once a second, and a Toxiproxy."""

    def __init__(
        self, server: ServerProcess, toxiproxy: ToxiproxyServerProcess, shop: KnownTargets, shell: Shell
    ) -> None:
        self.server, self.toxiproxy, self.shop, self.shell = server, toxiproxy, shop, shell
        host, port = toxiproxy.add_proxy("shop", shop.address)
        self.listen = f"{host}:{port}"

    def doctor(self, objectives: str, **settings: Any) -> dict[str, dict[str, str]]:
        """Its findings that are not fine by what they are about, of an environment with these objectives."""
        proxies = [{"name": "shop", "listen": self.listen, "upstream": self.shop.address}]
        folder = self.shell.folder / "environments"
        folder.mkdir(exist_ok=True)
        (folder / "shop.slos.yaml").write_text(objectives)
        environment = {
            "prometheus": self.server.url,
            "slos": ["shop.slos.yaml"],
            "targets": {"toxiproxy": [{"server": self.toxiproxy.url, "proxies": proxies}]},
            **settings,
        }
        (folder / "shop.yaml").write_text(json.dumps(environment))
        answer = self.shell.slochaos("doctor", "--environment", "shop", "--format", "json")
        findings = answer.document["findings"]
        assert all(each["fix"] for each in findings if each["state"] != "ok")
        return {f"{each['state']} {each['what']}": each for each in findings}


@pytest.fixture
def system(
    prometheus_binaries: Binaries,
    targets: KnownTargets,
    embedded_toxiproxy: ToxiproxyServerProcess,
    shell: Shell,
    tmp_path: Path,
) -> Iterator[System]:
    """With a pair of copies of the shop beside it."""
    shop = targets.add("shop")
    traffic(shop)
    pair = [targets.entry("shop", prometheus_replica=replica) for replica in "ab"]
    jobs = [
        {**scrape_job("shop", []), "static_configs": [targets.entry("shop")]},
        {**scrape_job("pair", []), "static_configs": pair},
    ]
    server = start_prometheus(prometheus_binaries, tmp_path / "server", jobs)
    try:
        server.wait_for("count(count_over_time(up[1m]) > 2) == 3")
        traffic(shop)
        time.sleep(2.5)
        yield System(server, embedded_toxiproxy, targets, shell)
    finally:
        server.end()


def test_a_sound_environment_has_nothing_to_fix(system: System) -> None:
    """The server's clock, retention, scraping, the targets' pages and each objective are looked at and fine."""
    found = system.doctor(SOUND)
    assert [name for name in found if not name.startswith("ok ")] == []
    for what in ("", ": clock", ": retention", ": scraping", ": abort watch"):
        assert f"ok source prometheus{what}" in found
    assert "a fault has to last 2 s" in found["ok source prometheus: scraping"]["detail"]
    assert "100 events in the last hour, 2 of them bad" in found["ok objective orders"]["detail"]


def test_each_doubt_about_an_objective_is_a_line_with_its_fix(system: System) -> None:
    """Clients' errors as failures, a bucket that is missing, copies, no series, a window beyond the retention."""
    found = system.doctor(DOUBTFUL)
    assert "8 %" in found["note objective strict"]["detail"]
    assert "no bucket at 0.2 s" in found["note objective fast"]["detail"]
    assert "prometheus_replica" in found["missing objective copied"]["detail"]
    assert "name one value" in found["missing objective copied"]["fix"]
    assert "no-series" in found["missing objective lost"]["detail"]
    assert "less than the window of strict, 28d" in found["note source prometheus: retention"]["detail"]


def test_a_target_scraped_through_the_faults_proxy_is_told(system: System) -> None:
    """A fault there would hide what it does: with where to read instead."""
    entry = {**system.shop.entry("shop"), "targets": [system.listen]}
    _configure(system.server, [{**scrape_job("shop", []), "static_configs": [entry]}])
    url = f"http://{system.listen}/shop/metrics"
    system.server.wait_for('up{job="shop"} == 1')
    deadline = time.monotonic() + 30
    while f"missing target {url}" not in (found := system.doctor(SOUND)):
        assert time.monotonic() < deadline, found
    assert system.shop.address in found[f"missing target {url}"]["fix"]


def test_a_source_read_through_the_faults_proxy_is_told(system: System) -> None:
    """The server itself behind the proxy that experiments take down."""
    host, port = system.toxiproxy.add_proxy("metrics", system.server.url.removeprefix("http://"))
    upstream = system.server.url.removeprefix("http://")
    proxies = [{"name": "metrics", "listen": f"{host}:{port}", "upstream": upstream}]
    found = system.doctor(
        SOUND,
        prometheus=f"http://localhost:{port}",
        targets={"toxiproxy": [{"server": system.toxiproxy.url, "proxies": proxies}]},
    )
    assert upstream in found["missing source prometheus"]["fix"]


def test_what_runs_left_at_the_servers_is_told(system: System) -> None:
    """An expired toxic of ours and how to remove it; one of somebody else's, which is part of every baseline."""
    toxic = {"type": "latency", "stream": "downstream", "toxicity": 1.0, "attributes": {"latency": 1}}
    for name in ("slochaos-dead-beef-1-x1000", "theirs"):
        system.toxiproxy.call("POST", "/proxies/shop/toxics", {**toxic, "name": name})
    found = system.doctor(SOUND)
    if "missing leftovers" in found:  # the embedded server may have ended it by itself
        assert found["missing leftovers"]["fix"] == f"slochaos sweep {system.toxiproxy.url}"
    assert "theirs" in found["note leftovers"]["detail"]


def test_a_target_that_is_down_is_told(system: System) -> None:
    """With what the server says of it."""
    system.shop.targets["shop"].failing = True
    deadline = time.monotonic() + 30
    url = f"http://{system.shop.address}/shop/metrics"
    while f"missing target {url}" not in (found := system.doctor(SOUND)):
        assert time.monotonic() < deadline, found
    assert "500" in found[f"missing target {url}"]["detail"]


def test_a_clock_that_is_wrong_and_partial_answers_are_told(system: System) -> None:
    """A server half a minute ahead, whose answers lack a store."""
    with relay(system.server.url, ahead_s=30.0, warning="store gateway 2 is down") as url:
        found = system.doctor(SOUND, prometheus=url)
    assert "30 s ahead of this host's" in found["note source prometheus: clock"]["detail"]
    assert "store gateway 2 is down" in found["note source prometheus: answers"]["detail"]


def test_a_server_that_is_down_is_one_line(system: System) -> None:
    """And what else there is, is looked at all the same."""
    system.server.end()
    found = system.doctor(SOUND)
    assert "connection refused" in found["missing source prometheus"]["detail"]
    assert "ok proxy shop" in found


@contextmanager
def relay(url: str, ahead_s: float, warning: str) -> Iterator[str]:
    """The server at `url`, with a clock that is ahead, and with a warning in each answer."""

    class Relay(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with urllib.request.urlopen(url + self.path) as answer:
                document = json.load(answer)
            data = document["data"]
            if isinstance(data, dict) and data.get("resultType") == "scalar":
                data["result"] = [data["result"][0], str(float(data["result"][1]) + ahead_s)]
            body = json.dumps({**document, "warnings": [warning]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Relay) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _configure(server: ServerProcess, jobs: list[dict[str, Any]]) -> None:
    (server.folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": jobs}))
    server.reload()
