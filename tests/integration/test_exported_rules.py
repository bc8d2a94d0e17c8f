"""What the exported rules do with given metrics, by promtool's own word: what fires, and what ends."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from slochaos.alerts.prometheus import prometheus_rules
from slochaos.alerts.promql import duration
from slochaos.alerts.windows import LEAST_SCRAPES
from slochaos.spec import environment
from slochaos.spec.alerts import AlertCondition, AlertPolicy, NotificationTarget
from slochaos.spec.objectives import Indicator, Query
from tests.exported_rules import (
    Scenario,
    check_rules,
    counter,
    firing,
    gauge,
    production,
    with_objectives,
)
from tests.prometheus_servers import Binaries
from tests.toxiproxy_servers import ROOT

GOOD = 'http_requests_total{job="api",instance="a",code="200"}'
FAILED = 'http_requests_total{job="api",instance="a",code="500"}'

PAGE_15M = "ErrorBudgetBurn critical window=15m"
PAGE_1H = "ErrorBudgetBurn critical window=1h"
PAGE_6H = "ErrorBudgetBurn critical window=6h"
TICKET_3H = "ErrorBudgetBurn warning window=3h"
TICKET_1D = "ErrorBudgetBurn warning window=1d"
TICKET_3D = "ErrorBudgetBurn warning window=3d"
HALF = "ErrorBudgetConsumed warning consumed=50%"
MOST = "ErrorBudgetConsumed critical consumed=80%"
SPENT = "ErrorBudgetConsumed emergency consumed=100%"
NO_DATA = "ObjectiveNoData warning"
NO_EVENTS = "ObjectiveNoEvents warning"


@pytest.mark.parametrize("name", ["local", "preview", "production"])
def test_promtool_takes_the_rules_of_every_example(
    prometheus_binaries: Binaries, tmp_path: Path, name: str
) -> None:
    """Every environment of the examples gives a rule file without a duplicate or a mistake."""
    file = environment.read(ROOT / f"environments/{name}.yaml")
    rules = tmp_path / "rules.yaml"
    rules.write_text(prometheus_rules(environment.resolve(file, environment.placeholders(file), {})).text)

    said = check_rules(prometheus_binaries, rules)

    assert "SUCCESS" in said


def test_an_outage_pages_and_ends(prometheus_binaries: Binaries, tmp_path: Path) -> None:
    """Four minutes without a success are 40 % of the week's budget: pages at once, a ticket, no budget alert."""
    outage = Scenario(
        {
            GOOD: counter((60, 100), (4, 0), (180, 100)),
            FAILED: counter((60, 0), (4, 100), (180, 0)),
        }
    )
    outage.check(
        prometheus_binaries,
        tmp_path,
        production("api-success-rate"),
        firing(59),
        firing(64, PAGE_1H, PAGE_6H, TICKET_1D),
        firing(75, PAGE_6H, TICKET_1D),
        firing(110, TICKET_1D),
        firing(200),
    )


def test_errors_whose_series_is_born_with_the_outage_page_too(
    prometheus_binaries: Binaries, tmp_path: Path
) -> None:
    """Until then there was no 5xx series at all, which is no failure and not unknown."""
    outage = Scenario({GOOD: counter((60, 100), (10, 0)), FAILED: counter((60, None), (10, 100))})
    outage.check(
        prometheus_binaries,
        tmp_path,
        production("api-success-rate"),
        firing(59),
        firing(64, PAGE_1H, PAGE_6H, TICKET_1D),
    )


def test_a_spent_budget_stays_spent(prometheus_binaries: Binaries, tmp_path: Path) -> None:
    """Twelve minutes are more than the week's ten: the budget alerts outlast the burn, until the week is over."""
    outage = Scenario(
        {GOOD: counter((60, 100), (12, 0), (240, 100)), FAILED: counter((60, 0), (12, 100), (240, 0))}
    )
    outage.check(
        prometheus_binaries,
        tmp_path,
        production("api-success-rate"),
        firing(67, PAGE_1H, PAGE_6H, TICKET_1D, TICKET_3D, HALF),
        firing(70, PAGE_1H, PAGE_6H, TICKET_1D, TICKET_3D, HALF, MOST),
        firing(300, TICKET_3D, HALF, MOST, SPENT),
    )


