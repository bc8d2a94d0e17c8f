"""What presets find on a real Prometheus that scrapes other people's metrics."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.samples import Count
from slochaos.slo.discovery import discover
from slochaos.slo.nearby import draft, nearby
from slochaos.slo.suggestions import Found
from slochaos.slo.survey import Survey, Surveyed, survey
from slochaos.spec.objectives import Query
from slochaos.spec.selectors import Matcher, Selector
from slochaos.spec.sources import PrometheusSource
from tests.framework_pages import FAILED, FRAMEWORKS, GOOD, REFUSED, SLOW
from tests.known_targets import KnownTargets, known_targets
from tests.prometheus_servers import (
    Binaries,
    ServerProcess,
    scrape_job,
    start_blackbox_exporter,
    start_node_exporter,
    start_prometheus,
)

TOTAL = GOOD + REFUSED + FAILED
REPLICATED, MIXED = "replicated", "mixed"


def job_of(targets: KnownTargets, name: str, every: str = "1s", **labels: str) -> dict[str, object]:
    """A scrape job for one page, named like it."""
    return {**scrape_job(name, [], every), "static_configs": [targets.entry(name, **labels)]}


def ask(server: ServerProcess) -> PrometheusServer:
    """A client of it."""
    return PrometheusServer(PrometheusSource("prometheus", server.url))


def found_at(server: ServerProcess) -> tuple[Found, ...]:
    """What the presets find now."""
    with ask(server) as client:
        now = client.now()
        return discover(client, Window(now - 60, now))


@pytest.fixture(scope="module")
def surveyed(prometheus_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Survey]:
    """All frameworks' pages, scraped each second while each gets the same traffic once, and then surveyed."""
    with known_targets() as targets:
        for name, framework in FRAMEWORKS.items():
            framework.count(targets.add(name), times=0)
        # The copies of one target as a pair of servers would have them.
        pair = [targets.entry("http", prometheus_replica=replica) for replica in "ab"]
        jobs = [job_of(targets, name) for name in FRAMEWORKS]
        jobs.append({**scrape_job(REPLICATED, [], "1s"), "static_configs": pair})
        mixed = [
            targets.entry("micrometer", application="cart"),
            targets.entry("micrometer", instance="other"),
        ]
        jobs.append({**scrape_job(MIXED, [], "1s"), "static_configs": mixed})
        server = start_prometheus(prometheus_binaries, tmp_path_factory.mktemp("frameworks"), jobs)
        try:
            server.wait_for(f"count(count_over_time(up[1m]) > 1) == {len(FRAMEWORKS) + 4}")
            for name, framework in FRAMEWORKS.items():
                framework.count(targets.targets[name])
            time.sleep(3)
            with ask(server) as client:
                now = client.now()
                yield survey(client, discover(client, Window(now - 60, now)), now)
        finally:
            server.end()


def of_job(surveyed: Survey, job: str) -> Mapping[str, Surveyed]:
    """By the end of their names: what was found of one job."""
    return {
        each.found.objective.name.rpartition("-")[2]: each
        for each in surveyed.objectives
        if Matcher("job", "=", job) in selector_of(each.found).matchers
    }


def selector_of(found: Found) -> Selector:
    """What selects all events."""
    total = found.objective.indicator.total
    assert not isinstance(total, Query)
    return total.selector


@pytest.mark.parametrize("job", FRAMEWORKS)
def test_a_framework_s_requests_are_counted_as_they_ended(surveyed: Survey, job: str) -> None:
    """Exactly the failed ones are bad, the client's own are told apart, and the service has its own name."""
    success = of_job(surveyed, job)["success"]
    service = re.sub("[^a-z-]", "-", success.found.objective.service.lower())
    assert service == FRAMEWORKS[job].service
    assert isinstance(success.day.count, Count)
    assert (success.day.count.total, success.day.count.bad) == (TOTAL, FAILED)
    assert success.refused is not None
    assert float(success.refused) == REFUSED / TOTAL
    assert success.scrape_s == 1


