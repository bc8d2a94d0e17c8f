"""Following a real Prometheus while time goes on: its samples in our clock, and its targets' own pages."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from slochaos import clock
from slochaos.measurement.counting import measure
from slochaos.measurement.phases import Cut
from slochaos.measurement.sampler import Sampler
from slochaos.measurement.samples import Count, NoData
from slochaos.measurement.watch import since
from slochaos.spec.environment import Environment
from slochaos.spec.sources import PrometheusSource
from tests.api_success import SUCCESS
from tests.guarded import wait_until
from tests.known_targets import KnownTarget, KnownTargets
from tests.prometheus_servers import Binaries, ServerProcess, scrape_job, start_prometheus

WITHIN_S = 20.0


@pytest.fixture
def server(prometheus_binaries: Binaries, targets: KnownTargets, tmp_path: Path) -> Iterator[ServerProcess]:
    """A Prometheus that scrapes the target pod1 each second, and others by the files `more/*.json`."""
    pod = targets.add("pod1", started=time.time())
    pod.count("http_requests_total", 100, code="200")
    pod.count("http_requests_total", 0, code="500")
    (tmp_path / "more").mkdir()
    found = {"files": [str(tmp_path / "more/*.json")], "refresh_interval": "1s"}
    job = {
        **scrape_job("api", []),
        "static_configs": [targets.entry("pod1")],
        "file_sd_configs": [found],
    }
    started = start_prometheus(prometheus_binaries, tmp_path / "server", [job])
    try:
        started.wait_for("http_requests_total")
        yield started
    finally:
        started.end()


@contextmanager
def sampling(server: ServerProcess, watch_s: float | None = 0.1, timeout_s: float = 5.0) -> Iterator[Sampler]:
    """A sampler of the server that has begun to show something."""
    source = PrometheusSource("prometheus", server.url, timeout_s=timeout_s, watch_s=watch_s)
    sampler = Sampler(Environment("test", Path("test.yaml"), sources=(source,), objectives=(SUCCESS,)))
    sampler.start()
    try:
        assert wait_until(lambda: bool(sampler.history), WITHIN_S), sampler.troubles
        yield sampler
    finally:
        sampler.stop()


def pod_of(targets: KnownTargets) -> KnownTarget:
    return targets.targets["pod1"]


def cut_after(sampler: Sampler, instant: float) -> Cut:
    """The first samples after `instant`, once they are there."""
    found: list[Cut] = []

    def look() -> bool:
        cut = sampler.cut_after(instant)
        found.extend([cut] if cut else [])
        return bool(found)

    assert wait_until(look, WITHIN_S)
    return found[0]


def cut_before(sampler: Sampler, instant: float) -> Cut:
    cut = sampler.cut_before(instant)
    assert cut is not None
    return cut


def counted(count: Count | NoData) -> Count:
    assert isinstance(count, Count), count
    return count


def test_events_between_two_scrapes_are_counted_exactly(server: ServerProcess, targets: KnownTargets) -> None:
    """A burst between a cut before it and a cut after it is charged to the last event, and nothing else is."""
    pod = pod_of(targets)
    with sampling(server) as sampler:
        begun = clock.now()
        start = cut_before(sampler, begun)
        pod.count("http_requests_total", 40, code="200")
        pod.count("http_requests_total", 7, code="500")
        end = cut_after(sampler, clock.now())
        count = counted(measure(SUCCESS, sampler.history, start, end))
    assert (count.total, count.bad) == (47, 7)
    assert (count.bad_low, count.bad_high) == (7, 7)
    assert start.finished <= begun <= end.started


def test_the_targets_own_pages_show_what_the_server_has_not_scraped_yet(
    server: ServerProcess, targets: KnownTargets
) -> None:
    """The abort watch reads targets at their own addresses, and detection takes that period, not the scrape's."""
    with sampling(server) as sampler:
        assert wait_until(lambda: "own pages" in sampler.choose_watch()[0])
        start = sampler.watched
        assert start["api/pod1"][-1].values.keys() == sampler.history["api/pod1"][-1].values.keys()
        assert sampler.detection_s < sampler.resolution_s == 1.0
        begin = sampler.cut_before(clock.now())
        assert begin is not None
        pod_of(targets).count("http_requests_total", 5, code="500")
        watch = since([SUCCESS], start, Cut(clock.now(), {n: s[-1] for n, s in start.items()}))
        assert sampler.sample_now()
        assert counted(watch.newest(sampler.watched)["success"]).bad == 5


