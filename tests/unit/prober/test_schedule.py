"""When the prober's requests are due."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slochaos.prober.schedule import Schedule

schedules = st.builds(Schedule, first=st.floats(0, 1e7), rate=st.floats(0.1, 20_000))


def test_requests_are_due_at_a_constant_rate_from_the_first() -> None:
    """Request n is due n/rate seconds after the first, without drift."""
    schedule = Schedule(first=100.0, rate=300.0)
    assert schedule.due(0) == 100.0
    assert schedule.due(300 * 3600) == 100.0 + 3600


@given(schedules, st.floats(-100, 2e7), st.integers(0, 1000))
def test_the_first_from_an_instant_is_exact(schedule: Schedule, instant: float, number: int) -> None:
    """The request found is due at or after the instant, and the one before it is not."""
    first = schedule.first_from(instant if number % 2 else schedule.due(number))
    at = instant if number % 2 else schedule.due(number)
    assert schedule.due(first) >= at
    assert first == 0 or schedule.due(first - 1) < at


@given(schedules, st.lists(st.floats(0, 1000), min_size=1, max_size=8))
def test_windows_that_touch_share_no_request_and_miss_none(schedule: Schedule, cuts: list[float]) -> None:
    """Cutting at any instants puts each request into exactly one window."""
    edges = [schedule.first_from(schedule.first + cut) for cut in sorted(cuts)]
    assert edges == sorted(edges)
