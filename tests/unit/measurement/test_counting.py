"""Counts against a simulated process whose truth is known."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.measurement import watch
from slochaos.measurement.counting import measure, series_over_time
from slochaos.measurement.phases import Cut
from slochaos.measurement.samples import Count, NoData
from slochaos.spec.objectives import Counter, Histogram, Indicator, Query, Samples
from slochaos.spec.selectors import parse
from tests.unit.measurement.simulated import (
    REQUESTS,
    SCRAPES,
    Outages,
    Process,
    Request,
    counted,
    cuts,
    failed_at,
    good_objective,
    latency_objective,
    missing,
    sample_at,
    scraped,
    series,
)

PROCESSES = st.builds(Process, requests=st.lists(REQUESTS, max_size=40).map(tuple))
# Start times closer than 1.5 s are taken for one process (some clients' start times jitter by a second).
RESTARTS = st.sets(st.integers(1, 10), max_size=3).map(lambda twos: tuple(2.0 * n for n in sorted(twos)))
OUTAGES = st.builds(Outages, st.frozensets(st.integers(0, 11)))


def is_bad(request: Request) -> bool:
    return not request.code.startswith("2")


def assert_holds(count: Count, bad: int, total: int) -> None:
    """The truth lies inside the interval, and so does the point."""
    assert count.bad_low <= bad <= count.bad_high
    assert count.total_low <= total <= count.total_high
    assert count.bad_low <= count.bad <= count.bad_high
    assert count.total_low <= count.total <= count.total_high


def without_reasons(result: Count | NoData) -> Count | NoData:
    """Gaps are told by the usual period, which a watch knows from the samples before it."""
    return replace(result, reasons=()) if isinstance(result, Count) else result


@given(PROCESSES, SCRAPES, OUTAGES)
def test_one_process_is_counted_exactly(process: Process, instants: list[float], outages: Outages) -> None:
    """A process that says when it and its series began is counted to the event, failed readings or not."""
    samples = outages.apply(scraped(process, instants))
    start, end = cuts(samples)
    result = measure(good_objective(), {"api": samples}, start, end)
    total = process.truth(instants[0], instants[-1])
    if not any(name == "http_requests_total" for s in samples for name, _ in s.values):
        assert missing(result).reason == "no-series"
        return
    bad = process.truth(instants[0], instants[-1], is_bad)
    count = counted(result)
    assert (count.bad, count.total) == (bad, total)
    assert (count.bad_low, count.bad_high, count.total_low, count.total_high) == (bad, bad, total, total)


@given(PROCESSES, SCRAPES, OUTAGES, RESTARTS, st.booleans(), st.booleans())
def test_the_truth_lies_inside_the_interval(
    process: Process,
    instants: list[float],
    outages: Outages,
    restarts: tuple[float, ...],
    shows_start: bool,
    shows_created: bool,
) -> None:
    """Restarts, born series and failed readings widen the interval so far that it holds the truth."""
    # A page that shows neither cannot tell a restart whose counters have passed their old values.
    process = replace(process, restarts=restarts if shows_start else (), shows_start=shows_start)
    process = replace(process, shows_created=shows_created)
    samples = outages.apply(scraped(process, instants))
    start, end = cuts(samples)
    result = measure(good_objective(), {"api": samples}, start, end)
    if isinstance(result, Count):
        truth = process.truth(instants[0], instants[-1], is_bad), process.truth(instants[0], instants[-1])
        assert_holds(result, *truth)
    else:
        assert result.reason == "no-series"


@given(PROCESSES, SCRAPES, st.sampled_from(["0.1", "0.25", "0.3", "0.05", "0.5", "2"]))
def test_latency_is_exact_at_a_bound_and_an_interval_between(
    process: Process, instants: list[float], at_most: str
) -> None:
    """A threshold that is a bucket's bound is exact; another one is held by the buckets on both sides."""
    samples = scraped(process, instants)
    start, end = cuts(samples)
    result = measure(latency_objective(at_most), {"api": samples}, start, end)
    slow = process.truth(instants[0], instants[-1], lambda r: r.took_s > float(at_most))
    total = process.truth(instants[0], instants[-1])
    if not isinstance(result, Count):
        assert result.reason == "no-series"
        return
    assert_holds(result, slow, total)
    if at_most in ("0.1", "0.25", "0.5"):
        assert (result.bad, result.bad_low, result.bad_high) == (slow, slow, slow)
        assert not any("bucket" in reason for reason in result.reasons)
    else:
        assert any(reason.startswith("bucket-too-coarse: no bucket at") for reason in result.reasons)