def test_a_slow_burn_is_a_ticket(prometheus_binaries: Binaries, tmp_path: Path) -> None:
    """Three times too many errors for three hours are 37 % of the day's budget, and page nobody."""
    queries = 'db_queries_total{job="api",instance="a",outcome="%s"}'
    burn = Scenario(
        {
            queries % "ok": counter((60, 100), (180, 99.7), (60, 100)),
            queries % "error": counter((60, 0), (180, 0.3), (60, 0)),
        }
    )
    burn.check(
        prometheus_binaries,
        tmp_path,
        production("database-error-rate"),
        firing(180),
        firing(220, TICKET_3H),
        firing(290),
    )


def test_few_requests_alert_nobody_until_enough_of_them_failed(
    prometheus_binaries: Binaries, tmp_path: Path
) -> None:
    """At one request a minute, four failures are no trend, although they burn 600 times too fast; a dozen are."""
    per_minute = 1 / 60
    few = Scenario(
        {
            GOOD: counter((60, per_minute), (4, 0), (56, per_minute), (20, 0)),
            FAILED: counter((60, 0), (4, per_minute), (56, 0), (20, per_minute)),
        }
    )
    few.check(
        prometheus_binaries,
        tmp_path,
        production("api-success-rate"),
        firing(64),
        firing(119),
        # Of a week's little traffic, twenty minutes without a success are more than the budget.
        firing(139, PAGE_1H, PAGE_6H, TICKET_1D, TICKET_3D, HALF, MOST, SPENT),
    )


def test_without_traffic_nothing_burns_and_silence_is_said(
    prometheus_binaries: Binaries, tmp_path: Path
) -> None:
    """A quarter of an hour without a request is a ticket of its own kind, and ends with the first requests."""
    quiet = Scenario(
        {GOOD: counter((30, 100), (40, 0), (30, 100)), FAILED: counter((30, 0), (40, 0), (30, 0))}
    )
    quiet.check(
        prometheus_binaries,
        tmp_path,
        production("api-success-rate"),
        firing(40),
        firing(60, NO_EVENTS),
        firing(75),
    )


def test_lost_metrics_are_said(prometheus_binaries: Binaries, tmp_path: Path) -> None:
    """Series that are gone are no data, which is neither a success nor a failure."""
    lost = Scenario({GOOD: counter((30, 100), (40, None), (30, 100))})
    lost.check(
        prometheus_binaries,
        tmp_path,
        production("api-success-rate"),
        firing(40),
        firing(65, NO_DATA),
        firing(75),
    )


def test_a_histogram_without_the_bucket_is_no_data_and_no_outage(
    prometheus_binaries: Binaries, tmp_path: Path
) -> None:
    """Nobody can say how many requests took at most 0.3 s if the bounds are 0.25 and 0.5."""
    name = 'http_request_duration_seconds_%s{job="api",code="200"%s}'
    coarse = Scenario(
        {
            name % ("bucket", ',le="0.25"'): counter((40, 100)),
            name % ("bucket", ',le="0.5"'): counter((40, 100)),
            name % ("count", ""): counter((40, 100)),
        }
    )
    # The events are counted; the burn rate is unknown.
    coarse.check(prometheus_binaries, tmp_path, production("api-latency-p95"), firing(30, NO_DATA))


@pytest.mark.parametrize("bound", ["0.3", "0.30"])
def test_slow_requests_are_those_beyond_the_bucket_however_its_bound_is_spelled(
    prometheus_binaries: Binaries, tmp_path: Path, bound: str
) -> None:
    """Everything slow for half an hour is 42 % of the 72 minutes of the day."""
    name = 'http_request_duration_seconds_%s{job="api",code="200"%s}'
    slow = Scenario(
        {
            name % ("bucket", f',le="{bound}"'): counter((60, 100), (30, 0), (60, 100)),
            name % ("bucket", ',le="+Inf"'): counter((150, 100)),
            name % ("count", ""): counter((150, 100)),
        }
    )
    slow.check(
        prometheus_binaries,
        tmp_path,
        production("api-latency-p95"),
        firing(59),
        firing(
            89,
            PAGE_15M,
            PAGE_1H,
            TICKET_3H,
        ),
        firing(140),
    )


