"""Phases are cut at samples: which ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.measurement.phases import PATIENCE_S, Cut, cut_after, cut_before, doubt_between, seconds_between
from slochaos.measurement.samples import Sample
from tests.unit.measurement.simulated import failed_at, sample_at

READINGS = st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=20)


def readings(steps: list[tuple[int, bool]]) -> list[Sample]:
    """Samples half a second apart or more; the flag says which of them failed."""
    samples, at = [], 0.0
    for tenths, good in steps:
        at += 0.5 + tenths / 10
        samples.append(sample_at(at, {}, page_s=0.2) if good else failed_at(at))
    return samples


def test_a_cut_before_takes_samples_that_were_complete() -> None:
    """A page that was still being read at the instant is not before it."""
    history = {"api": [sample_at(1, {}, page_s=0.2), sample_at(2, {}, page_s=0.2)]}
    cut = cut_before(history, 2.1)
    assert cut is not None
    assert cut.samples["api"].started == 1
    assert cut_before(history, 1.1) is None


def test_a_cut_after_takes_samples_that_started_later() -> None:
    """A page that was begun before the instant may miss what happened before it."""
    history = {"api": [sample_at(1, {}, page_s=0.5), sample_at(2, {}, page_s=0.5)]}
    cut = cut_after(history, 1.1)
    assert cut is not None
    assert cut.samples["api"].started == 2
    assert cut_after(history, 2.1) is None


def test_a_cut_waits_for_every_source() -> None:
    """While one source has no sample yet there is no cut."""
    history = {"api": [sample_at(1, {})], "prober": [sample_at(5, {}, "prober")]}
    assert cut_before(history, 2) is None
    assert cut_after(history, 2) is None
    assert cut_before({}, 2) is None
    both = cut_after(history, 0.5)
    assert both is not None
    assert (both.started, both.finished) == (1, 5)


def test_failed_samples_are_passed_over() -> None:
    """One failed reading does not spoil a cut; the phase begins earlier, or ends later."""
    history = {"api": [sample_at(1, {}), failed_at(2), failed_at(3), sample_at(4, {})]}
    before, after = cut_before(history, 3.5), cut_after(history, 1.5)
    assert before is not None
    assert after is not None
    assert before.samples["api"].started == 1
    assert after.samples["api"].started == 4


def test_a_source_that_stays_down_stands_with_its_failed_sample() -> None:
    """After the patience the cut exists, for the sake of the other sources."""
    down = [failed_at(1 + n) for n in range(20)]
    history = {"api": down, "prober": [sample_at(1 + n, {}, "prober") for n in range(20)]}
    assert cut_after({"api": down[:3]}, 1) is None
    after, before = cut_after(history, 1), cut_before(history, 15.5)
    assert after is not None
    assert before is not None
    assert (after.samples["api"].failure, after.samples["prober"].started) == ("connection refused", 1)
    assert before.samples["api"].started == 15


@given(READINGS, st.integers(0, 600))
def test_a_cut_after_never_changes(steps: list[tuple[int, bool]], tenths: int) -> None:
    """Once there is a cut, more history does not move it."""
    samples, instant = readings(steps), tenths / 10
    first = None
    for upto in range(1, len(samples) + 1):
        cut = cut_after({"api": samples[:upto]}, instant)
        assert first is None or cut == first
        first = cut
    if first is not None:
        chosen = first.samples["api"]
        assert chosen.started >= instant
        assert not chosen.failure or all(s.failure for s in samples if 0 <= s.started - instant <= PATIENCE_S)


@given(READINGS, st.integers(0, 600))
def test_a_cut_before_is_the_newest_good_one_within_the_patience(
    steps: list[tuple[int, bool]], tenths: int
) -> None:
    """Nothing good lies between the chosen sample and the instant."""
    samples, instant = readings(steps), tenths / 10
    cut = cut_before({"api": samples}, instant)
    done = [s for s in samples if s.finished <= instant]
    assert (cut is None) == (not done)
    if cut is not None:
        good = [s for s in done if not s.failure and s.finished >= instant - PATIENCE_S]
        assert cut.samples["api"] == (good or done)[-1]


def test_the_time_between_cuts_is_that_of_the_sources_that_are_read() -> None:
    """A page that takes long does not lengthen it, and a target that is gone does not shorten it."""
    start = Cut(2.0, {"api": sample_at(2.0, {}), "old": sample_at(0.5, {}, source="old")})
    end = Cut(6.5, {"api": sample_at(6.0, {}, page_s=0.9), "old": sample_at(0.5, {}, source="old")})

    assert seconds_between(start, end) == 4.0
    assert doubt_between(start, end) == pytest.approx(0.9)
