"""Raw samples put back together as pages: whose they are, when they were made, and what is missing at the ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import pytest

from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.evidence import Picked
from slochaos.measurement.prometheus.exact import measure, slices
from slochaos.measurement.prometheus.pages import compose
from slochaos.measurement.prometheus.windows import Measured, Window
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import Counter, Indicator, Objective, Samples
from slochaos.spec.selectors import parse

WINDOW = Window(1_700_000_100.0, 1_700_000_160.0)
NOW = WINDOW.end + 1000
NAME = "r_total"


class Kept:
    """Raw samples as a source of evidence."""

    now = NOW
    warnings: tuple[str, ...] = ()

    def __init__(self, raw: Sequence[RawSeries], *warnings: str) -> None:
        self.raw = list(raw)
        self.warnings = warnings

    def of(self, indicator: Indicator, window: Window) -> Picked:
        """All of them."""
        return Picked(self.raw, [])


def target(
    values: Sequence[float | None],
    *,
    begin: float = 80.0,
    start: float | None = 0.0,
    instance: str = "a",
    **labels: str,
) -> list[RawSeries]:
    """A target scraped every 10 s from `begin` on (seconds after 1.7e9). None: the scrape failed.

    `start`: its process start; None if it does not tell.
    """
    where = {"job": "api", "instance": instance, **labels}
    times = [1_700_000_000.0 + begin + 10 * index for index in range(len(values))]
    good = [at for at, value in zip(times, values, strict=True) if value is not None]
    raw = [
        RawSeries("up", where, times, [float(value is not None) for value in values]),
        RawSeries(NAME, {**where, "code": "500"}, good, [value for value in values if value is not None]),
    ]
    if start is not None:
        raw.append(
            RawSeries("process_start_time_seconds", where, good, [1_700_000_000.0 + start] * len(good))
        )
    return raw


def objective(indicator: Indicator | None = None, **more: object) -> Objective:
    """All events of the counter are bad."""
    counter = Counter(parse(f'{NAME}{{job="api"}}'))
    counted = indicator or Indicator(counter, bad=counter)
    fixed = ("o", "", "shop", Fraction(99, 100), "lte", 86_400, "1d")
    return Objective(*fixed, indicator=counted, **{"method": "Occurrences", **more})  # type: ignore[arg-type]


def measured(raw: Sequence[RawSeries], *warnings: str, window: Window = WINDOW) -> Measured:
    """The objective over the window."""
    return measure(Kept(raw, *warnings), objective(), window)


def count(raw: Sequence[RawSeries]) -> Count:
    """The same, where there is data."""
    found = measured(raw).count
    assert isinstance(found, Count), found
    return found


def reasons(found: Count) -> set[str]:
    """Their stable words."""
    return {reason.partition(":")[0] for reason in found.reasons}


def test_events_between_the_enclosing_samples_are_counted() -> None:
    """From the last page complete by the start to the first one begun after the end; the edges are in doubt."""
    found = count(target([0, 1, 3, 7, 15, 31, 63, 127, 255, 511]))
    assert (found.bad, found.bad_low, found.bad_high) == (255 - 1, 127 - 3, 254)


def test_window_without_events_at_its_edges_is_exact() -> None:
    """Nothing is in doubt where nothing happened."""
    assert measured(target([5, 5, 5, 7, 9, 9, 9, 9, 9, 9])).exactness == "exact"


def test_page_is_made_after_its_timestamp() -> None:
    """One that was begun before the window and made within is no page of before."""
    raw = target([0, 0, 10, 10, 10, 10, 10, 10, 10, 10], begin=79.9)
    where = {"job": "api", "instance": "a"}
    slow = RawSeries("scrape_duration_seconds", where, raw[0].times, [0.2] * 10)
    assert count([*raw, slow]).bad == 10
    assert count(raw).bad == 0


def test_failed_scrapes_of_one_process_lose_nothing() -> None:
    """The process start proves that it is the same one."""
    found = count(target([0, 0, 0, None, None, None, 6, 6, 6, 6]))
    assert (found.bad, found.bad_high) == (6, 6)
    assert reasons(found) == {"source-down"}


def test_failed_scrapes_of_an_unknown_process_may_hide_a_restart() -> None:
    """No upper end."""
    assert math.isinf(count(target([0, 0, 0, None, None, None, 6, 6, 6, 6], start=None)).bad_high)


def test_pod_that_began_in_the_window_counts_from_zero() -> None:
    """Its process start is later than the last sample before the window could be."""
    found = count([*target([5] * 10), *target([4, 6, 6, 6, 6], begin=130, start=125, instance="new")])
    assert (found.bad, found.bad_high) == (6, 6)


def test_target_that_is_found_late_counts_from_its_first_page_on() -> None:
    """What it had counted before is at most in the window."""
    found = count([*target([5] * 10), *target([1000, 1002, 1002, 1002, 1002], begin=130, instance="late")])
    assert (found.bad, found.bad_low, found.bad_high) == (2, 2, 1002)
    assert reasons(found) == {"late"}


def test_target_that_is_found_late_and_hides_its_start_has_no_upper_end() -> None:
    """Another process may have counted before it."""
    late = target([1000, 1002, 1002, 1002, 1002], begin=130, instance="late", start=None)
    assert math.isinf(count([*target([5] * 10), *late]).bad_high)


def test_target_that_ends_in_the_window_has_no_upper_end() -> None:
    """What it counted after its last page went with it."""
    found = count([*target([5] * 10), *target([1, 1, 1, 4], instance="old")])
    assert (found.bad, found.bad_high) == (3, math.inf)
    assert reasons(found) == {"series-vanished"}


def test_target_that_was_gone_before_the_window_does_not_matter() -> None:
    """Its next scrape would have been before the window too."""
    found = count([*target([5] * 10), *target([1, 2, 3], begin=50, instance="old")])
    assert (found.bad, found.bad_high) == (0, 0)


def test_target_that_began_after_the_window_does_not_matter() -> None:
    """Its process did not run yet."""
    found = count([*target([5] * 40), *target([9, 9, 9], begin=300, start=290, instance="new")])
    assert (found.bad, found.bad_high) == (0, 0)


def test_target_down_at_the_windows_end_is_read_when_it_is_up_again() -> None:
    """The step is longer, and in doubt; nothing is lost."""
    found = count(target([0, 0, 0, 1, 1, 1, 1, None, None, None, 8, 8]))
    assert (found.bad, found.bad_low, found.bad_high) == (8, 1, 8)


def test_target_that_never_comes_back_has_no_upper_end() -> None:
    """Its process may have gone on counting."""
    found = count(target([0, 0, 0, 1, 1, None, None, None, None, None]))
    assert (found.bad, found.bad_high) == (1, math.inf)


def test_window_that_is_not_over_ends_with_the_newest_samples() -> None:
    """The next scrape is still to come: what it will show is not lost."""
    evidence = Kept(target([0, 0, 0, 1, 1, 1]))
    evidence.now = WINDOW.start + 35
    found = measure(evidence, objective(), WINDOW)
    assert isinstance(found.count, Count)
    assert (found.count.bad, found.count.bad_high) == (1, 1)
    assert found.observed is not None
    assert found.observed.end < WINDOW.end


def test_server_that_has_nothing_from_the_start_says_what_is_covered() -> None:
    """A window longer than what was observed is never silently short."""
    found = measured(target([5, 6, 7, 8, 9], begin=130)).count
    assert isinstance(found, Count)
    assert {"late", "starts-late"} <= reasons(found)
    assert found.bad_high == 8


def test_replicas_are_refused() -> None:
    """Every event would count twice."""
    pair = [*target([5] * 10, replica="a"), *target([5] * 10, replica="b")]
    found = measured(pair).count
    assert isinstance(found, NoData)
    assert found.reason == "replica-label"


def test_recorded_series_without_an_up_are_read_at_their_own_times() -> None:
    """A recording rule's counter has no target."""
    times = [1_700_000_080.0 + 10 * index for index in range(10)]
    recorded = RawSeries(NAME, {"job": "api"}, times, [0, 0, 0, 4, 4, 4, 4, 4, 4, 4])
    found = count([recorded])
    assert (found.bad, found.bad_high) == (4, 4)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_counter_that_is_no_number_is_a_failed_page(value: float) -> None:
    """As on any page; the next one counts."""
    found = count(target([0, 0, 0, value, 5, 5, 5, 5, 5, 5]))
    assert (found.bad, found.bad_high) == (5, 5)
    assert "source-down" in reasons(found)


