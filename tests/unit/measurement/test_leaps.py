"""Counters that leap further than traffic does."""

from __future__ import annotations

from slochaos.measurement.leaps import leap, leaps
from slochaos.measurement.samples import Sample
from tests.unit.measurement.simulated import cuts, good_objective, sample_at, series


def readings(*counts: int, every_s: float = 0.25) -> list[Sample]:
    """A page of one process at each reading, with these requests in all."""
    counter = series("http_requests_total", code="200")
    return [
        sample_at(n * every_s, {counter: float(value), series("process_start_time_seconds"): 1.0})
        for n, value in enumerate(counts)
    ]


def said(samples: list[Sample]) -> str:
    found = leap(good_objective(), {"api": samples}, *cuts(samples))
    return found.sentence if found else ""


def test_a_leap_is_told_with_its_size_and_place() -> None:
    """A thousand million requests within a quarter of a second, among fifty a second, are said to people."""
    sentence = said(readings(0, 12, 25, 1_000_000_037, 1_000_000_050))

    assert sentence.startswith("success counted 1,000,000,012 events within 250 ms at api, ")
    assert "a counter that leapt" in sentence


def test_a_burst_is_no_leap() -> None:
    """Clients that catch up after a fault come at many times the usual rate, and nothing is said of it."""
    assert said(readings(0, 50, 100, 100, 3_100, 3_150)) == ""


def test_steady_traffic_and_one_reading_are_no_leaps() -> None:
    """Without anything to compare with there is nothing to say."""
    assert said(readings(0, 5_000, 10_000, 15_000)) == ""
    assert said(readings(0, 5_000)) == ""
    assert said(readings(0, 0, 0)) == ""


def test_the_certain_events_of_a_leap_are_counted() -> None:
    """What a counter moved by is certain; a series that appeared at a number may have counted it long before."""
    samples = readings(0, 12, 25, 1_000_000_037, 1_000_000_050)
    assert leaps([good_objective()], {"api": samples}, *cuts(samples)) == {"success": 1_000_000_012}
    steady = readings(0, 12, 25, 37, 50)
    assert leaps([good_objective()], {"api": steady}, *cuts(steady)) == {}
