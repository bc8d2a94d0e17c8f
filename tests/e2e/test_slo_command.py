"""`slochaos slo check` on real Prometheus servers whose past is known."""

from __future__ import annotations

import json
import signal
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.e2e.slochaos_command import Answer, Shell
from tests.e2e.watched_shop import BAD, DAY, OUTAGE_S, RATE, WEEK, Shop, iso
from tests.prometheus_history import lay_down
from tests.prometheus_servers import Binaries, start_prometheus


def slo(
    name: str, target: float, window: str, parts: str, method: str = "Occurrences", more: str = ""
) -> str:
    """One OpenSLO document; `parts` are total and good, or bad."""
    return f"""
apiVersion: openslo/v1
kind: SLO
metadata: {{name: {name}}}
spec:
  service: shop
  budgetingMethod: {method}
  timeWindow: [{window}]
  indicator:
    metadata: {{name: {name}}}
    spec: {{ratioMetric: {{counter: true, {parts}}}}}
  objectives: [{{target: {target}{more}}}]
"""


def source(**spec: str) -> str:
    """A metric source."""
    return f"{{metricSource: {{type: prometheus, spec: {json.dumps(spec)}}}}}"


UNTIL = "2099-01-01T00:00:00.000Z"
ROLLING_WEEK, ROLLING_DAY = "{duration: 7d, isRolling: true}", "{duration: 24h, isRolling: true}"
SHOP, FAILED = 'http_requests_total{job="shop"}', 'http_requests_total{job="shop",code=~"5.."}'
CHECKOUT = 'checkout_seconds{job="shop"}'
REQUESTS = f"total: {source(selector=SHOP)}, bad: {source(selector=FAILED)}"
TOOK = f"total: {source(histogram=CHECKOUT)}, good: {source(histogram=CHECKOUT, at_most='0.25s')}"
CALENDAR = "{startTime: '2026-01-01 00:00:00', timeZone: Europe/Berlin}"
SLICED = ", timeSliceTarget: 0.9, timeSliceWindow: 1m"
DOCUMENTS = (
    slo("shop-success", 0.999, ROLLING_WEEK, REQUESTS),
    slo("checkout", 0.95, ROLLING_DAY, TOOK),
    slo("minutes", 0.99, ROLLING_DAY, REQUESTS, "Timeslices", SLICED),
    slo("month", 0.999, f"{{duration: 1M, isRolling: false, calendar: {CALENDAR}}}", REQUESTS),
)


@pytest.fixture
def slos(shell: Shell) -> Path:
    """Four objectives: a ratio, a latency, slices, and a calendar's window."""
    path = shell.folder / "slos.yaml"
    path.write_text("---".join(DOCUMENTS))
    return path


def check(shell: Shell, shop: Shop, *more: str | Path) -> Answer:
    """As of the last sample that was laid down."""
    at = iso(shop.now)
    return shell.slochaos("slo", "check", "--prometheus", shop.url, "--at", at, *map(str, more))


def test_each_objective_over_each_window(shell: Shell, shop: Shop, slos: Path) -> None:
    """Counts hold the truth in their interval, budgets are those of their own windows, worst first; 1 for used up."""
    answer = check(shell, shop, slos, "--format", "json")
    assert answer.code == 1, answer.err
    document = answer.document
    by_name = {each["name"]: each for each in document["objectives"]}
    success = by_name["shop-success"]
    over = {each["window"]: each for each in success["windows"]}
    assert list(over) == ["1m", "5m", "1h", "24h", "7d", "30d"]
    assert over["5m"]["good"] == over["5m"]["total"]
    assert 300 * RATE <= over["5m"]["total"] <= 330 * RATE, "the scrapes that enclose it are 15 s apart"
    for window in ("24h", "7d", "30d"):
        low, high = over[window]["bad_interval"]
        assert low <= BAD
        assert low == BAD or window == "30d", "the ends of these windows are scrapes too"
        assert high is None or high >= BAD
    assert over["24h"]["burn_rate"] == pytest.approx(BAD / (RATE * DAY) / 0.001, rel=0.01)
    assert success["budget"]["size"] == pytest.approx(RATE * WEEK / 1000, rel=0.01)
    assert success["budget"]["spent"] == pytest.approx(BAD, rel=0.01)
    assert success["status"] == "within"
    assert document["objectives"][0]["name"] == "checkout"
    assert document["check"]["exit_code"] == 1