@given(PROCESSES, SCRAPES, st.integers(0, 11))
def test_every_event_is_in_exactly_one_phase(process: Process, instants: list[float], where: int) -> None:
    """Two phases that share a cut count together what one phase over both counts."""
    samples = scraped(process, instants)
    start, end = cuts(samples)
    between = samples[min(where, len(samples) - 1)]
    middle = Cut(between.started, {"api": between})
    history = {"api": samples}
    parts = [measure(good_objective(), history, a, b) for a, b in ((start, middle), (middle, end))]
    whole = measure(good_objective(), history, start, end)
    if isinstance(whole, Count):
        counts = [part for part in parts if isinstance(part, Count)]
        assert sum(c.total for c in counts) == whole.total
        assert sum(c.bad for c in counts) == whole.bad


@given(PROCESSES, SCRAPES)
def test_the_watch_says_what_a_fresh_count_says(process: Process, instants: list[float]) -> None:
    """Brought up to date sample by sample, the watch equals the count up to the same sample."""
    samples = scraped(process, instants)
    start, _ = cuts(samples)
    watching = watch.since([good_objective()], {"api": samples[:1]}, start)
    for upto in range(1, len(samples) + 1):
        history = {"api": samples[:upto]}
        newest = watching.newest(history)["success"]
        afresh = measure(good_objective(), history, start, cuts(samples[:upto])[1])
        assert without_reasons(newest) == without_reasons(afresh)
    assert watching.read_until() == {"api": samples[-1].finished}


@given(PROCESSES, SCRAPES)
def test_steps_add_up_to_the_count(process: Process, instants: list[float]) -> None:
    """The points of a chart sum to what is charged."""
    samples = scraped(process, instants)
    start, end = cuts(samples)
    points = series_over_time(good_objective(), {"api": samples}, start, end)
    result = measure(good_objective(), {"api": samples}, start, end)
    if isinstance(result, Count):
        assert sum(p.total for p in points) == result.total
        assert sum(p.total - p.good for p in points) == result.bad
        assert [p.instant for p in points] == [s.finished for s in samples[1:]]


def requests(*instants: float, code: str = "200") -> tuple[Request, ...]:
    return tuple(Request(at, code) for at in instants)


def test_a_restart_has_no_upper_end() -> None:
    """What a process counted after its last sample is lost: known events are kept, more are possible."""
    process = Process(requests(1.1, 1.2, 3.1, 3.5) + requests(3.6, code="500"), restarts=(3.0,))
    samples = scraped(process, [1.0, 2.0, 4.0])
    count = counted(measure(good_objective(), {"api": samples}, *cuts(samples)))
    assert (count.total, count.total_low, count.total_high) == (5, 5, math.inf)
    assert (count.bad, count.bad_low, count.bad_high) == (1, 1, math.inf)
    assert [reason.partition(":")[0] for reason in count.reasons] == ["reset"]


def test_a_restart_that_outgrew_its_old_value_is_seen() -> None:
    """The start time tells a restart even where no counter fell."""
    process = Process(requests(0.5, 3.1, 3.2, 3.3), restarts=(3.0,))
    samples = scraped(process, [1.0, 4.0])
    count = counted(measure(good_objective(), {"api": samples}, *cuts(samples)))
    assert (count.total, count.total_high) == (3, math.inf)


def test_a_series_born_without_proof_widens() -> None:
    """An error series that appears late counts in full, and its first value is in doubt."""
    process = Process(requests(0.5, 1.5, 2.5) + requests(1.6, 1.7, 2.7, code="500"), shows_created=False)
    samples = scraped(process, [1.0, 2.0, 3.0])
    count = counted(measure(good_objective(), {"api": samples}, *cuts(samples)))
    assert (count.bad, count.bad_low, count.bad_high) == (3, 1, 3)
    assert any(reason.startswith("series-born:") for reason in count.reasons)


