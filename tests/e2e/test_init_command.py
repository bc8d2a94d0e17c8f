"""`slochaos init --prometheus`: from an empty folder and a server of other people's metrics to files that work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.slochaos_command import Shell
from tests.known_targets import KnownTargets
from tests.prometheus_history import lay_down
from tests.prometheus_servers import Binaries, ServerProcess, scrape_job, start_prometheus

DAY = 86_400
STEP_S = 60
A_SECOND = {"200": 9.0, "404": 0.8, "503": 0.2}
"""Requests by what became of them."""


def history() -> dict[str, list[tuple[float, float]]]:
    """Two days of a shop: requests, durations, a probe that failed for an hour, and what a node exporter has."""
    now = int(time.time()) // STEP_S * STEP_S
    instants = range(now - 2 * DAY, now + 1, STEP_S)
    shop = 'job="shop",instance="shop:80"'

    def counter(rate: float) -> list[tuple[float, float]]:
        return [(float(at), rate * (at - instants[0])) for at in instants]

    def gauge(of_last_hour: float) -> list[tuple[float, float]]:
        return [(float(at), of_last_hour if at > now - 3_600 else 1.0) for at in instants]

    return {
        **{f'http_requests_total{{{shop},code="{code}"}}': counter(rate) for code, rate in A_SECOND.items()},
        **{
            f'http_request_duration_seconds_bucket{{{shop},le="{le}"}}': counter(rate)
            for le, rate in (("0.1", 5.0), ("0.2", 9.0), ("0.5", 9.9), ("+Inf", 10.0))
        },
        f"http_request_duration_seconds_count{{{shop}}}": counter(10.0),
        f"up{{{shop}}}": gauge(1.0),
        'probe_success{job="web",instance="https://shop"}': gauge(0.0),
        'node_cpu_seconds_total{job="node",instance="n1",mode="idle"}': counter(1.0),
    }


@pytest.fixture(scope="module")
def server(
    prometheus_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """It has watched the shop for two days, and keeps what it has for ten."""
    folder = tmp_path_factory.mktemp("prometheus")
    lay_down(prometheus_binaries, folder, history())
    server = start_prometheus(prometheus_binaries, folder, [], "--storage.tsdb.retention.time=10d")
    yield server
    server.end()


def files(shell: Shell) -> list[str]:
    """What is in the working folder."""
    return sorted(str(path.relative_to(shell.folder)) for path in shell.folder.rglob("*") if path.is_file())


def test_two_files_are_written_that_work_without_an_edit(shell: Shell, server: ServerProcess) -> None:
    """`validate` accepts them without a finding; `charge` and `slo check` count what they describe."""
    answer = shell.slochaos("init", "--prometheus", server.url, "--name", "shop")
    assert answer.code == 0, answer.err
    assert files(shell) == ["environments/shop.slos.yaml", "environments/shop.yaml"]
    assert "FOUND   3 at" in answer.out
    assert "keeps 10 days" in answer.out
    validated = shell.slochaos("validate", "environments")
    assert validated.code == 0, validated.err
    priced = shell.slochaos("charge", "-e", "shop", "--from", "-30m", "--to", "-5m", "--format", "json")
    assert priced.code == 0, priced.err
    charged = {each["name"]: each["interval"] for each in priced.document["objectives"]}
    assert charged.keys() == {"shop-success", "shop-latency", "web-up"}
    bad = charged["shop-success"]["total"] - charged["shop-success"]["good"]
    assert bad / charged["shop-success"]["total"] == pytest.approx(A_SECOND["503"] / 10, abs=0.001)
    checked = shell.slochaos("slo", "check", "-e", "shop", "--windows", "1h", "--format", "json")
    assert checked.code == 1, checked.err
    statuses = {each["name"]: each["status"] for each in checked.document["objectives"]}
    assert statuses == {"shop-success": "used-up", "web-up": "used-up", "shop-latency": "notify"}


def test_each_objective_is_shown_with_its_day(shell: Shell, server: ServerProcess) -> None:
    """Its value, its clients' own errors, its traffic, and the buckets to choose from."""
    answer = shell.slochaos("init", "--prometheus", server.url, "--dry-run", "--format", "json")
    assert answer.code == 0, answer.err
    document = answer.document
    by_name = {each["name"]: each for each in document["objectives"]}
    success, latency, probe = by_name["shop-success"], by_name["shop-latency"], by_name["web-up"]
    assert success["preset"] == "HTTP"
    assert success["last_day"]["sli"] == pytest.approx(0.98, abs=0.001)
    assert success["client_errors_share"] == pytest.approx(0.08, abs=0.001)
    assert success["events_per_second"] == pytest.approx(10, rel=0.01)
    assert success["scrape_interval_seconds"] == STEP_S
    assert latency["threshold_seconds"] == 0.2
    assert latency["bounds_seconds"] == [0.1, 0.2, 0.5]
    assert latency["last_day"]["sli"] == pytest.approx(0.9, abs=0.001)
    assert probe["last_day"]["sli"] == pytest.approx(23 / 24, abs=0.001)
    assert document["retention_seconds"] == 10 * DAY


