"""A server's samples in portions, as a history that grows at its end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from slochaos.measurement.phases import cut_after, cut_before
from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.live import LiveHistory, RunClock
from slochaos.measurement.samples import Sample

CLOCK = RunClock(ahead_s=1000.0, skew_s=0.25, uncertainty_s=0.125)
"""Server's timestamps are 1000 s ahead of the run's clock, and a quarter of a second ahead of this host's."""


def raw(name: str, times: Sequence[float], values: Sequence[float] | float, pod: str = "pod1") -> RawSeries:
    """One series of a pod's page; a single value is that of all times."""
    each = [values] * len(times) if isinstance(values, float | int) else list(values)
    return RawSeries(name, {"job": "api", "instance": pod}, list(times), each)


def portion(times: Sequence[float], up: Sequence[float] | float = 1, pod: str = "pod1") -> list[RawSeries]:
    """What a pod's scrapes at these times leave behind, each half a second long; failed ones have no values."""
    ups = [up] * len(times) if isinstance(up, float | int) else list(up)
    good = [at for at, value in zip(times, ups, strict=True) if value]
    return [
        raw("up", times, ups, pod),
        raw("scrape_duration_seconds", times, 0.5, pod),
        raw("requests_total", good, [at * 10 for at in good], pod),
    ]


def live() -> LiveHistory:
    return LiveHistory(CLOCK, since=2000.0)


def pod1(history: LiveHistory) -> tuple[Sample, ...]:
    return tuple(history.history()["api/pod1"])


def test_a_sample_stands_in_the_runs_clock_as_long_as_its_scrape() -> None:
    """From the timestamp on, for the scrape's duration, each end wider by what the clocks leave open."""
    history = live()
    history.take(portion([2010.0]), now=2011.0)
    [sample] = pod1(history)
    assert (sample.started, sample.finished) == (2010 - 1000 - 0.125, 2010 - 1000 + 0.5 + 0.125)
    assert sample.wall == 2009.75


def test_a_portion_that_repeats_itself_adds_nothing() -> None:
    """Samples are asked for again and again until the slowest scrape is in; each counts once and never changes."""
    history = live()
    first = history.take(portion([2010, 2011]), now=2012)
    before = pod1(history)
    new = history.take(portion([2010, 2011, 2012]), now=2013)
    assert (len(first), len(new)) == (2, 1)
    assert pod1(history)[:2] == before


def test_a_scrape_that_came_in_while_we_asked_waits_for_the_next_portion() -> None:
    """A series newer than its target's `up` would be a page of its own, and the page before would lack it."""
    history = live()
    up, duration, _ = portion([2010])
    history.take([up, duration, raw("requests_total", [2010, 2011], [1, 2])], now=2011)
    assert [sample.wall for sample in pod1(history)] == [2009.75]
    history.take([*portion([2010, 2011])], now=2012)
    assert len(pod1(history)) == 2


def test_a_target_that_comes_later_was_absent_until_then() -> None:
    """Its cut before the run's phases is an absent sample, so that what it counts since is not lost."""
    history = live()
    history.take(portion([2010, 2011]), now=2012)
    start = cut_before(history.history(), 1011.7)
    assert start is not None
    history.take([*portion([2012]), *portion([2012.5], pod="pod2")], now=2013)
    later = start.over(history.history())
    assert set(later.samples) == {"api/pod1", "api/pod2"}
    assert later.samples["api/pod2"].absent
    assert later.samples["api/pod1"] == start.samples["api/pod1"]


def test_a_target_that_is_not_scraped_any_more_closes_phases() -> None:
    """Nobody waits for a sample that never comes; the absent one leaves the count open."""
    history = live()
    history.take([*portion([2010, 2011, 2012]), *portion([2010, 2011, 2012], pod="pod2")], now=2013)
    history.take(portion([2013, 2014, 2015, 2016]), now=2016)
    end = cut_after(history.history(), 1014.5)
    assert end is not None
    assert end.samples["api/pod2"].absent == "it is not scraped any more"
    assert end.samples["api/pod1"].is_page


def test_a_target_that_fails_for_long_is_missing_until_it_answers() -> None:
    """Short failures are failed samples; then one absent sample stands for all that follow."""
    history = live()
    times = [2010.0 + each for each in range(20)]
    history.take(portion(times, [1, 1, *[0] * 18]), now=2030)
    kinds = ["page" if s.is_page else "absent" if s.absent else "failed" for s in pod1(history)]
    assert kinds == ["page", "page", *["failed"] * 5, "absent"]
    history.take(portion([2030.0]), now=2031)
    assert pod1(history)[-1].is_page


@pytest.mark.parametrize("now", [2012.0, 2014.9])
def test_a_late_scrape_is_not_taken_for_the_end(now: float) -> None:
    """Three periods go by before a target counts as gone."""
    history = live()
    history.take(portion([2010, 2011, 2012]), now=now)
    assert all(sample.is_page for sample in pod1(history))