def test_a_relabelled_series_is_not_charged_with_its_past() -> None:
    """A series found late that was made long ago may have counted a million events before."""
    new = series("http_requests_total", code="500")
    made = {series("http_requests_created", code="500"): 1.0}
    old = {series("process_start_time_seconds"): 5.0, series("http_requests_total", code="200"): 7.0}
    samples = [
        sample_at(1, old),
        sample_at(2, {**old, **made, new: 1e6}),
        sample_at(3, {**old, **made, new: 1e6 + 2}),
    ]
    count = counted(measure(good_objective(), {"api": samples}, *cuts(samples)))
    assert count.bad_low == 2


def test_a_series_that_disappears_has_no_upper_end() -> None:
    """What a series counted before it went away cannot be known."""
    here = {series("process_start_time_seconds"): 5.0, series("http_requests_total", code="200"): 7.0}
    samples = [sample_at(1, {**here, series("http_requests_total", code="500"): 3.0}), sample_at(2, here)]
    count = counted(measure(good_objective(), {"api": samples}, *cuts(samples)))
    assert (count.bad, count.bad_high) == (0, math.inf)
    assert any(reason.startswith("series-vanished:") for reason in count.reasons)


def worker(
    start: float, value: float, shows_start: bool = True
) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    shown = {series("process_start_time_seconds"): start} if shows_start else {}
    return {**shown, series("http_requests_total", code="200"): value}


@pytest.mark.parametrize("shows_start", [True, False])
def test_two_workers_behind_one_address_are_no_data(shows_start: bool) -> None:
    """Alternating answers of two processes would count millions of events: they are refused."""
    pages = [worker(1.0 + 50 * (n % 2), 1000 + 500 * (n % 2) + n, shows_start) for n in range(6)]
    samples = [sample_at(n, page) for n, page in enumerate(pages)]
    assert missing(measure(good_objective(), {"api": samples}, *cuts(samples))).reason == "several-processes"


def test_a_fall_while_the_process_stands_is_no_data() -> None:
    """A counter cannot fall within one process."""
    samples = [sample_at(1, worker(5, 100)), sample_at(2, worker(5, 40))]
    result = missing(measure(good_objective(), {"api": samples}, *cuts(samples)))
    assert result.reason == "several-processes"
    assert "100" in result.detail


def test_an_older_child_that_answers_again_is_no_data() -> None:
    """Creation times tell two processes apart where start times are not shown."""

    def page(created: float, value: float) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        made = {series("http_requests_created", code="200"): created}
        return {**worker(0, value, shows_start=False), **made}

    samples = [sample_at(1, page(10, 5)), sample_at(2, page(11, 7)), sample_at(3, page(10, 9))]
    assert missing(measure(good_objective(), {"api": samples}, *cuts(samples))).reason == "several-processes"


def test_a_gap_without_a_process_start_has_no_upper_end() -> None:
    """Where a restart could hide in a gap, the interval is open."""
    process = Process(requests(1.5, 9.5), shows_start=False, shows_created=False)
    samples = [sample_at(n, process.page(n)) for n in (1, 2, 3, 4, 10)]
    count = counted(measure(good_objective(), {"api": samples}, *cuts(samples)))
    assert count.total_high == math.inf
    assert any(reason.startswith("gap: nothing was read from api for 6.0 s") for reason in count.reasons)


def test_a_gap_of_a_known_process_is_exact_and_said() -> None:
    """A counter bridges a gap if its process did not change."""
    process = Process(requests(0.5, 1.5, 9.5))
    samples = [sample_at(n, process.page(n)) for n in (1, 2, 3, 4, 10)]
    count = counted(measure(good_objective(), {"api": samples}, *cuts(samples)))
    assert (count.total, count.total_high) == (2, 2)
    assert [reason.partition(":")[0] for reason in count.reasons] == ["gap"]


