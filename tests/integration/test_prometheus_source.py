"""What a real Prometheus is asked, and what is made of it: one service, scraped every second, some of it PromQL."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import pytest

from slochaos.errors import SourceError
from slochaos.measurement.prometheus.evaluation import evaluate, evaluate_with, history, over_time
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Buckets, Measured, Window
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import Counter, Histogram, Indicator, Objective, Query, Samples
from slochaos.spec.selectors import parse
from slochaos.spec.sources import PrometheusSource
from tests.known_targets import KnownTarget, known_targets
from tests.prometheus_servers import Binaries, scrape_job, start_prometheus

NAME = "http_requests_total"


@dataclass(frozen=True)
class Lived:
    """A server, the pods that it scraped, and the window in which they had traffic."""

    server: PrometheusServer
    pods: tuple[KnownTarget, ...]
    window: Window

    def truth(self, name: str = NAME, **labels: str) -> float:
        """Events in the window."""
        return sum(pod.truth(self.window.start, self.window.end, name, **labels) for pod in self.pods)

    def measure(self, indicator: Indicator, window: Window | None = None) -> Measured:
        """The indicator over the window, or another one."""
        objective = Objective(
            "o", "", "shop", Fraction(99, 100), "lte", 86_400, "1d", "Occurrences", indicator
        )
        [measured] = evaluate(self.server, [(objective, window or self.window)])
        return measured


@pytest.fixture(scope="module")
def lived(prometheus_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """Eight seconds of two pods: 5xx on one of them, slow answers, a gauge that is 0 for a while."""
    with known_targets() as pages:
        pods = tuple(pages.add(name, time.time() - 100) for name in ("pod1", "pod2"))
        for pod in pods:
            pod.count(NAME, 1000, code="200")
            pod.count(NAME, 3, code="500")
            for took_s in (0.05, 0.2, 2.0):
                pod.observe("took_seconds", took_s)
            pod.gauges["probe_success", ()] = 1.0
        entries = [pages.entry(pod.name) for pod in pods]
        process = start_prometheus(
            prometheus_binaries,
            tmp_path_factory.mktemp("prometheus-source"),
            [dict(scrape_job("shop", []), static_configs=entries)],
        )
        try:
            process.wait_for("count(up == 1) == 2")
            time.sleep(2)
            start = time.time()
            for step in range(40):
                pods[0].count(NAME, 5, code="200")
                pods[1].count(NAME, 2, code="500")
                pods[0].observe("took_seconds", (0.05, 0.2, 0.5)[step % 3])
                pods[1].gauges["probe_success", ()] = float(not 10 <= step < 25)
                time.sleep(0.2)
            end = time.time()
            time.sleep(2.5)
            with PrometheusServer(PrometheusSource("prod", process.url)) as server:
                yield Lived(server, pods, Window(start, end))
        finally:
            process.end()


def _query(total: str, *, good: str = "", bad: str = "") -> Indicator:
    return Indicator(Query(total), Query(good) if good else None, Query(bad) if bad else None)


ALL = f"sum(increase({NAME}[{{{{.window}}}}]))"
BAD = f'sum(increase({NAME}{{code="500"}}[{{{{.window}}}}]))'


def test_counters_are_counted_to_the_event(lived: Lived) -> None:
    """Between the enclosing samples; nothing happened beside the window."""
    counter = Indicator(Counter(parse(NAME)), bad=Counter(parse(f'{NAME}{{code=~"5.."}}')))
    count = lived.measure(counter).count
    assert isinstance(count, Count)
    assert (count.bad, count.total) == (lived.truth(code="500"), lived.truth())
    assert count.contributors[0].bad == 80


def test_query_is_filled_in_with_the_window_and_marked(lived: Lived) -> None:
    """`increase()` is near the truth at best, and nothing tells how near."""
    measured = lived.measure(_query(ALL, bad=BAD))
    assert measured.exactness == "extrapolated"
    assert isinstance(measured.count, Count)
    assert measured.count.reasons[0].startswith("extrapolated")
    assert abs(float(measured.count.bad) - lived.truth(code="500")) <= 0.4 * lived.truth(code="500")


def test_query_of_a_rate_stands_for_the_window(lived: Lived) -> None:
    """Per second, times the seconds of the window."""
    count = lived.measure(_query(f"sum(rate({NAME}[3s]))", bad=f'sum(rate({NAME}{{code="500"}}[3s]))')).count
    assert isinstance(count, Count)
    assert abs(count.total - lived.truth()) <= 0.4 * lived.truth()


def test_query_without_a_range_is_a_counter(lived: Lived) -> None:
    """Its difference counts, not what it stands at."""
    count = lived.measure(_query(f"sum({NAME})", good=f'sum({NAME}{{code="200"}})')).count
    assert isinstance(count, Count)
    assert count.total <= lived.truth() + 20


def test_query_that_looks_back_further_than_the_window_is_refused(lived: Lived) -> None:
    """It would show what was before."""
    found = lived.measure(_query(f"sum(rate({NAME}[5m]))", bad=f"sum(rate({NAME}[5m]))")).count
    assert isinstance(found, NoData)
    assert found.reason == "window-too-short"


@pytest.mark.parametrize(
    ("total", "reason"),
    [
        ("sum(increase(nothing_of_that_name[{{.window}}]))", "no-series"),
        ("sum(increase(up[{{.window}}])) * 0 / 0", "not-a-number"),
        ("vector(1) / 0 + 0 * scalar(count(up offset {{.window}}))", "infinite"),
        ("-sum(count_over_time(up[{{.window}}]))", "negative"),
    ],
)
def test_empty_nan_infinite_and_negative_are_no_data_each_with_its_reason(
    lived: Lived, total: str, reason: str
) -> None:
    """None of them is a number of events."""
    found = lived.measure(_query(total, bad=total)).count
    assert isinstance(found, NoData), found
    assert found.reason == reason


def test_no_series_of_bad_events_are_no_bad_events(lived: Lived) -> None:
    """But no series of good ones are no data: everything would count as bad."""
    nothing = f'sum(increase({NAME}{{code="599"}}[{{{{.window}}}}]))'
    none_bad = lived.measure(_query(ALL, bad=nothing)).count
    assert isinstance(none_bad, Count)
    assert none_bad.bad == 0
    none_good = lived.measure(_query(ALL, good=nothing)).count
    assert isinstance(none_good, NoData)


def test_results_that_differ_in_a_replica_label_are_refused(lived: Lived) -> None:
    """They are one thing, counted twice."""
    twice = f'label_replace({BAD}, "replica", "a", "", "") or label_replace({BAD}, "replica", "b", "", "")'
    found = lived.measure(_query(twice, bad=twice)).count
    assert isinstance(found, NoData)
    assert found.reason == "replica-label"


def test_query_that_does_not_parse_names_what_is_wrong(lived: Lived) -> None:
    """In the server's words."""
    with pytest.raises(SourceError, match="parse error"):
        lived.measure(_query("sum(", bad="sum("))


