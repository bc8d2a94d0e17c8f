"""Minutes of the wall clock, each good or bad, and what is not known of them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.measurement.counting import measure, series_over_time
from slochaos.measurement.phases import Cut
from slochaos.measurement.samples import Count, Sample
from tests.unit.measurement.simulated import (
    EPOCH,
    REQUESTS,
    SCRAPES,
    Process,
    Request,
    counted,
    cuts,
    failed_at,
    good_objective,
    missing,
    sample_at,
    scraped,
    series,
    uptime_objective,
)

UP = series("up")


def checks(values: dict[int, float], until: int) -> list[Sample]:
    """A reading of the gauge each second; 1 where nothing else is said."""
    return [sample_at(at, {UP: values.get(at, 1.0)}) for at in range(until + 1)]


def uptime(samples: list[Sample], **changes: object) -> Count:
    return counted(measure(uptime_objective(**changes), {"api": samples}, *cuts(samples)))


def test_slices_are_minutes_of_the_wall_clock() -> None:
    """90 s that begin 20 s after a full minute touch two minutes, not one and a half."""
    assert EPOCH % 60 == 20
    count = uptime(checks({}, 90))
    assert (count.total, count.bad, count.total_high, count.reasons) == (2, 0, 2, ())


@pytest.mark.parametrize(("down_s", "bad"), [(0, 0), (2, 0), (3, 1)])
def test_a_minute_is_bad_when_too_few_of_its_checks_were_good(down_s: int, bad: int) -> None:
    """With 95 % asked, 2 of 50 failed checks are allowed and 3 are not."""
    samples = checks(dict.fromkeys(range(45, 45 + down_s), 0.0), 89)  # 40 checks, then 49
    assert uptime(samples).bad == bad


def test_a_phase_has_its_first_check_and_not_its_last() -> None:
    """Each check lies in exactly one phase."""
    samples = checks({10: 0.0}, 20)
    middle = Cut(10, {"api": samples[10]})
    start, end = cuts(samples)
    objective = uptime_objective(method="Occurrences")
    first = counted(measure(objective, {"api": samples}, start, middle))
    second = counted(measure(objective, {"api": samples}, middle, end))
    assert (first.total, first.bad) == (10, 0)
    assert (second.total, second.bad) == (10, 1)


def test_checks_that_are_missing_may_have_failed() -> None:
    """Failed readings are events of which nothing is known: they widen, and never count as good."""
    samples: list[Sample] = checks({}, 39)
    samples[10:20] = [failed_at(at) for at in range(10, 20)]
    count = uptime(samples)
    assert (count.total, count.bad, count.bad_high) == (1, 0, 1)
    assert count.reasons == ("source-down: 10 samples of api are missing (connection refused)",)
    events = uptime(samples, method="Occurrences")
    assert (events.total, events.total_high, events.bad_high) == (29, 39, 10)


def test_minutes_of_which_nothing_was_read_are_missing() -> None:
    """A gap of three minutes leaves whole minutes unobserved: they may have been bad."""
    samples = [*checks({}, 30), *[sample_at(at, {UP: 1.0}) for at in range(230, 260)]]
    count = uptime(samples)
    assert (count.total, count.total_high) == (2, 5)
    assert (count.bad, count.bad_high) == (0, 5)
    assert any(reason == "missing-slices: 3 of 5 slices were not observed" for reason in count.reasons)


def test_a_wall_clock_that_is_set_moves_no_slice() -> None:
    """Somebody sets the clock by a year during a run: there are still two minutes."""
    samples = [s._replace(wall=s.wall + 31_536_000) if s.started > 30 else s for s in checks({}, 90)]
    count = uptime(samples)
    assert (count.total, count.total_high) == (2, 2)


def test_a_gauge_that_leaves_the_page_is_missing() -> None:
    """A page without the gauge is no good check."""
    samples = checks({}, 30)
    samples[5:15] = [sample_at(at, {}) for at in range(5, 15)]
    count = uptime(samples)
    assert (count.total, count.bad, count.bad_high) == (1, 0, 1)
    assert any(reason.startswith("series-vanished:") for reason in count.reasons)


def test_a_gauge_of_other_values_is_refused() -> None:
    """0.5 is neither up nor down."""
    samples = checks({3: 0.5}, 10)
    assert missing(measure(uptime_objective(), {"api": samples}, *cuts(samples))).reason == "indicator"


def test_a_chart_of_slices_shows_the_checks() -> None:
    """Recovery is seen in events, not in minutes."""
    samples = checks({2: 0.0}, 4)
    points = series_over_time(uptime_objective(), {"api": samples}, *cuts(samples))
    assert [(p.instant, p.good, p.total) for p in points] == [(0, 1, 1), (1, 1, 1), (2, 0, 1), (3, 1, 1)]


def test_minutes_without_events_are_said() -> None:
    """No traffic is no failure, and no proof either."""
    process = Process((Request(0.5),))
    samples = scraped(process, range(1, 30))
    objective = good_objective(method="Timeslices", slice_target=Fraction("0.9"))
    count = counted(measure(objective, {"api": samples}, *cuts(samples)))
    assert (count.total, count.bad, count.bad_high) == (1, 0, 1)
    assert count.reasons == ("no-events: 1 of 1 slices had no events",)


def bad_slices(process: Process, start: float, end: float, slice_s: int, target: Fraction) -> int:
    """The truth: bad slices by each request's own time."""
    events: dict[int, list[bool]] = {}
    for request in process.requests:
        if start < request.at <= end:
            events.setdefault(int((EPOCH + request.at) // slice_s), []).append(request.code.startswith("2"))
    return sum(Fraction(sum(good), len(good)) < target for good in events.values())


@given(
    st.builds(Process, requests=st.lists(REQUESTS, max_size=40).map(tuple)),
    SCRAPES,
    st.sampled_from([1, 2, 5, 60]),
    st.sampled_from([Fraction("0.5"), Fraction("0.95"), Fraction(1)]),
)
def test_the_true_number_of_bad_slices_lies_inside(
    process: Process, instants: list[float], slice_s: int, target: Fraction
) -> None:
    """However scrapes fall, the interval of bad slices holds what the requests' own times say."""
    samples = scraped(process, instants)
    objective = good_objective(method="Timeslices", slice_s=slice_s, slice_target=target)
    result = measure(objective, {"api": samples}, *cuts(samples))
    if isinstance(result, Count):
        truth = bad_slices(process, instants[0], instants[-1], slice_s, target)
        assert result.bad_low <= truth <= result.bad_high
        assert result.bad_low <= result.bad <= result.bad_high
        assert result.total <= result.total_high


def ratio_of(process: Process, **changes: object) -> Count:
    samples = scraped(process, range(1, 62, 2))
    objective = good_objective(method="RatioTimeslices", slice_s=60, **changes)
    return counted(measure(objective, {"api": samples}, *cuts(samples)))


def test_a_quiet_slice_weighs_as_much_as_a_busy_one() -> None:
    """One of two requests failed in the first minute, none of a hundred in the second: half a slice is bad."""
    busy = tuple(Request(42.5 + n / 10) for n in range(100))
    count = ratio_of(Process((Request(2.5), Request(4.5, "500"), *busy)))
    assert (count.total, count.bad, count.good) == (2, Fraction(1, 2), Fraction(3, 2))
    assert (count.bad_low, count.bad_high) == (Fraction(1, 2), Fraction(1, 2))
    assert count.sli == 0.75


def test_shares_of_slices_are_exact() -> None:
    """A third and a seventh add up to ten twenty-firsts, and no float is near."""
    thirds = (Request(2.5, "500"), Request(4.5), Request(4.6))
    sevenths = (Request(42.5, "500"), *(Request(44.5 + n / 10) for n in range(6)))
    assert ratio_of(Process((*thirds, *sevenths))).bad == Fraction(10, 21)


def test_slices_of_ratios_of_which_nothing_was_read_may_be_all_bad() -> None:
    """Three minutes without a reading may have been bad for all of their time, the two around them for a part."""
    samples = [*checks({}, 30), *[sample_at(at, {UP: 1.0}) for at in range(230, 260)]]
    count = uptime(samples, method="RatioTimeslices")
    assert (count.total, count.total_high, count.bad) == (2, 5, 0)
    assert 3 < count.bad_high < 5


@given(st.builds(Process, requests=st.lists(REQUESTS, max_size=40).map(tuple)), SCRAPES)
def test_the_mean_of_ratios_lies_within_the_interval(process: Process, scrapes: list[float]) -> None:
    """However requests and scrapes fall, the true sum of the slices' bad shares is inside."""
    samples = scraped(process, scrapes)
    objective = good_objective(method="RatioTimeslices", slice_s=5)
    count = measure(objective, {"api": samples}, *cuts(samples))
    if isinstance(count, Count):
        events: dict[int, list[bool]] = {}
        for request in process.requests:
            if samples[0].started < request.at <= samples[-1].started:
                good = request.code.startswith("2")
                events.setdefault(int((EPOCH + request.at) // 5), []).append(good)
        truth = sum((1 - Fraction(sum(good), len(good)) for good in events.values()), Fraction(0))
        assert count.bad_low <= truth <= count.bad_high
