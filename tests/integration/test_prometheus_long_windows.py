"""Windows of a day: what the server aggregates against the truth, and against a count of every sample.

The samples are not scraped but written into a real server's storage by `promtool tsdb create-blocks-from`, at 30 s:
nobody waits two days for a test. How scraping goes is test_prometheus_truth.py's business.
"""

from __future__ import annotations

import math
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

import pytest

from slochaos.measurement.prometheus import exact
from slochaos.measurement.prometheus.coarse import bad_by_part
from slochaos.measurement.prometheus.evaluation import evaluate, evaluate_with
from slochaos.measurement.prometheus.evidence import gather
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Buckets, Window
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import Counter, Histogram, Indicator, Method, Objective, Samples
from slochaos.spec.selectors import parse
from slochaos.spec.sources import PrometheusSource
from tests.prometheus_servers import Binaries, start_prometheus

EVERY_S = 30.0
HOUR = 3600.0
BEGAN = math.floor(time.time()) - 48 * HOUR


@dataclass
class Written:
    """Samples as OpenMetrics text, and the events that they tell of."""

    lines: dict[str, list[str]] = field(
        default_factory=lambda: {"up": [], "process_start_time_seconds": [], "r": []}
    )
    events: dict[str, list[tuple[float, int, int]]] = field(default_factory=dict)
    """By job: instant, all and bad events."""

    def target(
        self,
        job: str,
        instance: str,
        born: float = BEGAN,
        died: float = BEGAN + 48 * HOUR,
        restarts: tuple[float, ...] = (),
        *,
        tells_start: bool = True,
    ) -> None:
        """A target scraped from `born` to `died`. What it counts between its last scrape and a restart is lost."""
        rng = random.Random(f"{job} {instance}")
        where = f'{{job="{job}",instance="{instance}"'
        ahead, start, good, bad, before = list(restarts), born, 0, 0, born
        at = born + rng.uniform(0, EVERY_S)
        while at < died:
            some, failed = rng.randint(0, 20), rng.randint(1, 50) if rng.random() < 0.01 else 0
            if ahead and ahead[0] < at:
                start, good, bad = ahead.pop(0), 0, 0
                self.events.setdefault(job, []).append((before + 0.001, some + failed, failed))
            else:
                good, bad = good + some, bad + failed
                self.events.setdefault(job, []).append(((before + at) / 2, some + failed, failed))
            self.lines["up"].append(f"up{where}}} 1 {at:.3f}")
            if tells_start:
                self.lines["process_start_time_seconds"].append(
                    f"process_start_time_seconds{where}}} {start} {at:.3f}"
                )
            self.lines["r"] += [
                f'r_total{where},code="{code}"}} {value} {at:.3f}'
                for code, value in (("200", good), ("500", bad))
            ]
            before, at = at, at + EVERY_S

    def left_behind(self, job: str, restarts: tuple[float, ...], quiet_s: float = 100.0) -> None:
        """A target whose failures have a series only once there are some, `quiet_s` after each start.

        Nothing marks the end of a series in backfilled data, nor after a server and its targets went down together:
        for five minutes the server goes on showing what the former process said last.
        """
        where = f'{{job="{job}",instance="a"'
        starts = (BEGAN, *restarts)
        at = BEGAN + 7
        while at < BEGAN + 48 * HOUR:
            start = max(each for each in starts if each < at)
            good, bad = int((at - start) / EVERY_S), 3 * int((at - start - quiet_s) // EVERY_S + 1)
            self.lines["up"].append(f"up{where}}} 1 {at:.3f}")
            self.lines["process_start_time_seconds"].append(
                f"process_start_time_seconds{where}}} {start} {at:.3f}"
            )
            self.lines["r"].append(f'r_total{where},code="200"}} {good} {at:.3f}')
            if bad > 0:
                self.lines["r"].append(f'r_total{where},code="500"}} {bad} {at:.3f}')
            at += EVERY_S

    def text(self) -> str:
        """One series after the other, as promtool wants it."""
        parts = []
        for name, kind in (("up", "gauge"), ("process_start_time_seconds", "gauge"), ("r", "counter")):
            parts += [f"# TYPE {name} {kind}", *sorted(self.lines[name], key=lambda line: line.split(" ")[0])]
        return "\n".join([*parts, "# EOF", ""])

    def truth(self, job: str, window: Window) -> tuple[int, int]:
        """Bad and all events of a window."""
        inside = [event for event in self.events[job] if window.start <= event[0] < window.end]
        return sum(bad for _, _, bad in inside), sum(everything for _, everything, _ in inside)


@pytest.fixture(scope="module")
def written() -> Written:
    """Five services and what became of their pods."""
    found = Written()
    found.target("steady", "a")
    found.target("steady", "b")
    found.target("restarted", "a", restarts=(BEGAN + 11 * HOUR, BEGAN + 31.3 * HOUR))
    found.target("restarted", "b")
    for index in range(6):
        found.target("replaced", f"pod{index}", BEGAN + index * 8 * HOUR, BEGAN + (index + 1) * 8 * HOUR)
    found.target("young", "a", BEGAN + 30 * HOUR)
    found.target("silent about starts", "a", restarts=(BEGAN + 20 * HOUR,), tells_start=False)
    for name, restarts in LEFT_BEHIND.items():
        found.left_behind(name, restarts)
    return found


LEFT_BEHIND = {
    "restarted before an instant that is looked at": (BEGAN + 3 * HOUR + 200 * 42 * HOUR / 500 - 40,),
    "restarted before the end": (BEGAN + 45 * HOUR - 40,),
    "restarted after the start": (BEGAN + 3 * HOUR + 20,),
}
"""Restarts of targets whose old series have no end, by job."""


@pytest.fixture(scope="module")
def server(
    written: Written, prometheus_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusServer]:
    """A server that has all of it."""
    folder = tmp_path_factory.mktemp("prometheus-long")
    text = folder / "samples.txt"
    text.write_text(written.text())
    promtool = prometheus_binaries.path("promtool")
    subprocess.run(
        [promtool, "tsdb", "create-blocks-from", "openmetrics", text, folder / "data"],
        check=True,
        capture_output=True,
    )
    process = start_prometheus(prometheus_binaries, folder)
    try:
        with PrometheusServer(PrometheusSource("long", process.url, timeout_s=60)) as found:
            yield found
    finally:
        process.end()


JOBS = ("steady", "restarted", "replaced", "young", "silent about starts")
WINDOWS = (
    Window(BEGAN + 3 * HOUR, BEGAN + 45 * HOUR),
    Window(BEGAN + 24 * HOUR, BEGAN + 48 * HOUR),
    Window(BEGAN + 8 * HOUR + 7, BEGAN + 32 * HOUR - 7),
    Window(BEGAN - 30 * 24 * HOUR, BEGAN + 48 * HOUR),
)


@pytest.mark.parametrize("window", WINDOWS, ids=["42h", "last day", "replacement at the edge", "30d"])
@pytest.mark.parametrize("job", JOBS)
def test_truth_of_a_long_window_is_in_its_interval(
    server: PrometheusServer, written: Written, job: str, window: Window
) -> None:
    """And the bad events are those that a count of every sample finds, or a few fewer around restarts."""
    [measured] = evaluate(server, [(_objective(job), window)])
    bad, total = written.truth(job, window)
    assert measured.exactness == "aggregated"
    assert isinstance(measured.count, Count), measured.count
    assert measured.count.bad_low <= bad <= measured.count.bad_high, (bad, measured)
    assert measured.count.total_low <= total <= measured.count.total_high, (total, measured)
    assert abs(measured.count.total - total) <= window.length_s / 500
    evidence = gather(server, [(_objective(job).indicator, window)])
    every = exact.measure(evidence, _objective(job), window).count
    assert isinstance(every, Count)
    assert abs(float(every.bad) - float(measured.count.bad)) <= 50 + window.length_s / 5000
    assert math.isinf(every.bad_high) == math.isinf(measured.count.bad_high), (every, measured)


def test_long_window_without_restarts_is_known_to_the_events_at_its_ends(
    server: PrometheusServer, written: Written
) -> None:
    """No function that extrapolates is asked: in doubt are only events between a window's end and its next sample."""
    [measured] = evaluate(server, [(_objective("steady"), WINDOWS[0])])
    count = measured.count
    assert isinstance(count, Count)
    assert count.reasons == ()
    assert count.total_high - count.total_low <= 2 * 4 * 70, "two targets, a minute and a half at each end"
    assert count.bad_low <= written.truth("steady", WINDOWS[0])[0] <= count.bad == count.bad_high


@pytest.mark.parametrize("job", LEFT_BEHIND)
def test_what_a_former_process_said_last_is_not_taken_for_the_new_ones(
    server: PrometheusServer, job: str
) -> None:
    """Where nothing marks its end: neither several processes, nor failures that are counted twice."""
    window = WINDOWS[0]
    [measured] = evaluate(server, [(_objective(job), window)])
    evidence = gather(server, [(_objective(job).indicator, window)])
    every = exact.measure(evidence, _objective(job), window).count
    assert isinstance(every, Count)
    assert isinstance(measured.count, Count), measured.count
    assert abs(float(measured.count.bad) - float(every.bad)) <= 6
    assert measured.count.bad_low <= every.bad


@pytest.mark.parametrize("job", LEFT_BEHIND)
def test_parts_of_a_window_are_counted_though_nothing_marks_the_end_of_a_series(
    server: PrometheusServer, job: str
) -> None:
    """Each part has the failures of its own time."""
    ends = tuple(BEGAN + 3 * HOUR + part * 42 * HOUR / 500 for part in range(501))
    parts = bad_by_part(server, [_objective(job)], ends)[job]
    evidence = gather(server, [(_objective(job).indicator, WINDOWS[0])])
    every = exact.measure(evidence, _objective(job), WINDOWS[0]).count
    assert isinstance(every, Count)
    assert abs(sum(bad for bad, _ in parts) - float(every.bad)) <= 40
    assert max(bad for bad, _ in parts) <= 36


def test_window_longer_than_what_there_is_says_so(server: PrometheusServer) -> None:
    """`observed` begins with the first samples, and a reason says how late that is."""
    [measured] = evaluate(server, [(_objective("steady"), WINDOWS[3])])
    assert isinstance(measured.count, Count)
    assert measured.observed is not None
    assert abs(measured.observed.start - BEGAN) < WINDOWS[3].length_s / 250
    assert any(reason.startswith("starts-late") for reason in measured.count.reasons)


def test_gauge_of_a_long_window_is_counted_by_the_server(server: PrometheusServer) -> None:
    """Each scrape is an event."""
    up = Samples(parse('up{job="steady"}'))
    [measured] = evaluate(server, [(_objective("steady", Indicator(up, good=up)), WINDOWS[0])])
    assert isinstance(measured.count, Count)
    assert abs(measured.count.total - 2 * 42 * HOUR / EVERY_S) <= 2
    assert (measured.count.bad, measured.count.bad_high) == (0, 0)


def _up(job: str) -> Objective:
    up = Samples(parse(f'up{{job="{job}"}}'))
    return _objective(job, Indicator(up, good=up))


def test_gauge_younger_than_the_window_says_so(server: PrometheusServer) -> None:
    """To the scrape with which it begins, though other targets were there before."""
    window = WINDOWS[0]
    young, steady = evaluate(server, [(_up("young"), window), (_up("steady"), window)])
    assert young.observed is not None
    assert 0 <= young.observed.start - (BEGAN + 30 * HOUR) <= EVERY_S
    assert isinstance(young.count, Count)
    assert [reason.partition(":")[0] for reason in young.count.reasons] == ["starts-late"]
    assert steady.observed == window
    assert isinstance(steady.count, Count)
    assert steady.count.reasons == ()


def test_gauge_of_a_server_younger_than_the_window_says_so(server: PrometheusServer) -> None:
    """Two days of thirty, as far as they go."""
    [measured] = evaluate(server, [(_up("steady"), WINDOWS[3])])
    assert measured.observed is not None
    assert 0 <= measured.observed.start - BEGAN <= EVERY_S
    assert measured.observed.end == WINDOWS[3].end


@pytest.mark.parametrize("instance", ["pod0", "pod5"])
def test_gauge_that_ended_or_began_within_the_window_says_so(server: PrometheusServer, instance: str) -> None:
    """A pod of the first eight hours, and one of the last."""
    up = Samples(parse(f'up{{job="replaced",instance="{instance}"}}'))
    window = WINDOWS[0]
    [measured] = evaluate(server, [(_objective("replaced", Indicator(up, good=up)), window)])
    assert measured.observed is not None
    assert isinstance(measured.count, Count)
    word, instant, expected = {
        "pod0": ("ends-early", measured.observed.end, BEGAN + 8 * HOUR),
        "pod5": ("starts-late", measured.observed.start, BEGAN + 40 * HOUR),
    }[instance]
    assert abs(instant - expected) <= EVERY_S
    assert [reason.partition(":")[0] for reason in measured.count.reasons] == [word]


def test_gauge_with_a_hole_within_the_window_says_so(server: PrometheusServer) -> None:
    """Pods of the first and last hours, and nothing in between."""
    up = Samples(parse('up{job="replaced",instance=~"pod0|pod5"}'))
    [measured] = evaluate(server, [(_objective("replaced", Indicator(up, good=up)), WINDOWS[0])])
    assert measured.observed == WINDOWS[0]
    assert isinstance(measured.count, Count)
    [gap] = measured.count.reasons
    assert gap.startswith("gap: the server has nothing of ")
    assert abs(float(gap.split()[-5]) - 32 * HOUR) <= 2 * WINDOWS[0].length_s / 288


def test_buckets_that_are_not_there_are_no_data(server: PrometheusServer) -> None:
    """Also of a long window."""
    (found,) = evaluate_with(server, (), [(Histogram(parse('took_seconds{job="steady"}')), WINDOWS[0])])[1]
    assert isinstance(found, NoData)
    assert found.reason == "no-series"
    assert not isinstance(found, Buckets)


@pytest.mark.parametrize("method", ["Timeslices", "RatioTimeslices"])
@pytest.mark.parametrize("job", JOBS)
def test_slices_of_a_long_window_are_those_of_a_count_of_every_sample(
    server: PrometheusServer, written: Written, job: str, method: Method
) -> None:
    """Within the interval; events near a slice's boundary may be in the slice beside."""
    objective = replace(_objective(job), method=method, slice_s=60, slice_target=Fraction(9, 10))
    window = exact.slices(objective, Window(BEGAN + 9 * HOUR, BEGAN + 41 * HOUR))
    [measured] = evaluate(server, [(objective, window)])
    assert measured.exactness == "aggregated"
    assert isinstance(measured.count, Count), measured.count
    evidence = gather(server, [(objective.indicator, window)])
    every = exact.measure(evidence, objective, window).count
    assert isinstance(every, Count)
    assert measured.count.bad_low <= every.bad <= measured.count.bad_high
    assert abs(float(every.bad) - float(measured.count.bad)) <= 0.2 * float(every.bad) + 5


def _objective(job: str, indicator: Indicator | None = None) -> Objective:
    total, bad = parse(f'r_total{{job="{job}"}}'), parse(f'r_total{{job="{job}",code=~"5.."}}')
    counted = indicator or Indicator(Counter(total), bad=Counter(bad))
    return Objective(job, "", "shop", Fraction(99, 100), "lte", 86_400, "1d", "Occurrences", counted)
