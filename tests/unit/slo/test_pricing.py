"""What an interval cost one objective: the arithmetic, and what is said where it is not sure."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from slochaos.clock import timestamp
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.samples import Contributor, Count, NoData
from slochaos.slo.evidence import Evidence, windows_of
from slochaos.slo.pricing import composites, price
from slochaos.slo.refunds import Tight, steps_back
from slochaos.spec.calendars import Calendar
from slochaos.spec.composites import Composite, Part
from slochaos.spec.objectives import Counter, Indicator, Objective
from slochaos.spec.selectors import parse

DAY = 86_400
END = datetime(2026, 11, 24, 14, 9, tzinfo=UTC).timestamp()
START = END - 420
TOTAL, BAD = Counter(parse("http_requests_total")), Counter(parse('http_requests_total{code=~"5.."}'))

PROMISE = Objective(
    name="api-success",
    display_name="API",
    service="api",
    target=Fraction("0.999"),
    operator="lte",
    window_s=DAY,
    window="24h",
    method="Occurrences",
    indicator=Indicator(total=TOTAL, bad=BAD),
)


def counted(bad: int, total: int, **changes: object) -> Count:
    """A count without doubt, unless changed."""
    exact = Count(total, bad, total, total, bad, bad)
    return replace(exact, **changes)  # type: ignore[arg-type]


def measured(count: Count | NoData, start: float, end: float, exactness: str = "exact") -> Measured:
    """What was counted in a window of which all was seen."""
    observed = None if isinstance(count, NoData) else Window(start, end)
    return Measured(count, observed, exactness)  # type: ignore[arg-type]


CLEAN, A_DAY = counted(0, 4_200), counted(500, 864_000)


def evidence(
    interval: Count | NoData,
    baseline: Count | NoData = CLEAN,
    window: Count | NoData = A_DAY,
    seen_s: float = DAY,
) -> Evidence:
    """Seven minutes, the seven before them, and the day as far as it was seen."""
    windows = windows_of(PROMISE, Window(START, END), Window(START - 420, START))
    return Evidence(
        windows,
        interval=measured(interval, START, END),
        baseline=measured(baseline, START - 420, START),
        window=measured(window, END - seen_s, END, "aggregated"),
    )


def test_a_charge_is_a_share_of_the_windows_budget() -> None:
    """432 of the 864 bad events that 99.9 % of the day's 864,000 allow are half of it; 68 were spent before."""
    priced = price(PROMISE, evidence(counted(432, 4_200)))
    assert priced.charge is not None
    assert priced.charge.cost_percent == pytest.approx(50)
    assert priced.charge.consumed_before_percent == pytest.approx(100 * 68 / 864)
    assert priced.charge.consumed_after_percent == pytest.approx(100 * 500 / 864)
    assert priced.charge.basis == "observed"
    assert priced.charge.equivalent_outage_seconds == pytest.approx(43.2)
    assert (priced.exactness, priced.reasons) == ("exact", ())


def test_what_the_baseline_predicts_is_not_caused() -> None:
    """10 bad events in the minutes before make 10 of the interval's 432 usual."""
    priced = price(PROMISE, evidence(counted(432, 4_200), baseline=counted(10, 42_000)))
    assert priced.charge is not None
    assert priced.charge.bad_gross == 432
    assert priced.charge.bad_attributed == pytest.approx(422)
    low, high = priced.charge.attributed_interval
    assert low < 422 < (high or math.inf) <= 432


def test_without_a_baseline_nothing_is_known_to_be_caused() -> None:
    """At least 0, at most everything, and the reason."""
    priced = price(
        PROMISE, evidence(counted(432, 4_200), baseline=NoData("no-series", "no series matches x"))
    )
    assert priced.charge is not None
    assert priced.charge.attributed_interval == (0.0, 432.0)
    assert [reason.partition(":")[0] for reason in priced.reasons] == ["no-baseline"]
    assert priced.baseline.good is None


