"""How an objective stands: budget, status, burn rates, when the budget runs out, and what is said of short windows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from slochaos.clock import timestamp
from slochaos.measurement.prometheus.windows import Buckets, Measured, Window
from slochaos.measurement.samples import Count, NoData
from slochaos.slo.stand import Found, Span, checked
from slochaos.spec.calendars import Calendar
from slochaos.spec.objectives import Counter, Indicator, Objective
from slochaos.spec.selectors import parse
from slochaos.standing import CheckedObjective

HOUR, DAY = 3_600, 86_400
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
SPANS = Span("5m", 300), Span("1h", HOUR)

PROMISE = Objective(
    name="api-success",
    display_name="API",
    service="api",
    target=Fraction("0.999"),
    operator="lte",
    window_s=DAY,
    window="24h",
    method="Occurrences",
    indicator=Indicator(
        total=Counter(parse("http_requests_total")), bad=Counter(parse('http_requests_total{code=~"5.."}'))
    ),
)


def counted(bad: int, total: int, **changes: object) -> Count:
    """A count without doubt, unless changed."""
    return replace(Count(total, bad, total, total, bad, bad), **changes)  # type: ignore[arg-type]


def measured(count: Count | NoData, seen_s: float) -> Measured:
    """What was counted in the last `seen_s`."""
    return Measured(count, None if isinstance(count, NoData) else Window(NOW - seen_s, NOW), "exact")


CALM = counted(0, 36_000)


def stands(
    passed: Count | NoData,
    *,
    seen_s: float = DAY,
    hour: Count | NoData = CALM,
    objective: Objective = PROMISE,
    latencies: Mapping[Span, Buckets | NoData] | None = None,
) -> CheckedObjective:
    """The objective after a day of 864,000 requests, ten a second."""
    over = {SPANS[0]: measured(counted(0, 3_000), 300), SPANS[1]: measured(hour, HOUR)}
    whole = Window(*objective.window_at(NOW))
    return checked(objective, Found(NOW, over, latencies or {}, whole, measured(passed, seen_s)))


def test_a_budget_is_what_the_target_leaves_of_the_windows_events() -> None:
    """216 of the 864 bad events that 99.9 % of 864,000 allow: three quarters are left, 64.8 s of full outage."""
    budget = stands(counted(216, 864_000)).budget
    assert budget is not None
    assert (budget.size, budget.spent, budget.left) == (864, 216, 648)
    assert (budget.spent_percent, budget.left_percent) == (25, 75)
    assert budget.left_outage_seconds == pytest.approx(64.8)
    assert (budget.basis, budget.runs_out) == ("observed", None)


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (0, "within"),
        (431, "within"),
        (432, "notify"),
        (692, "restricted"),
        (863, "restricted"),
        (864, "used-up"),
    ],
)
def test_the_status_is_the_budget_policys(bad: int, status: str) -> None:
    """Half, four fifths and all of 864 bad events: exactly there, not before."""
    assert stands(counted(bad, 864_000)).status == status


def test_without_data_nothing_is_within() -> None:
    """Neither where the server has nothing, nor where there was no event: with the reason."""
    missing = stands(NoData("no-series", "no series matches x"))
    assert (missing.status, missing.budget, missing.reasons) == (
        "no-data",
        None,
        ("no-series: no series matches x",),
    )
    assert stands(counted(0, 0)).status == "no-data"


def test_a_count_on_both_sides_of_the_budget_is_inconclusive() -> None:
    """Perhaps used up, or perhaps not: in neither case is the other claimed."""
    assert stands(counted(900, 864_000, bad_low=800)).status == "inconclusive"
    assert stands(counted(800, 864_000, bad_high=900)).status == "inconclusive"
    assert stands(counted(900, 864_000, bad_low=870)).status == "used-up"


def test_what_a_restart_lost_leaves_the_status_and_is_said() -> None:
    """There is no upper end after any restart; with it alone every rollout would end in exit code 3."""
    found = stands(counted(100, 864_000, bad_high=math.inf, reasons=("reset: 1 targets were restarted",)))
    assert found.status == "within"
    assert found.reasons == ("reset: 1 targets were restarted",)
    assert found.budget is not None
    assert found.budget.spent_interval == (100, None)


@pytest.mark.parametrize("reason", ["partial-answer: the server did not tell all", "source-down: 1 target"])
def test_what_was_not_looked_at_may_hold_anything(reason: str) -> None:
    """A part of the answer, or a target, is missing: no word that all is well."""
    assert stands(counted(100, 864_000, bad_high=math.inf, reasons=(reason,))).status == "inconclusive"


def test_a_budget_runs_out_at_the_rate_of_bad_events_of_the_last_hour() -> None:
    """648 are left, and the last hour had 324: two hours, whatever the traffic was on other days."""
    budget = stands(counted(216, 864_000), hour=counted(324, 9_000)).budget
    assert budget is not None
    assert (budget.burning_over, budget.runs_out) == ("1h", timestamp(NOW + 2 * HOUR))


def test_a_budget_that_refills_faster_does_not_run_out() -> None:
    """At 20 bad events an hour the 648 would last longer than the window, which gives them back before."""
    budget = stands(counted(216, 864_000), hour=counted(20, 36_000)).budget
    assert budget is not None
    assert budget.runs_out is None


def test_a_calendars_budget_is_that_of_the_whole_window() -> None:
    """Half of the day has passed, with 432,000 requests: the whole day will have twice as many. It ends at midnight."""
    daily = replace(PROMISE, calendar=Calendar(datetime(2026, 1, 1), "UTC", 1, "d"))  # noqa: DTZ001
    budget = stands(counted(216, 432_000), seen_s=DAY / 2, hour=counted(60, 36_000), objective=daily).budget
    assert budget is not None
    assert (budget.basis, budget.size, budget.left_percent) == ("projected", 864, 75)
    assert (budget.ends, budget.runs_out) == ("2026-11-25T00:00:00.000Z", timestamp(NOW + 10.8 * HOUR))


def test_a_window_longer_than_what_was_observed_says_so() -> None:
    """Six hours of a day: the budget is projected, and what was spent before is unknown; not silently a day's."""
    found = stands(counted(10, 216_000), seen_s=6 * HOUR)
    assert found.budget is not None
    assert found.budget.basis == "projected"
    assert found.reasons == (
        "short-history: only 6 h of the 24 h have samples; its events are projected at their rate, and what was "
        "spent before that is unknown",
    )


