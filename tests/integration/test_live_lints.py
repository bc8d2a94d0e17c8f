"""Lints that ask the server, on a real one with a known past."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import pytest

from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.slo.lint import lint
from slochaos.spec import selectors
from slochaos.spec.findings import Finding
from slochaos.spec.objectives import Counter, Indicator, Objective
from slochaos.spec.sources import PrometheusSource
from tests.prometheus_history import lay_down
from tests.prometheus_servers import Binaries, ServerProcess, start_prometheus

DAYS = 5
STEP_S = 300
OBJECTIVE = Objective(
    name="success",
    display_name="success",
    service="shop",
    target=Fraction("0.98"),
    operator="lte",
    window_s=7 * 86_400,
    window="7d",
    method="Occurrences",
    indicator=Indicator(
        total=Counter(selectors.parse('requests_total{job="shop"}')),
        good=Counter(selectors.parse('requests_total{job="shop",code=~"2.."}')),
    ),
    where="shop.slos.yaml:7",
)


@pytest.fixture(scope="module")
def past(prometheus_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Five days in which every day 2 % of the requests were answered with 404, and the last one with 3 %."""
    now = time.time() // STEP_S * STEP_S
    instants = [now - DAYS * 86_400 + n * STEP_S for n in range(DAYS * 86_400 // STEP_S + 1)]
    labels = 'instance="a:1",job="shop"'
    lost, missing = 0.0, []
    for at in instants:
        missing.append((at, lost))
        lost += 3 if at >= now - 86_400 else 2
    folder = tmp_path_factory.mktemp("past")
    series = {
        f'requests_total{{code="200",{labels}}}': [(at, n * 98.0) for n, at in enumerate(instants)],
        f'requests_total{{code="404",{labels}}}': missing,
        f"up{{{labels}}}": [(at, 1.0) for at in instants],
    }
    lay_down(prometheus_binaries, folder, series)
    server = start_prometheus(prometheus_binaries, folder)
    try:
        yield server
    finally:
        server.end()


def asked(server: ServerProcess, objective: Objective) -> dict[str, Finding]:
    with PrometheusServer(PrometheusSource("prometheus", server.url)) as client:
        return {finding.rule: finding for finding in lint(client, [objective])}


def test_a_target_that_no_day_reached(past: ServerProcess) -> None:
    """99 % when the best day had 98 %: never reached; with its line, and the best day."""
    found = asked(past, replace(OBJECTIVE, target=Fraction("0.99")))["target-never-reached"]
    assert (found.file, found.line) == ("shop.slos.yaml", 7)
    assert "none of the last" in found.message
    assert "the best had 98 %" in found.message


def test_a_target_that_one_day_reached_is_left_alone(past: ServerProcess) -> None:
    """97.9 % was reached every day but the last."""
    assert "target-never-reached" not in asked(past, replace(OBJECTIVE, target=Fraction("0.979")))


def test_the_share_of_client_errors_is_measured(past: ServerProcess) -> None:
    """3 of 101 requests of the last day were 404."""
    found = asked(past, OBJECTIVE)["client-errors-counted"]
    assert "3 % of the last day's requests, where 2 % may fail" in found.message