def test_bad_minutes_are_minutes_of_the_wall_clock(prometheus_binaries: Binaries, tmp_path: Path) -> None:
    """Three minutes without a good probe are 60 % of the five that a week allows."""
    probes = Scenario({'probe_success{job="prober"}': gauge((60, 1), (3, 0), (180, 1))}, every_s=60)
    probes.check(
        prometheus_binaries,
        tmp_path,
        production("availability"),
        firing(60),
        firing(65, PAGE_1H, PAGE_6H, TICKET_1D, TICKET_3D, HALF),
        firing(110, TICKET_1D, TICKET_3D, HALF),
        firing(200, TICKET_3D, HALF),
    )


def test_a_dead_prober_is_no_data_and_no_outage(prometheus_binaries: Binaries, tmp_path: Path) -> None:
    """Minutes without any probe are neither good nor bad."""
    minutes = 60 * 4
    dead = Scenario({'probe_success{job="prober"}': f"1x{minutes} _x{minutes}"}, every_s=60)
    dead.check(prometheus_binaries, tmp_path, production("availability"), firing(60), firing(90, NO_DATA))


def test_an_slo_s_own_alert_policy_replaces_the_derived_burn_rates(
    prometheus_binaries: Binaries, tmp_path: Path
) -> None:
    """It fires as written: above twice the allowed rate over half an hour, once that lasted five minutes."""
    condition = AlertCondition("twice", "page", "gt", Fraction(2), "30m", 1800, after_s=300)
    policy = AlertPolicy("twice-as-fast", condition, (NotificationTarget("ops", "slack"),))
    chosen = production("api-success-rate")
    own = with_objectives(chosen, replace(chosen.objectives[0], alerts=(policy,)))
    outage = Scenario({GOOD: counter((60, 100), (60, 99)), FAILED: counter((60, 0), (60, 1))})

    rules = prometheus_rules(own).text
    assert "13.44" not in rules
    assert "policy: twice-as-fast" in rules
    outage.check(
        prometheus_binaries,
        tmp_path,
        own,
        firing(64),
        firing(75, "ErrorBudgetBurn critical window=30m policy=twice-as-fast"),
    )


def test_promql_of_one_s_own_may_end_in_a_comment(prometheus_binaries: Binaries, tmp_path: Path) -> None:
    """It is taken as it is, and the file says that its counts are extrapolated."""
    chosen = production("api-success-rate")
    indicator = Indicator(
        total=Query("sum(rate(http_requests_total[5m])) # all of them"),
        bad=Query('sum(rate(http_requests_total{code=~"5.."}[5m])) # the failed ones'),
    )
    queried = with_objectives(chosen, replace(chosen.objectives[0], indicator=indicator))
    rules = tmp_path / "rules.yaml"
    rules.write_text(prometheus_rules(queried).text)

    check_rules(prometheus_binaries, rules)

    assert "extrapolated" in prometheus_rules(queried).notes[0]


def test_a_query_of_the_window_is_asked_over_enough_scrapes(
    prometheus_binaries: Binaries, tmp_path: Path
) -> None:
    """`{{.window}}` becomes the scrapes that an increase needs, of which one scrape's share is recorded."""
    chosen = production("api-success-rate")
    indicator = Indicator(
        total=Query("sum(increase(http_requests_total[{{.window}}]))"),
        bad=Query('sum(increase(http_requests_total{code=~"5.."}[{{.window}}]))'),
    )
    queried = with_objectives(chosen, replace(chosen.objectives[0], indicator=indicator))
    rules = tmp_path / "rules.yaml"
    rules.write_text(prometheus_rules(queried).text)

    check_rules(prometheus_binaries, rules)

    range_s = LEAST_SCRAPES * chosen.alerts.scrape_s
    assert f"sum(increase(http_requests_total[{duration(range_s)}]))" in rules.read_text()
    assert f") / {LEAST_SCRAPES}" in rules.read_text()