def test_a_month_of_which_eight_days_are_known_says_so(shell: Shell, shop: Shop, slos: Path) -> None:
    """Over 30 days, and in the budget of a calendar month: never silently short."""
    answer = check(
        shell, shop, slos, "--objective", "shop-success", "--objective", "month", "--format", "json"
    )
    success, month = (
        next(each for each in answer.document["objectives"] if each["name"] == name)
        for name in ("shop-success", "month")
    )
    (month_long,) = (each for each in success["windows"] if each["window"] == "30d")
    assert month_long["observed_seconds"] == pytest.approx(8 * DAY, abs=120)
    assert "short-history: only 8 days of the 30 days have samples" in month_long["reason"]
    begins, ends = (datetime.fromisoformat(month["budget"][name]) for name in ("starts", "ends"))
    assert begins <= datetime.fromisoformat(iso(shop.now)) < ends
    assert month["budget"]["basis"] == "projected"
    assert (
        any(reason.startswith("short-history") for reason in month["reasons"])
        or begins.timestamp() > shop.begin
    )


def test_quantiles_are_what_buckets_tell(shell: Shell, shop: Shop, slos: Path) -> None:
    """One in ten took from 0.25 to 0.5 s: no invented 0.375 s."""
    answer = check(shell, shop, slos, "--objective", "checkout", "--windows", "1h,24h")
    assert "<= 0.1 s  0.25 to 0.5 s  0.25 to 0.5 s" in answer.out
    assert answer.code == 1
    assert "checkout has no budget left: risk nothing on it until" in answer.out


def test_slices_are_counted(shell: Shell, shop: Shop, slos: Path) -> None:
    """Seven bad minutes of 1,440 are half of the 14.4 that 99 % allow."""
    answer = check(shell, shop, slos, "--objective", "minutes", "--windows", "1h", "--format", "json")
    (minutes,) = answer.document["objectives"]
    assert abs(minutes["budget"]["spent"] - OUTAGE_S / 60) <= 1
    assert minutes["budget"]["size"] == pytest.approx(14.4)


def test_the_exit_code_may_begin_earlier(shell: Shell, shop: Shop, slos: Path) -> None:
    """A fifth of the week's budget is spent: fine, unless 20 % are too much here."""
    only = ("--objective", "shop-success", "--windows", "1h")
    assert check(shell, shop, slos, *only).code == 0
    assert check(shell, shop, slos, *only, "--fail-at", "20").code == 1


def test_what_has_no_data_is_undecided(shell: Shell, shop: Shop) -> None:
    """A metric that is not there: its row, its reason, and 3."""
    lost = REQUESTS.replace("http_requests_total", "no_such_total")
    (shell.folder / "lost.yaml").write_text(slo("lost", 0.999, ROLLING_DAY, lost))
    answer = check(shell, shop, shell.folder / "lost.yaml")
    assert answer.code == 3, answer.err
    assert "lost: no-series" in answer.out


def test_without_files_presets_find_objectives(shell: Shell, shop: Shop) -> None:
    """From an empty folder; what is assumed is said, and nothing is written."""
    answer = check(shell, shop, "--windows", "1h,24h")
    assert "shop-success is assumed: 99.9 % over 7d" in answer.out
    assert "Traceback" not in answer.err
    assert [*shell.folder.rglob("*"), *shell.state.rglob("*")] == []


def test_an_environment_is_checked_by_name(shell: Shell, shop: Shop, slos: Path) -> None:
    """Its server, its files; and a composite beside its parts."""
    (shell.folder / "environments").mkdir()
    (shell.folder / "environments" / "shop.yaml").write_text(
        f"prometheus: {shop.url}\nslos: [../slos.yaml, ../whole.yaml]\n"
    )
    (shell.folder / "whole.yaml").write_text(
        f"""
apiVersion: openslo/v1
kind: SLO
metadata: {{name: whole}}
spec:
  service: shop
  budgetingMethod: Occurrences
  timeWindow: [{ROLLING_DAY}]
  objectives:
    - displayName: requests
      target: 0.99
      compositeWeight: 3
      indicator: {{metadata: {{name: one}}, spec: {{ratioMetric: {{counter: true, {REQUESTS}}}}}}}
    - displayName: checkouts
      target: 0.99
      compositeWeight: 1
      indicator: {{metadata: {{name: two}}, spec: {{ratioMetric: {{counter: true, {TOOK}}}}}}}
"""
    )
    answer = shell.slochaos("slo", "check", "-e", "shop", "--at", iso(shop.now), "--format", "json")
    assert answer.code == 1, answer.err
    assert answer.document["check"]["environment"] == "shop"
    (whole,) = answer.document["composites"]
    assert list(whole["parts"].values()) == [0.75, 0.25]
    bad = 0.75 * BAD / (RATE * DAY) + 0.25 * 0.1
    assert whole["spent_percent"] == pytest.approx(100 * bad / 0.01, rel=0.02)
    assert whole["status"] == "used-up"