def test_failed_readings_are_said() -> None:
    """Readings that failed in between leave an exact count and a reason."""
    process = Process(requests(0.5, 1.5, 3.5))
    samples = [*scraped(process, [1, 2]), failed_at(3), *scraped(process, [4])]
    count = counted(measure(good_objective(), {"api": samples}, *cuts(samples)))
    assert (count.total, count.total_high) == (2, 2)
    assert count.reasons == ("source-down: 1 readings of api failed (connection refused)",)


@pytest.mark.parametrize("which", [0, -1])
def test_a_cut_at_a_failed_sample_is_no_data(which: int) -> None:
    """A phase that begins or ends while the source is down is not counted."""
    samples = scraped(Process(requests(0.5, 1.5)), [1, 2, 3, 4])
    samples[which] = failed_at(samples[which].started)
    assert missing(measure(good_objective(), {"api": samples}, *cuts(samples))).reason == "source-down"


def test_a_source_that_is_down_harms_only_its_own_objectives() -> None:
    """An objective that has nothing in a source does not care whether that answers."""
    samples = scraped(Process(requests(0.5, 1.5)), [1, 2, 3])
    other = [failed_at(at, "prober") for at in (1, 2, 3)]
    count = counted(measure(good_objective(), {"api": samples, "prober": other}, *cuts(samples, other)))
    assert (count.total, count.reasons) == (1, ())


def test_sources_add_up() -> None:
    """Series of the same name in two sources are summed, never the first one taken."""
    one = scraped(Process(requests(0.5, 1.5)), [1, 2])
    relabelled = [
        {(n, tuple(("job", "two") if p[0] == "job" else p for p in ls)): v for (n, ls), v in s.values.items()}
        for s in one
    ]
    two = [s._replace(source="two", values=v) for s, v in zip(one, relabelled, strict=True)]
    anywhere = Indicator(
        total=Counter(parse("http_requests_total")), good=Counter(parse('http_requests_total{code="200"}'))
    )
    count = counted(measure(good_objective(indicator=anywhere), {"api": one, "two": two}, *cuts(one, two)))
    assert (count.total, count.bad) == (2, 0)


def test_bad_events_are_named_by_the_labels_that_differ() -> None:
    """Contributors leave out labels that are the same everywhere, and good series."""
    process = Process(requests(0.5) + requests(1.1, 1.2, code="500") + requests(1.3, code="404"))
    samples = scraped(process, [1, 2])
    count = counted(measure(good_objective(), {"api": samples}, *cuts(samples)))
    assert [(c.labels, c.bad) for c in count.contributors] == [
        ((("code", "500"),), 2),
        ((("code", "404"),), 1),
    ]


def test_replica_labels_are_refused() -> None:
    """Two copies of every series would double the charge."""
    values = {series("http_requests_total", code="200", prometheus_replica=r): 5.0 for r in "ab"}
    samples = [sample_at(1, values), sample_at(2, values)]
    result = missing(measure(good_objective(), {"api": samples}, *cuts(samples)))
    assert result.reason == "replica-label"
    assert "prometheus_replica" in result.detail


def test_bad_series_that_do_not_exist_are_zero_bad_events() -> None:
    """No 5xx series at all means that nothing failed, not that nothing is known."""
    bad = Indicator(
        total=Counter(parse("http_requests_total")), bad=Counter(parse('http_requests_total{code="500"}'))
    )
    samples = scraped(Process(requests(0.5, 1.5)), [1, 2])
    count = counted(measure(good_objective(indicator=bad), {"api": samples}, *cuts(samples)))
    assert (count.bad, count.total, count.sli) == (0, 1, 1.0)


def test_families_that_are_read_apart_widen_by_the_page_time() -> None:
    """Good and total of different families may differ by what happens while a page is read."""
    apart = Indicator(
        total=Counter(parse("http_requests_total")), good=Counter(parse('took_seconds_count{code="200"}'))
    )
    process = Process(tuple(Request(n / 100 + 0.001, "500" if n % 10 == 0 else "200") for n in range(1000)))
    samples = [sample_at(at, process.page(at), page_s=0.1) for at in (1.0, 2.0, 3.0)]
    count = counted(measure(good_objective(indicator=apart), {"api": samples}, *cuts(samples)))
    assert (count.total, count.bad) == (200, 20)
    assert count.bad_low == 0
    assert 40 <= count.bad_high <= 42
    assert any(reason.startswith("page-skew:") for reason in count.reasons)