def test_up_as_an_indicator_counts_failed_scrapes_as_bad() -> None:
    """It is a gauge like others."""
    ups = [each for each in target([1, 1, 1, None, None, 1, 1, 1, 1, 1]) if each.name == "up"]
    up = Samples(parse("up"))
    found = measure(Kept(ups), objective(Indicator(up, good=up)), WINDOW).count
    assert isinstance(found, Count)
    assert (found.total, found.bad, found.bad_high) == (6, 2, 2)


def test_scrapes_that_failed_are_missing_events_of_a_gauge() -> None:
    """They may have been bad."""
    where = {"job": "api", "instance": "a"}
    raw = target([1, 1, 1, None, None, 1, 1, 1, 1, 1])
    probe = RawSeries("probe_success", where, raw[1].times, [1.0] * len(raw[1].times))
    gauge = Samples(parse("probe_success"))
    found = measure(Kept([raw[0], probe]), objective(Indicator(gauge, good=gauge)), WINDOW).count
    assert isinstance(found, Count)
    assert (found.total, found.total_high, found.bad, found.bad_high) == (4, 6, 0, 2)


def test_partial_answer_has_no_upper_end() -> None:
    """What the server did not say may hold more."""
    found = measured(target([5] * 10), "store b is down")
    assert found.warnings == ("store b is down",)
    assert isinstance(found.count, Count)
    assert math.isinf(found.count.bad_high)
    assert reasons(found.count) == {"partial-answer"}


def test_objective_in_slices_is_asked_over_whole_slices() -> None:
    """Those that the window touches."""
    minutes = objective(method="Timeslices")
    assert slices(minutes, Window(59.0, 121.0)) == Window(0.0, 180.0)
    assert slices(objective(), Window(59.0, 121.0)) == Window(59.0, 121.0)


def test_slices_are_those_of_the_window_only() -> None:
    """Enclosing samples lie in the slices beside, which are not meant."""
    window = Window(1_700_000_100.0 // 60 * 60, 1_700_000_100.0 // 60 * 60 + 60)
    found = measure(
        Kept(target([0, 0, 0, 9, 9, 9, 9, 9, 9, 9], begin=20)), objective(method="Timeslices"), window
    ).count
    assert isinstance(found, Count)
    assert found.total_high == 1


def test_sources_of_one_name_are_told_apart() -> None:
    """Two targets may share job and instance and differ in another label."""
    pair = [*target([5] * 10, zone="a"), *target([5] * 10, zone="b")]
    assert set(compose(pair, WINDOW, NOW)) == {"api/a", "api/a (2)"}