def test_gauge_counts_each_scrape_of_the_window(lived: Lived) -> None:
    """Good where it is 1, bad where it is 0."""
    probe = Samples(parse("probe_success"))
    count = lived.measure(Indicator(probe, good=probe)).count
    assert isinstance(count, Count)
    assert abs(count.total - 2 * lived.window.length_s) <= 2
    assert abs(float(count.bad) - 3) <= 1, "three seconds on one of two pods"


def test_buckets_are_the_observations_by_bound(lived: Lived) -> None:
    """Cumulative, of all pods together, and exact where nothing happened beside the window."""
    (found,) = evaluate_with(lived.server, (), [(Histogram(parse("took_seconds")), lived.window)])[1]
    assert isinstance(found, Buckets)
    assert found.bounds == (0.1, 0.3, 1.0, float("inf"))
    truth = [lived.truth("took_seconds_bucket", le=le) for le in ("0.1", "0.3", "1")]
    assert list(found.points) == [*truth, lived.truth("took_seconds_count")]
    assert all(low <= point <= high for point, (low, high) in zip(found.points, found.counts, strict=True))


def test_events_over_time_add_up_to_the_count(lived: Lived) -> None:
    """From scrape to scrape, oldest first."""
    indicator = Indicator(Counter(parse(NAME)), bad=Counter(parse(f'{NAME}{{code="500"}}')))
    objective = Objective("o", "", "shop", Fraction(99, 100), "lte", 86_400, "1d", "Occurrences", indicator)
    points = over_time(lived.server, objective, lived.window)
    assert sum(point.total - point.good for point in points) == lived.truth(code="500")
    assert [point.instant for point in points] == sorted(point.instant for point in points)