def test_a_dry_run_prints_the_files_and_writes_none(shell: Shell, server: ServerProcess) -> None:
    """With comments on what was seen and assumed, and a place for targets."""
    answer = shell.slochaos("init", "--prometheus", server.url, "--dry-run")
    assert answer.code == 0, answer.err
    assert files(shell) == []
    for comment in (
        "# assumed: 99.9 % over 7d; 5xx are failures, 4xx are not",
        "# 4xx: 8 % of the requests, not counted as failures",
        "# thresholds that are counted exactly: 100 ms, 200 ms, 500 ms",
        "below 99.9 %",
        "# targets:",
    ):
        assert comment in answer.out
    assert "alerts: {scrape_interval: 60s}" in answer.out


def test_nothing_that_exists_is_overwritten(shell: Shell, server: ServerProcess) -> None:
    """One file that is there already is enough to write none, and it is named."""
    (shell.folder / "environments").mkdir()
    (shell.folder / "environments" / "shop.slos.yaml").write_text("mine")
    answer = shell.slochaos("init", "--prometheus", server.url, "--name", "shop")
    assert answer.code == 2
    assert "shop.slos.yaml exists already" in answer.err
    assert files(shell) == ["environments/shop.slos.yaml"]
    assert (shell.folder / "environments" / "shop.slos.yaml").read_text() == "mine"


def test_the_files_say_who_is_asking_and_hold_no_secret(shell: Shell, server: ServerProcess) -> None:
    """The token's variable is named, and its value is nowhere; so is the tenant, and the chosen objective alone."""
    answer = shell.slochaos(
        "init", "--prometheus", server.url, "--tenant", "shop", "--objective", "web-up", "elsewhere",
        SLOCHAOS_PROMETHEUS_TOKEN="sesame",
    )  # fmt: skip
    assert answer.code == 0, answer.err
    text = (shell.folder / "elsewhere" / "environments" / "system.yaml").read_text()
    assert "bearer: {env: SLOCHAOS_PROMETHEUS_TOKEN}" in text
    assert 'tenant: "shop"' in text
    everything = [path.read_text() for path in shell.folder.rglob("*") if path.is_file()]
    assert not any("sesame" in each for each in [*everything, answer.out, answer.err])
    assert "shop-success" not in "".join(everything)
    assert shell.slochaos("validate", "elsewhere").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "init needs to be told"),
        (("--prometheus", "URL", "--example"), "init needs to be told"),
        (("--example", "--dry-run"), "go with --prometheus"),
        (("--prometheus", "URL", "--name", "../x"), "is no name"),
        (("--prometheus", "URL", "--objective", "shop-sucess"), "did you mean 'shop-success'"),
        (("--prometheus", "nonsense"), "is not an http"),
    ],
)
def test_what_cannot_be_laid_out_is_said(
    shell: Shell, server: ServerProcess, arguments: tuple[str, ...], message: str
) -> None:
    """With exit code 2, what to do, and nothing written; also as a document."""
    answer = shell.slochaos(
        "init", *(server.url if each == "URL" else each for each in arguments), "--format", "json"
    )
    assert answer.code == 2
    error = answer.document["error"]
    assert message in f"{error['message']} {error['hint']}"
    assert files(shell) == []


def test_what_no_preset_knows_comes_with_a_draft_that_is_valid(
    shell: Shell, targets: KnownTargets, prometheus_binaries: Binaries, tmp_path: Path
) -> None:
    """The closest metric by name, and an SLO document of it to start from."""
    shop = targets.add("shop")
    shop.count("orders_processed_total", 5, outcome="ok")
    shop.count("orders_processed_total", 1, outcome="error")
    job = {**scrape_job("shop", []), "static_configs": [targets.entry("shop")]}
    server = start_prometheus(prometheus_binaries, tmp_path / "server", [job])
    try:
        server.wait_for("orders_processed_total")
        answer = shell.slochaos("init", "--prometheus", server.url)
    finally:
        server.end()
    assert answer.code == 2
    assert "no preset knows a metric" in answer.err
    assert "orders_processed_total (outcome)" in answer.err
    (shell.folder / "draft.slos.yaml").write_text(answer.out)
    validated = shell.slochaos("validate", "draft.slos.yaml")
    assert validated.code == 0, validated.err
