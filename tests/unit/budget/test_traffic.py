"""Traffic as the measure of a window's events, and what fills in where it is in doubt."""

from __future__ import annotations

import math

from slochaos.budget.traffic import Seen


def test_an_open_end_is_closed_at_the_rate_of_the_other() -> None:
    """After a restart in ten seconds of baseline, what the run itself had in five tells how many there were at most."""
    filled = Seen(900, 10.0, math.inf).filled_in_by(Seen(500, 5.0))
    assert (filled.events, filled.most) == (900, 1_000)


def test_what_is_certain_stays() -> None:
    """A fault that stops the traffic does not make the usual traffic smaller: then the end stays open."""
    filled = Seen(900, 10.0, math.inf).filled_in_by(Seen(5, 5.0))
    assert (filled.events, filled.most) == (900, math.inf)


def test_what_is_not_certain_at_all_is_taken_from_the_other() -> None:
    """Of a baseline with all events in doubt only the most is known; the other says what is certain."""
    filled = Seen(0, 10.0, 4_000).filled_in_by(Seen(500, 5.0))
    assert (filled.events, filled.most) == (1_000, 4_000)


def test_another_open_end_closes_nothing() -> None:
    """Two unknowns are one."""
    assert Seen(900, 10.0, math.inf).filled_in_by(Seen(500, 5.0, math.inf)).most == math.inf


def test_a_window_is_filled_at_the_rate_with_the_doubt_of_its_time() -> None:
    """100 events in 10 s, give or take 1 s, are 60 in 6 s: at least 54.5, at most 66.7."""
    least, used, most = Seen(100, 10.0, doubt_s=1.0).over(6)
    assert [round(float(events), 1) for events in (least, used, most)] == [54.5, 60, 66.7]


def test_a_doubt_as_long_as_the_time_has_no_upper_end() -> None:
    """Events within no time at all have no rate."""
    assert Seen(100, 1.0, doubt_s=1.0).over(6)[2] == math.inf