def test_history_has_a_page_for_each_scrape(lived: Lived) -> None:
    """One source per pod, named by job and instance."""
    indicator = Indicator(Counter(parse(NAME)), bad=Counter(parse(f'{NAME}{{code="500"}}')))
    objective = Objective("o", "", "shop", Fraction(99, 100), "lte", 86_400, "1d", "Occurrences", indicator)
    pages = history(lived.server, [objective], lived.window)
    assert set(pages) == {"shop/pod1", "shop/pod2"}
    assert all(len([s for s in samples if s.is_page]) >= 8 for samples in pages.values())
    assert all(0.0 <= s.finished - s.started < 1.0 for samples in pages.values() for s in samples)


def test_targets_tell_where_the_pages_are(lived: Lived) -> None:
    """So that an abort watch can read them itself."""
    found = {target.labels["instance"]: target for target in lived.server.targets()}
    assert found["pod1"].scrape_url.endswith("/pod1/metrics")
    assert (found["pod1"].health, found["pod1"].interval_s, found["pod1"].timeout_s) == ("up", 1.0, 1.0)


def test_server_tells_its_clock_retention_labels_and_version(lived: Lived) -> None:
    """What discovery and doctor look at."""
    server, window = lived.server, lived.window
    assert abs(server.clock().skew_s) <= server.clock().uncertainty_s + 0.05
    assert server.retention_s() == 15 * 86_400
    assert server.label_values("instance", ["up"]) == ("pod1", "pod2")
    assert {each["code"] for each in server.series([NAME], window.start, window.end)} == {"200", "500"}
    assert server.build().flags["storage.tsdb.retention.time"] in ("0s", "15d")
    assert server.build().version


@pytest.mark.parametrize("days", [1, 30])
def test_window_of_days_on_a_server_that_is_seconds_old_is_what_it_has(lived: Lived, days: int) -> None:
    """And `observed` says so, to the second: everybody's first ten minutes."""
    window = Window(lived.window.end - days * 86_400, lived.window.end)
    counter = Indicator(Counter(parse(NAME)), bad=Counter(parse(f'{NAME}{{code="500"}}')))
    measured = lived.measure(counter, window)
    assert isinstance(measured.count, Count)
    ever = sum(pod.truth(window.start, window.end, NAME) for pod in lived.pods)
    assert measured.count.total == ever, (
        "the pods' processes began within the window, so they count from zero"
    )
    assert measured.observed is not None
    assert abs(measured.observed.length_s - lived.window.length_s - 3) <= 4
    assert any(reason.startswith("starts-late") for reason in measured.count.reasons)


def test_window_of_the_future_is_no_data_but_not_a_failure(lived: Lived) -> None:
    """Nothing has been counted there."""
    later = Window(lived.window.end + 3600, lived.window.end + 3700)
    counter = Indicator(Counter(parse(NAME)), bad=Counter(parse(f'{NAME}{{code="500"}}')))
    found = lived.measure(counter, later).count
    assert isinstance(found, NoData)
    assert found.reason == "no-series"


def test_window_that_ends_before_it_starts_is_no_data(lived: Lived) -> None:
    """With its reason."""
    counter = Indicator(Counter(parse(NAME)), bad=Counter(parse(f'{NAME}{{code="500"}}')))
    found = lived.measure(counter, Window(lived.window.end, lived.window.start)).count
    assert isinstance(found, NoData)
    assert found.reason == "no-window"
