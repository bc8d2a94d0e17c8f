"""Times as people write them, in the middle of the night and on the days on which clocks are changed too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from slochaos.errors import InvalidInput
from slochaos.spec.moments import parse_interval, parse_moment

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
"""The rule itself, so that no time zone database is needed."""

HOUR = 3600.0


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is Berlin's."""
    monkeypatch.setenv("TZ", BERLIN)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def utc(text: str) -> float:
    """Epoch seconds of a time in UTC, such as `2026-11-24 13:02`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOON = utc("2026-11-24 11:00")
"""12:00 in Berlin."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11:02", utc("2026-11-24 10:02")),
        ("9:02", utc("2026-11-24 08:02")),
        ("11:02:30", utc("2026-11-24 10:02:30")),
        ("12:00", NOON),
        ("14:02", utc("2026-11-23 13:02")),
        ("now", NOON),
        ("-15m", NOON - 900),
        ("-1h30m", NOON - 5400),
        ("2026-11-24T10:02:00Z", utc("2026-11-24 10:02")),
        ("2026-11-24T10:02:00+05:30", utc("2026-11-24 04:32")),
        ("2026-11-24 10:02-03:00", utc("2026-11-24 13:02")),
    ],
)
def test_each_way_of_writing_a_time_is_understood(berlin: None, text: str, expected: float) -> None:
    """A time of day is the last one: today's, or yesterday's where today's is still to come."""
    assert parse_moment(text, NOON) == expected


@pytest.mark.parametrize(
    "text",
    ["", "25:00", "12:60", "14", "14:2", "-15", "--15m", "yesterday", "2026-13-01T00:00Z", "١٤:٠٢", "-1e9s"],
)
def test_what_is_no_time_is_refused_with_the_ways_of_writing_one(berlin: None, text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(InvalidInput) as refused:
        parse_moment(text, NOON)
    assert refused.value.hint


def test_a_date_without_a_zone_is_refused(berlin: None) -> None:
    """It may be local, UTC or the server's: an interval an hour off would be priced without a sign of it."""
    with pytest.raises(InvalidInput, match="does not say in which zone"):
        parse_moment("2026-11-24T10:02:00", NOON)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("10:02", "10:09", ("2026-11-24 09:02", "2026-11-24 09:09")),
        ("14:02", "14:09", ("2026-11-23 13:02", "2026-11-23 13:09")),
        ("23:50", "00:10", ("2026-11-23 22:50", "2026-11-23 23:10")),
        ("-15m", "now", ("2026-11-24 10:45", "2026-11-24 11:00")),
        ("2026-11-20T10:00Z", "11:20", ("2026-11-20 10:00", "2026-11-20 10:20")),
    ],
)
def test_an_end_is_the_first_such_time_after_the_start(
    berlin: None, start: str, end: str, expected: tuple[str, str]
) -> None:
    """Also beyond midnight, and when the start was given with its date."""
    assert parse_interval(start, end, NOON) == (utc(expected[0]), utc(expected[1]))


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("11:50", "12:10", "--to 12:10, 2026-11-24, is still to come"),
        ("11:50", "11:40", "--to 11:40, 2026-11-25, is still to come"),
        ("-15m", "-20m", "is not after --from"),
        ("-15m", "-15m", "are the same time, -15m"),
        ("11:02", "11:02", "are the same time, 11:02"),
        ("now", "now", "are the same time, now"),
        ("2026-11-24T10:02:00Z", "11:02", "is still to come"),
        ("2026-11-24T10:02:00Z", "2026-11-24T11:02:00+01:00", "are the same time"),
        ("2027-01-01T00:00Z", "now", "--from 2027-01-01T00:00Z is still to come"),
        ("-15m", "2027-01-01T00:00Z", "is still to come"),
        ("1969-01-01T00:00Z", "now", "before 1970"),
        ("-15m", "soon", "--to 'soon' is no time"),
        ("14:99", "now", "--from '14:99' is no time of day"),
    ],
)
def test_an_interval_has_to_have_passed_and_to_run_forwards(
    berlin: None, start: str, end: str, message: str
) -> None:
    """The message says which of the two ends it is, and on which day it was taken to be."""
    with pytest.raises(InvalidInput, match=message.replace("(", r"\(")):
        parse_interval(start, end, NOON)


@pytest.mark.parametrize(
    ("text", "now", "what"),
    [
        ("02:30", utc("2026-03-29 10:00"), "did not exist on 2026-03-29"),
        ("02:30", utc("2026-10-25 10:00"), "came twice on 2026-10-25"),
    ],
)
def test_times_that_the_clocks_skip_or_show_twice_are_not_guessed(
    berlin: None, text: str, now: float, what: str
) -> None:
    """With a zone each of them is one instant, and only then."""
    with pytest.raises(InvalidInput, match=what):
        parse_moment(text, now)
    assert parse_moment("2026-10-25T02:30+01:00", now) == utc("2026-10-25 01:30")


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00+14:00", "-999999999999d"])
@pytest.mark.parametrize("end", ["now", "14:02", "9999-12-31T23:59:59-14:00"])
def test_times_out_of_all_bounds_are_refused(berlin: None, start: str, end: str) -> None:
    """No arithmetic error reaches a user."""
    with pytest.raises(InvalidInput):
        parse_interval(start, end, NOON)