@pytest.mark.parametrize("job", FRAMEWORKS)
def test_a_framework_s_latency_is_counted_at_a_bound_that_it_has(surveyed: Survey, job: str) -> None:
    """250 ms in seconds and in milliseconds alike; failed requests are left out where a label tells them."""
    latency = of_job(surveyed, job)["latency"]
    assert float(latency.found.objective.threshold_s or 0) == 0.25
    assert [float(bound) for bound in latency.found.bounds] == [0.1, 0.25, 0.5, 1.0]
    assert isinstance(latency.day.count, Count)
    answered = TOTAL - FAILED if FRAMEWORKS[job].durations_by_outcome else TOTAL
    assert (latency.day.count.total, latency.day.count.bad) == (answered, SLOW)


def test_each_service_is_found_once(surveyed: Survey) -> None:
    """Not the requests to others, not the scrapes, not the client's side of a mesh, not a histogram's count."""
    assert len(surveyed.objectives) == 2 * (len(FRAMEWORKS) + 3)
    assert len({each.found.objective.name for each in surveyed.objectives}) == len(surveyed.objectives)


def test_one_of_several_copies_is_counted(surveyed: Survey) -> None:
    """A pair without deduplication would double every event: one is read, and it is said which label."""
    success = of_job(surveyed, REPLICATED)["success"]
    assert isinstance(success.day.count, Count)
    assert success.day.count.total == TOTAL
    assert "copies by prometheus_replica (a, b)" in success.found.assumed


def test_a_service_without_a_label_does_not_count_those_that_have_it(surveyed: Survey) -> None:
    """Two applications of one job, of which one is not named."""
    by_name = {each.found.objective.name: each.day.count for each in surveyed.objectives}
    for name in ("cart-success", "mixed-success"):
        counted = by_name[name]
        assert isinstance(counted, Count)
        assert counted.total == TOTAL


def test_exporters_show_their_probes_and_prometheus_itself(
    prometheus_binaries: Binaries, tmp_path: Path
) -> None:
    """On a server that scrapes itself, a node exporter and a blackbox exporter: its own API and the probe."""
    node = start_node_exporter(prometheus_binaries, tmp_path / "node")
    blackbox = start_blackbox_exporter(prometheus_binaries, tmp_path / "blackbox")
    server = start_prometheus(prometheus_binaries, tmp_path / "server")
    try:
        probe = scrape_job(
            "web", [f"127.0.0.1:{blackbox.port}"], metrics_path="/probe",
            params={"module": ["http_2xx"], "target": [f"http://127.0.0.1:{node.port}/"]},
        )  # fmt: skip
        jobs = [
            scrape_job("node", [f"127.0.0.1:{node.port}"]),
            probe,
            scrape_job("self", [f"127.0.0.1:{server.port}"]),
        ]
        _configure(server, jobs)
        server.wait_for("count(count_over_time(up[1m]) > 2) == 3")
        found = {each.objective.name: each for each in found_at(server)}
        assert found.keys() == {"web-up", "self-success", "self-latency"}
        assert found["self-success"].metric == "prometheus_http_requests_total"
    finally:
        for each in (server, blackbox, node):
            each.end()


def test_what_no_preset_knows_is_named_with_a_draft(
    prometheus_binaries: Binaries, targets: KnownTargets, tmp_path: Path
) -> None:
    """The closest counter and its labels, and an OpenSLO document that counts it."""
    shop = targets.add("shop")
    shop.count("orders_processed_total", 5, outcome="ok")
    shop.count("orders_processed_total", 0, outcome="error")
    shop.count("cache_evictions_total", 3)
    server = start_prometheus(prometheus_binaries, tmp_path, [job_of(targets, "shop")])
    try:
        server.wait_for("orders_processed_total")
        assert found_at(server) == ()
        with ask(server) as client:
            close = nearby(client, client.now())
    finally:
        server.end()
    assert [each.name for each in close] == ["orders_processed_total"]
    assert close[0].labels["outcome"] == ("error", "ok")
    assert 'orders_processed_total{outcome="error"}' in draft(close)


def _configure(server: ServerProcess, jobs: list[dict[str, object]]) -> None:
    (server.folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": jobs}))
    server.reload()
