"""The exported dashboard: by the strict reader of Grafana's own SDK, and by a real Prometheus that has its metrics."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slochaos.alerts.grafana import grafana_dashboard
from slochaos.alerts.prometheus import prometheus_rules
from slochaos.spec.alerting import Alerting
from slochaos.spec.environment import Environment
from tests.exported_rules import production, with_objectives
from tests.known_targets import KnownTarget, known_targets
from tests.prometheus_servers import Binaries, ServerProcess, scrape_job, start_prometheus

GRAFANA_S_OWN = {"row", "stat", "bargauge", "timeseries", "table"}
"""Kinds of panels of Grafana itself; its SDK does not mind unknown ones."""


def dashboard_of(chosen: Environment) -> Any:
    """The exported JSON."""
    return json.loads(grafana_dashboard(chosen).text)


def expressions(dashboard: Any) -> dict[str, str]:
    """Every expression of panels and annotations, by where it stands."""
    panels = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    }
    return panels | {each["name"]: each["expr"] for each in dashboard["annotations"]["list"]}


def test_grafana_s_own_sdk_takes_the_dashboard(grafana_check: Path) -> None:
    """Strictly: no field that Grafana does not have, and none of another type."""
    checked = subprocess.run(
        [grafana_check],
        input=grafana_dashboard(production()).text,
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr
    assert {panel["type"] for panel in dashboard_of(production())["panels"]} == GRAFANA_S_OWN


def test_the_strict_reader_refuses_what_grafana_does_not_have(grafana_check: Path) -> None:
    """A misspelt field of a query would show an empty panel."""
    dashboard = dashboard_of(production())
    dashboard["panels"][0]["targets"][0]["exprr"] = "up"

    checked = subprocess.run(
        [grafana_check], input=json.dumps(dashboard), capture_output=True, text=True, check=False
    )

    assert checked.returncode == 1
    assert "exprr" in checked.stderr


def test_panels_do_not_overlap() -> None:
    """Each has a place of its own on a grid that is 24 wide."""
    taken: set[tuple[int, int]] = set()
    for panel in dashboard_of(production())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def happen(api: KnownTarget, prober: KnownTarget, *, bad: int) -> None:
    """A thousand requests and queries, some of them bad in every way that an objective looks at."""
    api.count("http_requests_total", 1000 - bad, code="200", path="/tasks")
    api.count("http_requests_total", bad, code="500", path="/tasks")
    for bound in ("0.3", "+Inf"):
        within = 1000 - bad if bound == "0.3" else 1000
        api.count("http_request_duration_seconds_bucket", within, code="200", path="/tasks", le=bound)
    api.count("http_request_duration_seconds_count", 1000, code="200", path="/tasks")
    api.count("db_queries_total", 1000 - bad, outcome="ok", operation="SELECT")
    api.count("db_queries_total", bad, outcome="error", operation="SELECT")
    prober.gauges["probe_success", ()] = 0.0 if bad else 1.0


_FAULT = tuple(
    sorted({"environment": "production", "experiment": "db_outage", "run": "7", "fault": "db"}.items())
)


def quick() -> Environment:
    """Production with windows of an hour and slices of ten seconds, so that seconds of failures are a lot."""
    chosen = production()
    objectives = tuple(replace(each, window_s=3600, slice_s=10) for each in chosen.objectives)
    return replace(with_objectives(chosen, *objectives), alerts=Alerting(scrape_s=1, least_bad=1))


@pytest.fixture(scope="module")
def watched(
    prometheus_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ServerProcess, Any]]:
    """A Prometheus with the exported rules, of a system where everything just failed; and the dashboard."""
    folder = tmp_path_factory.mktemp("dashboard")
    rules = folder / "rules.yaml"
    rules.write_text(prometheus_rules(quick()).text)
    with known_targets() as targets:
        api, prober = targets.add("api"), targets.add("prober")
        happen(api, prober, bad=0)
        happen(api, prober, bad=1)
        api.gauges["slochaos_fault_until_timestamp_seconds", _FAULT] = 4e9
        jobs = [
            dict(scrape_job(each, []), static_configs=[targets.entry(each)]) for each in ("api", "prober")
        ]
        server = start_prometheus(prometheus_binaries, folder / "prometheus", jobs, rule_files=[str(rules)])
        try:
            server.wait_for("db_queries_total and on() probe_success")
            happen(api, prober, bad=1000)
            server.wait_for(
                'ALERTS{alertstate="firing",slo="api-success-rate",severity="critical"}'
                ' and on() slochaos:budget_consumed:ratio{slo="availability"}',
                within_s=120,
            )
            yield server, dashboard_of(quick())
        finally:
            server.end()


def test_every_expression_answers_on_a_real_prometheus(watched: tuple[ServerProcess, Any]) -> None:
    """No panel and no annotation is empty where there is something to show."""
    server, dashboard = watched
    silent = [where for where, expression in expressions(dashboard).items() if not server.query(expression)]

    assert silent == []


def test_the_dashboard_tells_what_is_bad_and_where(watched: tuple[ServerProcess, Any]) -> None:
    """A burning objective is critical, every objective has a status, and bad events have their labels."""
    server, dashboard = watched
    shown = expressions(dashboard)

    status = {each["metric"]["slo"]: float(each["value"][1]) for each in server.query(shown["Status A"])}
    top = server.query(shown["Bad events: API success rate A"])

    assert status.keys() == {objective.name for objective in production().objectives}
    assert status["api-success-rate"] >= 3
    assert [each["metric"]["code"] for each in top] == ["500"]
    assert top[0]["metric"]["path"] == "/tasks"