def test_a_rolling_charge_comes_back_one_window_later() -> None:
    """Its first events when the interval's start leaves the window, its last when its end does."""
    priced = price(PROMISE, evidence(counted(432, 4_200)))
    assert priced.refund is not None
    assert priced.refund.starts == timestamp(START + DAY)
    assert priced.refund.completes == timestamp(END + DAY)
    assert priced.charge is not None
    assert priced.charge.refund_complete == "2026-11-25T14:09:00Z"


def test_a_calendars_charge_comes_back_at_its_windows_end() -> None:
    """All of it at midnight, though the interval's end may be that midnight."""
    daily = replace(PROMISE, calendar=Calendar(datetime(2026, 1, 1), "UTC", 1, "d"))  # noqa: DTZ001
    midnight = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
    windows = windows_of(daily, Window(midnight - 420, midnight), Window(midnight - 840, midnight - 420))
    priced = price(daily, replace(evidence(counted(432, 4_200)), windows=windows))
    assert priced.refund is not None
    assert priced.refund.starts == priced.refund.completes == timestamp(midnight)


def test_a_window_that_was_seen_in_part_is_projected_and_said_to_be() -> None:
    """Two of 24 hours with 72,000 events are a day of 864,000; what the other 22 hours spent nobody knows."""
    priced = price(PROMISE, evidence(counted(432, 4_200), window=counted(500, 72_000), seen_s=7_200))
    assert priced.charge is not None
    assert priced.charge.basis == "projected"
    assert priced.charge.window_events == pytest.approx(864_000)
    assert priced.reasons == (
        "short-history: only 2 h of the 24 h of the window have samples; its events are projected at their rate, "
        "and what was spent before that is unknown",
    )


def test_an_unknown_upper_end_stays_unknown() -> None:
    """Events that a restart lost may be any number; the reason is the count's own."""
    lost = counted(432, 4_200, bad_high=math.inf, total_high=math.inf, reasons=("restart-loss: ...",))
    priced = price(PROMISE, evidence(lost))
    assert priced.charge is not None
    assert priced.charge.bad_gross_interval == (432.0, None)
    assert priced.charge.attributed_percent_interval[1] is None
    assert priced.reasons == ("restart-loss: ...",)


def test_no_data_is_no_charge_and_no_zero() -> None:
    """The reason stands in the interval and in the reasons."""
    priced = price(PROMISE, evidence(NoData("no-series", "no series matches http_requests_total")))
    assert (priced.charge, priced.refund, priced.exactness) == (None, None, None)
    assert priced.reasons == ("no-series: no series matches http_requests_total",)
    assert priced.interval.total is None


@pytest.mark.parametrize("window", [NoData("no-series", ""), counted(0, 0)])
def test_without_a_budget_there_is_no_charge(window: Count | NoData) -> None:
    """A share of nothing is not 0 %."""
    priced = price(PROMISE, evidence(counted(432, 4_200), window=window))
    assert priced.charge is None
    assert priced.interval.total == 4_200
    assert priced.reasons[0].startswith("no budget: no-")


def test_traffic_that_stays_away_is_said() -> None:
    """An outage in front of the counters looks like a quiet time: nothing failed because nothing arrived."""
    priced = price(PROMISE, evidence(counted(0, 1_000)))
    assert priced.charge is not None
    assert priced.charge.bad_gross == 0
    assert priced.reasons[0].startswith("traffic-fell: 1,000 events where the baseline had 4,200")


def test_slices_are_a_census() -> None:
    """Three bad minutes of a day's 1.44 are 208 %, all attributed, without bounds."""
    slices = replace(PROMISE, method="Timeslices")
    priced = price(slices, evidence(counted(3, 7), window=counted(3, 1_440)))
    assert priced.charge is not None
    assert priced.charge.cost_percent == pytest.approx(100 * 3 / 1.44)
    assert priced.charge.attributed_interval == (3.0, 3.0)
    assert priced.interval.bad_at_most is None


