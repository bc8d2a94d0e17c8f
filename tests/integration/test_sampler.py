"""Sampling real pages over time: schedule, history, file."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
import time
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Counter, ProcessCollector

from slochaos import clock
from slochaos.errors import SourceError, StateError
from slochaos.measurement.counting import measure
from slochaos.measurement.phases import cut_after, cut_before
from slochaos.measurement.samplefile import SampleFile
from slochaos.measurement.sampler import Sampler
from slochaos.measurement.samples import Count, Sample
from slochaos.spec.environment import Environment
from slochaos.spec.sources import ScrapeSource
from tests.api_success import SUCCESS
from tests.integration.metrics_pages import bad_server, hang, metrics_page, whole


def environment(*sources: ScrapeSource) -> Environment:
    return Environment("test", Path("test.yaml"), sources=sources, objectives=(SUCCESS,))


class System:
    """A page whose requests are also kept in a log of their own, cut by time."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.counter = Counter("http_requests", "Requests.", ["code"], registry=self.registry)
        self.log: list[tuple[float, float, str]] = []

    def request(self, code: str) -> None:
        before = clock.now()
        self.counter.labels(code).inc()
        self.log.append((before, clock.now(), code))


def test_counts_between_cuts_equal_an_independent_log() -> None:
    """Requests that surely fell between two cuts are all counted, and none that surely did not."""
    system = System()
    with metrics_page(system.registry) as url:
        sampler = Sampler(environment(ScrapeSource("api", url, 0.05)))
        sampler.start()
        try:
            ended = threading.Event()

            def traffic() -> None:
                for n in range(100_000):
                    system.request("500" if n % 7 == 0 else "200")
                    if ended.wait(0.002):
                        return

            thread = threading.Thread(target=traffic)
            thread.start()
            time.sleep(0.2)
            assert sampler.sample_now()
            start = cut_before(sampler.history, clock.now())
            time.sleep(0.5)
            until = clock.now()
            assert sampler.sample_now()
            end = cut_after(sampler.history, until)
            ended.set()
            thread.join()
        finally:
            sampler.stop()
    assert start is not None
    assert end is not None
    count = measure(SUCCESS, sampler.history, start, end)
    assert isinstance(count, Count)
    assert (count.bad_low, count.bad_high) == (count.bad, count.bad)
    surely = [c for a, b, c in system.log if start.finished <= a and b <= end.started]
    possibly = [c for a, b, c in system.log if start.started <= b and a <= end.finished]
    assert len(surely) <= count.total <= len(possibly)
    assert surely.count("500") <= count.bad <= possibly.count("500")
    assert count.total > 50


def test_a_source_that_hangs_does_not_hold_up_another() -> None:
    """Each source has its own schedule; a failed reading is a sample that says why."""
    system = System()
    with metrics_page(system.registry) as url, bad_server(hang) as dead:
        sampler = Sampler(environment(ScrapeSource("api", url, 0.1), ScrapeSource("dead", dead, 0.1)))
        sampler.start()
        try:
            for _ in range(100):
                if sampler.history["dead"]:
                    break
                time.sleep(0.1)
        finally:
            sampler.stop()
    history = sampler.history
    assert "no complete answer" in history["dead"][0].failure
    during = [s for s in history["api"] if s.finished <= history["dead"][0].finished]
    assert len(during) >= 5
    assert not any(s.failure for s in during)


def test_a_slow_page_does_not_shift_the_schedule() -> None:
    """Readings are a period apart, not a period and a page."""

    def slowly(connection: socket.socket) -> None:
        time.sleep(0.12)
        whole(b"http_requests_total 1\n")(connection)

    with bad_server(slowly) as url:
        sampler = Sampler(environment(ScrapeSource("api", url, 0.25)))
        sampler.start()
        try:
            time.sleep(1.6)
        finally:
            sampler.stop()
    starts = [s.started for s in sampler.history["api"]]
    assert median(later - earlier for earlier, later in pairwise(starts)) < 0.31


def test_sample_now_waits_for_samples_that_start_after_the_call() -> None:
    """Asked beside a slow schedule, the sample is there when the call returns."""
    system = System()
    with metrics_page(system.registry) as url:
        sampler = Sampler(environment(ScrapeSource("api", url, 60.0)))
        assert not sampler.sample_now(timeout_s=0.01)  # not started: nothing comes
        sampler.start()
        try:
            for _ in range(3):
                asked = clock.now()
                assert sampler.sample_now()
                assert sampler.history["api"][-1].started >= asked
        finally:
            sampler.stop()
            sampler.stop()
    assert 3 <= len(sampler.history["api"]) <= 5


