"""From when on did the indicator hold again?"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.verdict.recovery import Recovered, recovered_at

ALLOWED = Fraction(1, 1000)


class Point(NamedTuple):
    """Good and total events up to an instant."""

    instant: float
    good: int
    total: int


def points(*bad: int, total: int = 75, undone_at: float = 100.0, every_s: float = 0.25) -> list[Point]:
    """One point per period after the undo."""
    return [Point(undone_at + every_s * (i + 1), total - b, total) for i, b in enumerate(bad)]


def recover(series: list[Point], hold_for_s: float = 1.0) -> Recovered | None:
    """With the undo at 100."""
    return recovered_at(series, 100.0, ALLOWED, hold_for_s)


def test_recovery_is_when_failures_end() -> None:
    """Two bad quarters of a second, then clean: recovered 0.5 s after the undo, known to a quarter."""
    assert recover(points(75, 20, 0, 0, 0, 0, 0)) == Recovered(100.5, 0.5, 0.25, 101.5)


def test_a_system_that_never_suffered_recovers_at_once() -> None:
    """Clean from the undo on: 0 s."""
    found = recover(points(0, 0, 0, 0))
    assert found is not None
    assert (found.seconds, found.resolution_s) == (0.0, 0.0)


def test_what_was_not_counted_yet_is_not_known() -> None:
    """Counted from 0.2 s after the undo on, and clean: recovered by then, at some time in those 0.2 s."""
    found = recovered_at(points(0, 0, 0, 0, 0, undone_at=100.2), 100.0, ALLOWED, 1.0, counted_from=100.2)
    assert found is not None
    assert (found.seconds, found.resolution_s) == pytest.approx((0.2, 0.2))


def test_too_short_a_stretch_is_not_yet_recovery() -> None:
    """Clean for less than the time it has to hold: not yet."""
    assert recover(points(75, 0, 0, 0)) is None


def test_a_relapse_starts_the_clock_again() -> None:
    """Clean, bad again, then clean: the second clean stretch counts."""
    found = recover(points(75, 0, 0, 30, 0, 0, 0, 0))
    assert found is not None
    assert found.seconds == pytest.approx(1.0)


def test_one_stray_error_does_not_delay_recovery() -> None:
    """One failure among hundreds is not shown to be above 99.9 %, so it does not count as degraded."""
    found = recover(points(75, 0, 1, 0, 0, 0))
    assert found is not None
    assert found.seconds == 0.25


def test_a_trickle_of_errors_is_not_recovery() -> None:
    """One failure in every span is too many together, though each span alone would pass."""
    assert recover(points(*[1] * 40), hold_for_s=3.0) is None


def test_silence_is_not_recovery() -> None:
    """Without events nothing has recovered; it starts where events are seen again."""
    silent = [Point(100.25, 0, 0), Point(100.5, 0, 0)]
    later = [Point(100.75 + 0.25 * i, 75, 75) for i in range(5)]
    assert recover(silent) is None
    found = recover(silent + later)
    assert found is not None
    assert (found.seconds, found.resolution_s) == (0.5, 0.5)


def test_points_before_the_undo_do_not_count() -> None:
    """What was counted up to the undo belongs to the fault."""
    before = [Point(99.75, 0, 75), Point(100.0, 0, 75)]
    found = recover(before + points(0, 0, 0, 0))
    assert found is not None
    assert found.seconds == 0


def test_a_usual_error_rate_counts_as_recovered() -> None:
    """With the baseline's share as the allowed one, that share is health."""
    assert recovered_at(points(*[7] * 8), 100.0, Fraction(1, 10), 1.0) is not None


@given(st.lists(st.integers(0, 75), max_size=60))
def test_the_recovered_stretch_holds(bad: list[int]) -> None:
    """Whenever recovery is claimed, what failed in the stretch that shows it is not shown to be above the allowed."""
    found = recover(points(*bad))
    if found is not None:
        stretch = [p for p in points(*bad) if found.at < p.instant <= found.shown_at]
        assert found.shown_at - found.at >= 1.0 - 1e-6
        assert sum(p.total - p.good for p in stretch) <= 2