def test_contributors_and_warnings_are_kept() -> None:
    """Where the errors were, and that the server answered in part."""
    where = (Contributor((("instance", "pod1"),), 400),)
    found = evidence(counted(432, 4_200, contributors=where))
    found = replace(found, window=replace(found.window, warnings=("store gateway is down",)))
    priced = price(PROMISE, found)
    assert priced.top_contributors[0].labels == {"instance": "pod1"}
    assert priced.reasons == ("server-warning: store gateway is down",)


def test_steps_back_are_those_of_the_policy_that_are_not_reached() -> None:
    """900 of 864 are spent: the next step is a budget that is not empty, then a fifth, then a half of it."""
    tight = Tight(PROMISE, Fraction(864), Fraction(900, 864))
    spent = [(200.0, END - 80_000), (300.0, END - 3_600), (400.0, END)]
    steps = steps_back(tight, spent, END)
    assert [(step.left_percent, step.at) for step in steps] == [
        (0, timestamp(END - 80_000 + DAY)),
        (20, timestamp(END - 3_600 + DAY)),
        (50, timestamp(END - 3_600 + DAY)),
    ]


def test_a_calendar_gives_everything_back_at_once() -> None:
    """All steps at the next midnight; those that are reached are left out."""
    daily = replace(PROMISE, calendar=Calendar(datetime(2026, 1, 1), "UTC", 1, "d"))  # noqa: DTZ001
    steps = steps_back(Tight(daily, Fraction(864), Fraction(800, 864)), None, END)
    assert [(step.left_percent, step.at) for step in steps] == [
        (20, "2026-11-25T00:00:00.000Z"),
        (50, "2026-11-25T00:00:00.000Z"),
    ]


def test_what_is_no_part_of_the_budgets_window_is_not_charged_to_it() -> None:
    """Ten days of a daily budget: only the last day of them counts, which is said."""
    windows = windows_of(PROMISE, Window(END - 10 * DAY, END), Window(END - 20 * DAY, END - 10 * DAY))
    assert windows.asked == windows.passed == Window(END - DAY, END)
    priced = price(PROMISE, replace(evidence(counted(432, 864_000)), windows=windows))
    assert (
        priced.reasons[0]
        == f"clipped: what was before {timestamp(END - DAY)} is no part of this budget's window"
    )


def test_a_baseline_that_was_bad_already_is_said() -> None:
    """A --from that is too late makes the outage look usual."""
    priced = price(PROMISE, evidence(counted(432, 4_200), baseline=counted(300, 4_200)))
    assert priced.reasons[0].startswith("bad-baseline: 7.1 % of it were bad already")


def test_a_calendars_window_that_has_begun_is_projected_to_its_end() -> None:
    """Half of the day has passed with 432,000 events: a day's budget is 864, and no history is missing."""
    daily = replace(PROMISE, calendar=Calendar(datetime(2026, 1, 1), "UTC", 1, "d"))  # noqa: DTZ001
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
    windows = windows_of(daily, Window(noon - 420, noon), Window(noon - 840, noon - 420))
    found = Evidence(
        windows,
        interval=measured(counted(432, 4_200), noon - 420, noon),
        baseline=measured(CLEAN, noon - 840, noon - 420),
        window=measured(counted(432, 432_000), noon - DAY / 2, noon),
    )
    priced = price(daily, found)
    assert priced.charge is not None
    assert priced.charge.basis == "projected"
    assert priced.charge.cost_percent == pytest.approx(50)
    assert priced.reasons == ()


def test_a_composite_is_the_mean_of_its_parts_shares() -> None:
    """Weighted by what each part allows; unknown where a part is."""
    other = replace(PROMISE, name="other")
    half = Fraction(1, 2)
    both = Composite("shop", "Shop", (Part(PROMISE, half), Part(other, half)))
    priced = {
        "api-success": price(PROMISE, evidence(counted(432, 4_200))),
        "other": price(other, evidence(counted(0, 4_200), window=counted(0, 864_000))),
    }
    (whole,) = composites([both], priced)
    assert whole.cost_percent == pytest.approx(25)
    assert whole.consumed_after_percent == pytest.approx(50 * 500 / 864)
    priced["other"] = price(other, evidence(NoData("no-series")))
    assert composites([both], priced)[0].cost_percent is None