def test_a_bucket_as_counter_belongs_to_the_histogram_family() -> None:
    """The classic form, a bucket by name over the count, is exact too."""
    classic = Indicator(
        total=Counter(parse("took_seconds_count")), good=Counter(parse('took_seconds_bucket{le="0.25"}'))
    )
    process = Process((Request(0.5), Request(1.1), Request(1.2, took_s=0.3)))
    samples = [sample_at(at, process.page(at), page_s=0.1) for at in (1.0, 2.0)]
    count = counted(measure(good_objective(indicator=classic), {"api": samples}, *cuts(samples)))
    assert (count.total, count.bad, count.bad_high, count.reasons) == (2, 1, 1, ())


def test_good_events_outside_the_total_are_refused() -> None:
    """Good events have to be among the total, or the share means nothing."""
    wrong = Indicator(
        total=Counter(parse('http_requests_total{code="500"}')), good=Counter(parse("http_requests_total"))
    )
    samples = scraped(Process(requests(0.5, 1.5)), [1, 2])
    assert (
        missing(measure(good_objective(indicator=wrong), {"api": samples}, *cuts(samples))).reason
        == "indicator"
    )


@pytest.mark.parametrize(
    ("indicator", "reason"),
    [
        (Indicator(total=Query("sum(x)"), good=Query("sum(y)")), "no-query-source"),
        (Indicator(total=Counter(parse("x")), good=Samples(parse("x"))), "indicator"),
        (Indicator(total=Histogram(parse("x"), at_most=1), good=Histogram(parse("x"))), "indicator"),  # type: ignore[arg-type]
        (Indicator(total=Counter(parse("nothing")), good=Counter(parse("nothing"))), "no-series"),
    ],
)
def test_what_cannot_be_counted_says_why(indicator: Indicator, reason: str) -> None:
    """An indicator without an answer is NoData with a stable word."""
    samples = scraped(Process(requests(0.5, 1.5)), [1, 2])
    assert (
        missing(measure(good_objective(indicator=indicator), {"api": samples}, *cuts(samples))).reason
        == reason
    )


def test_a_histogram_whose_buckets_shrink_is_refused() -> None:
    """Cumulative buckets that fall towards wider bounds are no histogram."""
    values = {
        series("took_seconds_bucket", le=le): v for le, v in (("0.1", 5.0), ("0.25", 3.0), ("+Inf", 6.0))
    }
    samples = [sample_at(1, values), sample_at(2, values)]
    result = missing(measure(latency_objective("0.25"), {"api": samples}, *cuts(samples)))
    assert result.reason == "indicator"
    assert "le=0.25" in result.detail


def test_a_counter_below_zero_is_called_what_it_is() -> None:
    """It was given as a counter, so nothing is said of histograms."""
    values = {series("http_requests_total", code="200"): -5.0}
    samples = [sample_at(1, values), sample_at(2, values)]
    result = missing(measure(good_objective(), {"api": samples}, *cuts(samples)))
    assert result.reason == "indicator"
    assert "is no counter: it stands at -5" in result.detail
    assert "histogram" not in result.detail


def test_bounds_are_compared_as_numbers() -> None:
    """`le="0.30"`, `"3e-1"` and a threshold of 0.3 s are the same bound."""
    for text in ("0.3", "0.30", "3e-1", ".3"):
        values = {series("took_seconds_bucket", le=text): 1.0, series("took_seconds_bucket", le="+Inf"): 2.0}
        later = {key: value * 10 for key, value in values.items()}
        samples = [sample_at(1, values), sample_at(2, later)]
        count = counted(measure(latency_objective("0.3"), {"api": samples}, *cuts(samples)))
        assert (count.bad, count.total, count.reasons) == (9, 18, ())


def test_an_end_before_the_start_is_no_window() -> None:
    """Cuts in the wrong order measure nothing."""
    samples = scraped(Process(requests(0.5)), [1, 2])
    start, end = cuts(samples)
    assert missing(measure(good_objective(), {"api": samples}, end, start)).reason == "no-window"