def test_a_reading_asked_for_takes_no_scheduled_one_away() -> None:
    """Else the first sample after an injection, right before which one is asked for, comes a period late."""
    system, period_s = System(), 0.8
    with metrics_page(system.registry) as url:
        sampler = Sampler(environment(ScrapeSource("api", url, period_s)))
        sampler.start()
        try:
            assert sampler.sample_now()
            first = sampler.history["api"][0].started
            time.sleep(max(0.0, first + 0.1 * period_s - clock.now()))
            assert sampler.sample_now()
            time.sleep(max(0.0, first + 1.5 * period_s - clock.now()))
        finally:
            sampler.stop()
    in_periods = [(sample.started - first) / period_s for sample in sampler.history["api"]]
    assert any(0.95 < each < 1.4 for each in in_periods), in_periods


def test_history_is_a_snapshot() -> None:
    """What was handed out does not change while sampling goes on."""
    system = System()
    with metrics_page(system.registry) as url:
        sampler = Sampler(environment(ScrapeSource("api", url, 0.05)))
        sampler.start()
        try:
            assert sampler.sample_now()
            before = sampler.history
            length = len(before["api"])
            assert sampler.sample_now()
            assert len(before["api"]) == length < len(sampler.history["api"])
        finally:
            sampler.stop()


def test_no_source_is_an_error_with_a_way_out() -> None:
    """Nothing to read is said before anything starts."""
    with pytest.raises(SourceError, match="no source"):
        Sampler(environment()).start()


def restored(path: Path) -> list[tuple[str, float, dict[str, float]]]:
    """Every sample of a file with all its values, from the lines' differences."""
    names: dict[str, str] = {}
    state: dict[str, dict[str, float]] = {}
    samples = []
    for text in path.read_text().splitlines():
        line: dict[str, Any] = json.loads(text)
        if "series" in line:
            names.update(line["series"])
            continue
        values = state.setdefault(line["source"], {})
        values.update({names[number]: value for number, value in line["values"].items()})
        for number in line.get("gone", []):
            del values[names[str(number)]]
        samples.append((line["source"], line["started"], {} if "failure" in line else dict(values)))
    return samples


def test_the_file_holds_every_sample(tmp_path: Path) -> None:
    """samples.ndjson gives back all values of all samples, and is readable by its owner only."""
    system = System()
    path = tmp_path / "samples.ndjson"
    with metrics_page(system.registry) as url:
        sampler = Sampler(environment(ScrapeSource("api", url, 0.05)), path)
        sampler.start()
        try:
            for code in ("200", "500", "200"):
                system.request(code)
                assert sampler.sample_now()
        finally:
            sampler.stop()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    expected = [
        ("api", s.started, {_text(key): value for key, value in s.values.items()})
        for s in sampler.history["api"]
    ]
    assert restored(path) == expected
    assert (sampler.dropped, sampler.write_error) == (0, "")


def _text(series: tuple[str, tuple[tuple[str, str], ...]]) -> str:
    inside = ",".join(f'{key}="{value}"' for key, value in series[1])
    return f"{series[0]}{{{inside}}}"


def test_a_file_that_cannot_be_made_is_an_error_before_sampling(tmp_path: Path) -> None:
    """A missing folder, or a link in the file's place, is said at the start."""
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for path in (tmp_path / "missing" / "samples.ndjson", tmp_path / "link"):
        sampler = Sampler(environment(ScrapeSource("api", "http://127.0.0.1:1/metrics")), path)
        with pytest.raises(StateError, match="cannot be written"):
            sampler.start()


def test_a_full_disk_ends_the_file_and_not_the_sampling() -> None:
    """/dev/full refuses every write: the error is kept, offers go on."""
    if not os.path.exists("/dev/full"):  # noqa: PTH110 - only Linux has it
        return
    file = SampleFile(Path("/dev/full"))
    for at in range(10):
        file.offer(Sample("api", at, at, at, {("x", ()): float(at)}))
    file.close()
    assert "not written any more" in file.error
    assert file.dropped == 0