@pytest.mark.parametrize(
    ("budget", "options", "code", "said"),
    [
        ("{mode: enforce}", (), 1, ""),
        ("{mode: advise}", (), 0, "the policy advises only"),
        ("{mode: advise}", ("--fail-at", "99"), 1, ""),
        (
            f"{{overrides: [{{by: Ada, reason: a release, until: '{UNTIL}'}}]}}",
            (),
            0,
            f"by Ada until {UNTIL}",
        ),
        ("{overrides: [{by: Ada, reason: a release, until: '2020-01-01T00:00:00Z'}]}", (), 1, ""),
    ],
)
def test_the_policy_decides_whether_a_budget_that_is_used_up_fails(
    shell: Shell, shop: Shop, slos: Path, budget: str, options: tuple[str, ...], code: int, said: str
) -> None:
    """As it does for runs: advice and a named person's override are said, and leave the exit code at 0."""
    (shell.folder / "environments").mkdir()
    (shell.folder / "environments" / "shop.yaml").write_text(
        f"prometheus: {shop.url}\nslos: [../slos.yaml]\nbudget: {budget}\n"
    )
    look = ("slo", "check", "-e", "shop", "--windows", "1h", "--at", iso(shop.now), "--format", "json")
    answer = shell.slochaos(*look, *options)
    assert answer.code == answer.document["check"]["exit_code"] == code, answer.err
    assert any(each["status"] == "used-up" for each in answer.document["objectives"])
    notes = " ".join(answer.document["notes"])
    assert said in notes
    assert bool(said) == ("used up" in notes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--windows", "5x"), "--windows: '5x' is not a duration"),
        (("--at", "2999-01-01T00:00:00Z"), "is still to come"),
        (("--at", "-1h", "--watch"), "--watch looks at now"),
        (("--fail-at", "0"), "--fail-at is no share of a budget"),
        (("--objective", "nobody"), "there is no objective 'nobody'"),
        (("--watch", "--every", "0s"), "is too often"),
    ],
)
def test_wrong_options_are_named(
    shell: Shell, shop: Shop, slos: Path, arguments: tuple[str, ...], message: str
) -> None:
    """With 2, and nothing but the message."""
    answer = shell.slochaos("slo", "check", "--prometheus", shop.url, str(slos), *arguments)
    assert answer.code == 2
    assert message in answer.err


def test_files_need_a_server(shell: Shell, slos: Path) -> None:
    """An environment has files of its own."""
    answer = shell.slochaos("slo", "check", str(slos))
    assert answer.code == 2
    assert "files go with --prometheus URL" in answer.err


def test_watching_outlives_the_server_and_ends_on_a_signal(
    shell: Shell, prometheus_binaries: Binaries, tmp_path: Path
) -> None:
    """A line per objective while it answers, a sentence while it does not, and no traceback at the end."""
    now = int(time.time())
    instants = range(now - 3_600, now + 600, 15)
    series = {
        f'http_requests_total{{job="shop",instance="shop:80",code="{code}"}}': [
            (float(at), rate * (at - now + 3_600.0)) for at in instants
        ]
        for code, rate in (("200", 10), ("503", 1))
    }
    lay_down(prometheus_binaries, tmp_path / "server", series)
    server = start_prometheus(prometheus_binaries, tmp_path / "server")
    (shell.folder / "slos.yaml").write_text(slo("shop-success", 0.5, ROLLING_DAY, REQUESTS))
    command = shell.start(
        *("slo", "check", "--prometheus", server.url, "slos.yaml", "--windows", "5m"),
        *("--watch", "--every", "1s", "--quiet"),
    )
    assert command.stdout is not None
    assert command.stderr is not None
    try:
        assert "shop-success within" in command.stdout.readline()
        server.end()
        outage = command.stderr.readline()
        while "no figures" not in outage:
            outage = command.stderr.readline()
        server = start_prometheus(prometheus_binaries, tmp_path / "server", port=server.port)
        while "shop-success within" not in command.stdout.readline():
            assert command.poll() is None
    finally:
        command.send_signal(signal.SIGINT)
        _, err = command.communicate(timeout=20)
        server.end()
    assert command.returncode == -signal.SIGINT
    assert "Traceback" not in err