@pytest.mark.parametrize("watch_s", [None, 0.1])
def test_without_direct_pages_the_servers_samples_are_watched(
    server: ServerProcess, targets: KnownTargets, watch_s: float | None
) -> None:
    """Where the watch is off, or a target shows something else here, its reason and the slower detection are said."""
    with sampling(server, watch_s) as sampler:
        if watch_s is not None:
            assert wait_until(lambda: "own pages" in sampler.choose_watch()[0])
            pod_of(targets).failing = True
            assert sampler.sample_now()
        [said] = sampler.choose_watch()
        why = "watch is off" if watch_s is None else "cannot be read from here (status 500)"
        assert why in said
        assert "scraped every 1 s" in said
        assert sampler.watched == sampler.history
        assert sampler.detection_s > 1.0


def test_a_pod_that_comes_during_the_fault_is_counted(
    server: ServerProcess, targets: KnownTargets, tmp_path: Path
) -> None:
    """A new target's events since its start belong to the phase, though the phase began without it."""

    with sampling(server, None) as sampler:
        start = cut_before(sampler, clock.now())
        pod = targets.add("pod2", started=time.time())
        pod.count("http_requests_total", 30, code="200")
        pod.count("http_requests_total", 3, code="500")
        (tmp_path / "more/pod2.json").write_text(json.dumps([targets.entry("pod2")]))
        assert wait_until(lambda: "api/pod2" in sampler.history, WITHIN_S)
        end = cut_after(sampler, clock.now())
        count = counted(measure(SUCCESS, sampler.history, start, end))
    assert (count.total, count.bad) == (33, 3)
    assert count.bad_high == 3


def test_a_pod_that_goes_leaves_the_upper_end_open(
    server: ServerProcess, targets: KnownTargets, tmp_path: Path
) -> None:
    """What a target counted after its last scrape is unknown: the charge says so instead of leaving it out."""

    pod = targets.add("pod2", started=time.time())
    pod.count("http_requests_total", 30, code="200")
    entry = tmp_path / "more/pod2.json"
    entry.write_text(json.dumps([targets.entry("pod2")]))
    server.wait_for('http_requests_total{instance="pod2"}')
    with sampling(server, None) as sampler:
        assert wait_until(lambda: "api/pod2" in sampler.history, WITHIN_S)
        start = cut_before(sampler, clock.now())
        pod.count("http_requests_total", 4, code="200")
        cut_after(sampler, clock.now())
        entry.write_text("[]")
        assert wait_until(lambda: bool(sampler.history["api/pod2"][-1].absent), WITHIN_S)
        end = cut_after(sampler, clock.now())
        count = counted(measure(SUCCESS, sampler.history, start, end))
    assert count.total == 4
    assert count.bad_high == float("inf")
    assert any(reason.startswith("series-vanished") for reason in count.reasons)


def test_a_server_that_hangs_is_said_and_caught_up_with(server: ServerProcess, targets: KnownTargets) -> None:
    """While it answers nothing the history stands still and the trouble is named; afterwards nothing is missing."""
    with sampling(server, None, timeout_s=0.5) as sampler:
        start = cut_before(sampler, clock.now())
        server.stop()
        try:
            assert wait_until(lambda: bool(sampler.troubles), WITHIN_S)
            assert "within" in sampler.troubles["prometheus"]
            pod_of(targets).count("http_requests_total", 9, code="500")
        finally:
            server.go_on()
        end = cut_after(sampler, clock.now())
        assert not sampler.troubles
        count = counted(measure(SUCCESS, sampler.history, start, end))
    assert count.bad == 9


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Nothing is raised on the thread: whoever asks gets the address and what is wrong with it."""
    source = PrometheusSource("prometheus", "http://127.0.0.1:1")
    sampler = Sampler(Environment("test", tmp_path, sources=(source,), objectives=(SUCCESS,)))
    sampler.start()
    try:
        assert sampler.sample_now()
        assert "127.0.0.1:1" in sampler.troubles["prometheus"]
        assert sampler.cut_before(clock.now()) is None
    finally:
        sampler.stop()
