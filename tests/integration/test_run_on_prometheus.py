"""Whole runs whose source is a real Prometheus: what is charged, and what happens when the server fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from slochaos.record import Result
from slochaos.runner.events import Event, InjectionChanged, StepStarted
from slochaos.runner.preview import preview
from slochaos.runner.request import RunRequest
from slochaos.runner.run import run_experiment
from tests.integration.loaded_shop import LoadedShop
from tests.orders import OBJECTIVES
from tests.prometheus_servers import Binaries, ServerProcess, scrape_job, start_prometheus


@pytest.fixture
def server(shop: LoadedShop, prometheus_binaries: Binaries, tmp_path: Path) -> Iterator[ServerProcess]:
    """A Prometheus that scrapes the shop each second; the environment's only source."""
    address = shop.metrics.removeprefix("http://").removesuffix("/metrics")
    started = start_prometheus(prometheus_binaries, tmp_path / "server", [scrape_job("shop", [address])])
    try:
        use(shop, started)
        started.wait_for("orders_total")
        yield started
    finally:
        started.end()


def use(shop: LoadedShop, server: ServerProcess, watch: str = "0.2s", **changes: Any) -> None:
    """Write the environment with the server as its source."""
    source = {"name": "prometheus", "prometheus": server.url, "watch": watch, "timeout": "1s"}
    shop.write("environments/shop.yaml", shop.environment(sources=[source], **changes))


def run(experiment: Path, on_event: Callable[[Event], None] = lambda _: None) -> Result:
    """One run in the environment `shop`."""
    return run_experiment(RunRequest(experiment, environment="shop"), on_event)


