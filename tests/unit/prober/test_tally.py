"""What became of the prober's requests."""

from __future__ import annotations

from slochaos.prober.tally import BOUNDS_S, Tally


def begun(number: int) -> Tally:
    """A tally with this many requests under way, journeys `read` and `write` by turns."""
    tally = Tally(["read", "write"])
    for index in range(number):
        tally.begin(index % 2)
    return tally


def test_counts_each_request_of_the_window_under_its_journey_and_outcome() -> None:
    """Requests outside of the window do not count, in whatever order requests end."""
    tally = begun(6)
    for number, outcome in ((5, "timeout"), (0, "ok"), (4, "ok"), (1, "status"), (3, "unsent"), (2, "ok")):
        tally.end(number, outcome)  # type: ignore[arg-type]
    counts = tally.counts(1, 5)
    assert {o: n for o, n in counts.outcomes["read"].items() if n} == {"ok": 2}
    assert {o: n for o, n in counts.outcomes["write"].items() if n} == {"status": 1, "unsent": 1}


def test_is_settled_when_all_before_the_end_have_come_due_and_ended() -> None:
    """A request under way, or not yet due, keeps the window open; those after it do not."""
    tally = begun(3)
    tally.end(0, "ok")
    tally.end(2, "ok")
    assert tally.is_settled(1)
    assert not tally.is_settled(2)
    tally.end(1, "broken")
    assert tally.is_settled(3)
    assert not tally.is_settled(4)


def test_latency_bounds_are_inclusive_and_count_successes_only() -> None:
    """A success at exactly 0.3 s is within 0.3 s, and a fast failure improves nothing."""
    tally = begun(4)
    tally.end(0, "ok", 0.3)
    tally.end(1, "ok", 0.3000001)
    tally.end(2, "status", 0.001)
    tally.end(3, "ok", 5.0)
    within = tally.counts(0, 4).ok_within
    assert list(within) == list(BOUNDS_S)
    assert within[0.2] == 0
    assert within[0.3] == 1
    assert within[0.4] == 2
    assert within[1.0] == 2


def test_a_window_without_requests_has_zero_counts() -> None:
    """An empty window is zeros, and one that ends before it starts is empty."""
    tally = begun(0)
    assert sum(tally.counts(3, 1).outcomes["read"].values()) == 0