def test_each_window_says_what_it_covers() -> None:
    """The hour of which 20 minutes have samples; the five minutes that are whole say nothing."""
    over = {SPANS[0]: measured(counted(0, 3_000), 300), SPANS[1]: measured(counted(0, 12_000), 1_200)}
    whole = Window(NOW - DAY, NOW)
    found = checked(PROMISE, Found(NOW, over, {}, whole, measured(CALM, DAY)))
    assert [each.observed_seconds for each in found.windows] == [300, 1_200]
    assert [each.reason for each in found.windows] == [
        "",
        "short-history: only 20 min of the 60 min have samples",
    ]


def test_burn_rates_have_the_bounds_of_their_shares() -> None:
    """72 of 36,000 are twice the allowed share; without events there is no rate."""
    five, hour = stands(counted(0, 864_000), hour=counted(72, 36_000)).windows
    assert hour.burn_rate == 2
    assert hour.burn_rate_at_least is not None
    assert hour.burn_rate_at_most is not None
    assert hour.burn_rate_at_least < 2 < hour.burn_rate_at_most
    assert five.burn_rate == 0
    assert stands(counted(0, 864_000), hour=counted(0, 0)).windows[1].burn_rate is None


def test_slices_are_counted_and_have_no_bounds() -> None:
    """A census of minutes: two bad ones of 1,440 at 99.9 % are more than the budget of 1.44."""
    minutes = replace(PROMISE, method="Timeslices")
    found = stands(counted(2, 1_440), hour=counted(1, 60), objective=minutes)
    assert found.status == "used-up"
    assert found.windows[1].burn_rate == pytest.approx(1 / 60 / 0.001)
    assert found.windows[1].burn_rate_at_most is None


def test_quantiles_are_between_their_buckets() -> None:
    """Above the last bound there is no upper end; where a window has no histogram there are none."""
    buckets = Buckets((0.1, 0.5, math.inf), (90, 97, 100), ((90, 90), (97, 97), (100, 100)))
    five, hour = stands(
        counted(0, 864_000), latencies={SPANS[0]: buckets, SPANS[1]: NoData("no-series")}
    ).windows
    assert [(q.quantile, q.at_least_seconds, q.at_most_seconds) for q in five.quantiles] == [
        (0.5, 0, 0.1),
        (0.95, 0.1, 0.5),
        (0.99, 0.5, None),
    ]
    assert hour.quantiles == ()