def at_step(step: str, act: Callable[[], object]) -> Callable[[Event], None]:
    """A watcher that acts when a step begins."""

    def watch(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == step:
            act()

    return watch


def test_the_charge_is_what_the_clients_saw(shop: LoadedShop, server: ServerProcess) -> None:
    """Every failed order is charged, exactly, though the server looks once a second; the pages are watched directly."""
    before = shop.load.bad()
    result = run(shop.experiment("2s", objectives={"orders": {"cost": "50%"}}))

    orders = result.objectives[0]
    assert (result.run.status, result.run.exit_code) == ("passed", 0), result.run
    assert orders.charge is not None
    assert orders.charge.bad_gross == shop.load.bad() - before > 50
    assert set(orders.charge.bad_gross_interval) == {orders.charge.bad_gross}
    assert any("own pages are watched" in note for note in result.notes)
    assert shop.untouched()


ESTIMATED = """\
---
apiVersion: openslo/v1
kind: SLO
metadata: {{name: estimated}}
spec:
  service: shop
  budgetingMethod: Occurrences
  timeWindow: [{{duration: 7d, isRolling: true}}]
  indicator:
    metadata: {{name: estimated}}
    spec:
      ratioMetric:
        counter: true
        bad: {{metricSource: {{type: prometheus, spec: {{query: '{bad}'}}}}}}
        total: {{metricSource: {{type: prometheus, spec: {{query: '{total}'}}}}}}
  objectives: [{{target: 0.9}}]
"""
OF_THE_WINDOW = {
    "bad": 'sum(increase(orders_total{outcome="bad"}[{{.window}}]))',
    "total": "sum(increase(orders_total[{{.window}}]))",
}
RATES = {name: query.replace("{{.window}}", "5m") for name, query in OF_THE_WINDOW.items()}


def test_promql_is_estimated_at_the_phases_of_a_run(shop: LoadedShop, server: ServerProcess) -> None:
    """Beside what is counted, over the same phases, near it, and marked as what it is."""
    shop.write("environments/shop.slos.yaml", OBJECTIVES + ESTIMATED.format(**OF_THE_WINDOW))
    result = run(shop.experiment("8s", baseline="8s", objectives={"orders": {"cost": "50%"}}))
    assert (result.run.status, result.run.exit_code) == ("passed", 0), result.run
    by_name = {each.name: each for each in result.objectives}
    counted, estimated = by_name["orders"].phases["fault"], by_name["estimated"].phases["fault"]
    assert counted.total is not None
    assert estimated.total == pytest.approx(counted.total, rel=0.4)
    assert estimated.reason.startswith("extrapolated: ")
    charge, exact = by_name["estimated"].charge, by_name["orders"].charge
    assert charge is not None
    assert exact is not None
    assert charge.bad_gross == pytest.approx(exact.bad_gross, rel=0.4)
    assert any("estimated: PromQL is estimated after a phase" in each for each in result.plan.watch)


def test_a_run_of_promql_alone_has_phases(shop: LoadedShop, server: ServerProcess) -> None:
    """They are cut at when the server was asked."""
    shop.write("environments/shop.slos.yaml", ESTIMATED.format(**OF_THE_WINDOW))
    result = run(shop.experiment("8s", baseline="8s", objectives={}))
    assert (result.run.status, result.run.exit_code) == ("passed", 0), result.run
    [estimated] = result.objectives
    assert estimated.charge is not None
    assert estimated.charge.bad_gross > 100
    assert shop.untouched()


def test_promql_that_looks_back_further_than_a_phase_is_refused(
    shop: LoadedShop, server: ServerProcess
) -> None:
    """Before anything is injected, with what to write instead."""
    shop.write("environments/shop.slos.yaml", ESTIMATED.format(**RATES))
    result = run(shop.experiment(baseline="3s", objectives={"estimated": {"cost": "50%"}}))
    assert (result.run.status, result.run.exit_code) == ("refused", 4), result.run
    assert "looks back 300 s" in result.run.reason
    assert not result.injections


def test_a_cost_is_cut_short_by_what_the_pages_show(shop: LoadedShop, server: ServerProcess) -> None:
    """The abort comes before the server's samples could tell, and the charge is still exact."""
    before = shop.load.bad()
    result = run(shop.experiment("20s", objectives={"orders": {"cost": "0.05%"}}))
    assert result.run.status == "failed", result.run
    assert result.abort is not None
    assert result.objectives[0].charge is not None
    assert result.objectives[0].charge.bad_gross == shop.load.bad() - before
    assert shop.untouched()


def test_without_the_pages_the_servers_samples_are_watched(shop: LoadedShop, server: ServerProcess) -> None:
    """`watch: off`: the run is cut short all the same, later; the plan says how late that is and what it costs."""
    use(shop, server, watch="off")
    time.sleep(8)  # a server that has watched for a moment only makes the window look larger: see the README
    result = run(shop.experiment("20s", objectives={"orders": {"cost": "0.5%"}}))
    assert result.run.status == "failed", result.run
    assert result.abort is not None
    assert result.plan.detection_seconds > 1.0
    assert any("watch is off" in note for note in result.notes)
    assert shop.untouched()


def test_a_server_that_dies_during_the_fault_leaves_no_verdict(
    shop: LoadedShop, server: ServerProcess
) -> None:
    """The fault goes on and is undone; what it cost nobody can know, and the reason names the server."""

    def die(event: Event) -> None:
        if isinstance(event, InjectionChanged) and event.state == "applied":
            server.end()

    result = run(shop.experiment("1s", objectives={"orders": {"cost": "50%"}}), die)
    assert (result.run.status, result.run.exit_code) == ("inconclusive", 3), result.run
    assert "prometheus" in result.run.reason
    assert result.objectives[0].charge is None
    assert [each.undo for each in result.injections] == ["verified"]
    assert shop.untouched()


def test_a_server_that_hangs_before_the_fault_ends_the_run(shop: LoadedShop, server: ServerProcess) -> None:
    """Nothing is injected without a source: exit code 7, and the message names it."""
    result = run(
        shop.experiment(objectives={"orders": {"cost": "50%"}}, baseline="3s"),
        at_step("baseline", server.stop),
    )
    server.go_on()
    assert (result.run.status, result.run.exit_code) == ("error", 7), result.run
    assert "prometheus" in result.run.reason
    assert not result.injections
    assert shop.untouched()


def test_a_server_that_is_not_there_ends_the_run(shop: LoadedShop, server: ServerProcess) -> None:
    """The address is named; nothing was injected."""
    server.end()
    result = run(shop.experiment(objectives={"orders": {"cost": "50%"}}))
    assert result.run.exit_code == 7, result.run
    assert server.url.removeprefix("http://") in result.run.reason
    assert shop.untouched()


def test_a_live_plan_knows_todays_traffic(shop: LoadedShop, server: ServerProcess) -> None:
    """Power and detection come from the server's last minute; no target is touched, nothing is locked."""
    experiment = shop.experiment("2s", objectives={"orders": {"hold": "90%"}})
    request = RunRequest(experiment, environment="shop")
    assert preview(request).plan.power == ()
    found = preview(request, live=True)
    [power] = found.plan.power
    assert power.expected_events == pytest.approx(200, rel=0.3)
    assert any("own pages" in watched for watched in found.plan.watch)
    assert [lock.target for lock in found.plan.locks] == ["shop"]
    assert shop.untouched()


def test_a_rolling_budget_is_read_from_the_server(shop: LoadedShop, server: ServerProcess) -> None:
    """What was bad before the run is consumed, though no run of ours caused it: it is organic."""
    shop.load.broken = True
    server.wait_for('orders_total{outcome="bad"} > 100')
    shop.load.broken = False
    bad = shop.load.bad()
    over = f'orders_total{{outcome="bad"}} == {bad}'  # a baseline begins with the scrape before it
    server.wait_for(f'{over} and orders_total{{outcome="bad"}} offset 2s == {bad}')
    result = run(shop.experiment("1s", objectives={"orders": {"cost": "100%"}}, baseline="2s"))
    assert result.run.exit_code == 0, result.run
    [standing] = result.plan.budget
    charge = result.objectives[0].charge
    assert charge is not None
    assert standing.organic_percent == standing.consumed_percent == charge.consumed_before_percent > 0
    budget = charge.window_events * 0.01
    assert charge.consumed_before_percent == pytest.approx(100 * bad / budget, rel=0.2)
    assert standing.chaos_percent == 0


def test_a_metric_that_the_server_does_not_have_is_refused(shop: LoadedShop, server: ServerProcess) -> None:
    """The nearest names that the server does have are offered."""
    path = shop.folder / "environments/shop.slos.yaml"
    path.write_text(path.read_text().replace("orders_total", "order_total"))
    result = run(shop.experiment(objectives={"orders": {"cost": "50%"}}))
    assert (result.run.status, result.run.exit_code) == ("refused", 4), result.run
    assert "orders_total" in result.run.hint
