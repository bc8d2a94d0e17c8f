"""What is known of a fault's own events when its phase is cut beside it."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.measurement.counting import measure
from slochaos.measurement.dilution import Asked
from slochaos.measurement.samples import Count
from slochaos.verdict.bounds import at_most
from tests.unit.measurement.simulated import (
    SCRAPES,
    Process,
    Request,
    counted,
    cuts,
    good_objective,
    sample_at,
    scraped,
    series,
    uptime_objective,
)

FAULT = Asked(4.0, 8.0, usual_per_s=50.0)


def steady(per_s: int, until: float, codes: dict[tuple[float, float], str]) -> list[Request]:
    """Requests at a constant pace from 0 on; those of a span of time get its code."""
    instants = [n / per_s + 0.0005 for n in range(int(until * per_s))]
    found = {at: code for at in instants for (begin, end), code in codes.items() if begin <= at < end}
    return [Request(at, found.get(at, "200")) for at in instants]


def failing(begin: float = FAULT.begin, end: float = FAULT.end, until: float = 20.0) -> Process:
    """A process that fails all requests for as long as the fault lasts."""
    return Process(tuple(steady(50, until, {(begin, end): "500"})))


def of_fault(process: Process, instants: list[float], asked: Asked | None = FAULT) -> Count:
    """What is counted between the first and the last of these readings."""
    samples = scraped(process, instants)
    return counted(measure(good_objective(), {"api": samples}, *cuts(samples), asked))


def words(count: Count) -> set[str]:
    return {reason.partition(":")[0] for reason in count.reasons}


def test_healthy_traffic_beside_the_fault_is_no_evidence_for_it() -> None:
    """With one step from before the fault to long after it nothing good is known to have been in it."""
    count = of_fault(failing(), [3.0, 11.0])

    assert (count.total, count.bad) == (400, 200)
    assert count.total_low == 200
    assert at_most(count) == 1.0
    assert words(count) >= {"diluted"}


def test_long_scrapes_dilute_as_outages_do() -> None:
    """Scrapes every 15 s by configuration around a fault of 20 s: what is known to be of it is the step inside."""
    fault = Asked(14.0, 34.0, usual_per_s=50.0)
    count = of_fault(failing(16.0, 18.0, until=50.0), [0.0, 15.0, 30.0, 45.0], fault)

    assert (count.total, count.bad) == (2250, 100)
    assert count.total_low == 750
    assert words(count) == {"diluted"}


def test_the_counts_from_cut_to_cut_stay_exact() -> None:
    """What was asked for changes the lower end of the total only, so that a breach of the whole is one of the fault."""
    exact, diluted = of_fault(failing(), [3.0, 11.0], asked=None), of_fault(failing(), [3.0, 11.0])

    assert (diluted.total, diluted.bad, diluted.total_high) == (exact.total, exact.bad, exact.total_high)
    assert (diluted.bad_low, diluted.bad_high) == (exact.bad_low, exact.bad_high)


def test_ordinary_readings_widen_by_what_lies_between() -> None:
    """Pages that are read four times a second lose no more than the traffic of their two edges, and say nothing."""
    edges = [3.9 + n / 4 for n in range(17)] + [8.01]
    mild = Process(tuple(steady(50, 20.0, {(6.0, 6.1): "500"})))
    count = of_fault(mild, edges)

    assert 180 < count.total_low < count.total
    assert "diluted" not in words(count)


def test_no_more_than_usual_comes_before_a_fault() -> None:
    """Of a long step that begins a second before the fault, the traffic of one second may lie before it."""
    healthy = Process(tuple(steady(50, 40.0, {})))
    count = of_fault(healthy, [3.0, 18.0, 33.0], Asked(4.0, 24.0, usual_per_s=50.0))

    before, after = 50 + 2 * math.sqrt(50), 9 * 50 + 2 * math.sqrt(9 * 50)
    assert count.total_low == pytest.approx(1500 - before - after)


def test_waiting_clients_catch_up_at_any_pace_after_a_fault() -> None:
    """Once something failed, all of the step that reaches over the undo may have come after it."""
    late = [Request(8.0 + n / 1000 + 0.0005) for n in range(400)]
    process = Process((*steady(50, 8.0, {(4.0, 8.0): "500"}), *late))
    count = of_fault(process, [4.0, 6.0, 9.0])

    assert (count.total, count.bad, count.total_low) == (600, 200, 200)


def test_without_a_baseline_all_that_was_good_may_lie_outside() -> None:
    """Where the usual traffic is not known, nothing limits what came before the fault."""
    healthy = Process(tuple(steady(50, 20.0, {})))

    assert of_fault(healthy, [3.0, 7.0, 8.0], Asked(4.0, 8.0)).total_low == 50


@given(SCRAPES, st.integers(0, 19), st.integers(1, 20))
def test_the_truth_of_the_fault_is_never_better_than_the_bound(
    instants: list[float], begin: int, lasts: int
) -> None:
    """However the readings lie around a fault that something fails in, no more good events are taken for its own."""
    samples = sorted({0.0, *(instant for instant in instants), 40.0})
    end = min(begin + lasts, 20)
    process = failing(begin, end)
    start = max(at for at in samples if at <= begin)
    stop = min(at for at in samples if at >= end)
    within = [at for at in samples if start <= at <= stop]
    count = of_fault(process, within, Asked(float(begin), float(end)))

    bad = process.truth(begin, end, lambda request: request.code == "500")
    assert count.bad == bad
    assert count.total_low <= process.truth(begin, end) <= count.total_high


def test_a_sample_before_the_fault_is_no_sample_of_it() -> None:
    """The reading at which a gauge's phase begins was taken before the fault, so it shows nothing good of it."""
    samples = [sample_at(at, {series("up"): 1.0 if at < 4 else 0.0}) for at in (3.0, 5.0, 7.0, 9.0)]
    objective = uptime_objective(method="Occurrences")
    count = counted(measure(objective, {"api": samples}, *cuts(samples), FAULT))

    assert (count.total, count.bad, count.total_low) == (3, 2, 2)


def test_a_slice_that_was_good_beside_the_fault_may_be_bad_in_it() -> None:
    """A minute that healthy traffic outside the fault keeps good is not shown to be good."""
    process = Process(tuple(steady(50, 30.0, {(22.0, 26.0): "500"})))
    samples = scraped(process, [21.0, 39.0])
    objective = good_objective(method="Timeslices", slice_target=Fraction("0.5"))
    exact = counted(measure(objective, {"api": samples}, *cuts(samples)))
    count = counted(measure(objective, {"api": samples}, *cuts(samples), Asked(22.0, 26.0)))

    assert (exact.bad_high, count.bad_high, count.bad_low) == (0, 1, 0)
