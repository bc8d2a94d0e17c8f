"""Budget windows follow the calendar of their time zone."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.spec.calendars import Calendar, Unit

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: str = "Europe/Berlin") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def calendar(start: str, count: int, unit: Unit, zone: str = "Europe/Berlin") -> Calendar:
    return Calendar(datetime.fromisoformat(start), zone, count, unit)


@pytest.mark.parametrize(
    ("given_calendar", "instant", "begin", "end"),
    [
        (calendar("2024-01-01 00:00:00", 1, "M"), "2024-02-15 12:00:00", "2024-02-01", "2024-03-01"),
        (calendar("2024-01-01 00:00:00", 1, "Q"), "2024-05-31 23:59:59", "2024-04-01", "2024-07-01"),
        (calendar("2024-01-01 00:00:00", 1, "Y"), "2023-06-01 00:00:00", "2023-01-01", "2024-01-01"),
        (calendar("2024-01-01 00:00:00", 2, "w"), "2024-01-15 00:00:00", "2024-01-15", "2024-01-29"),
        (calendar("2024-01-31 00:00:00", 1, "M"), "2024-03-15 00:00:00", "2024-02-29", "2024-03-31"),
        (calendar("2024-01-01 09:30:00", 1, "d"), "2024-06-01 09:29:59", "2024-05-31 09:30:00", "2024-06-01 09:30:00"),
    ],
)  # fmt: skip
def test_the_window_that_holds_an_instant(
    given_calendar: Calendar, instant: str, begin: str, end: str
) -> None:
    """Months count from the start; a day that a month lacks is its last; windows go back before the start."""
    assert given_calendar.window_at(at(instant)) == (at(begin), at(end))


def test_days_have_23_and_25_hours_where_the_clocks_change() -> None:
    """A window of a day is the local day; a window of 24 hours is 24 hours."""
    days = calendar("2024-01-01 00:00:00", 1, "d")
    hours = calendar("2024-01-01 00:00:00", 24, "h")
    for day, length_h in (("2024-03-31", 23), ("2024-10-27", 25), ("2024-07-01", 24)):
        begin, end = days.window_at(at(f"{day} 12:00:00"))
        assert (begin, end - begin) == (at(day), length_h * 3600)
        begin, end = hours.window_at(at(f"{day} 12:00:00"))
        assert end - begin == 24 * 3600


def test_a_month_belongs_to_its_time_zone() -> None:
    """The same instant is in January in New York and in February in Berlin."""
    instant = at("2024-02-01 02:00:00")
    assert calendar("2024-01-01 00:00:00", 1, "M").window_at(instant)[0] == at("2024-02-01")
    new_york = calendar("2024-01-01 00:00:00", 1, "M", "America/New_York")
    assert new_york.window_at(instant)[0] == at("2024-01-01", "America/New_York")


@given(
    instant=st.floats(0, 4_000_000_000),
    count=st.integers(1, 40),
    unit=st.sampled_from(["m", "h", "d", "w", "M", "Q", "Y"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"]),
)
def test_every_instant_is_in_exactly_one_window(instant: float, count: int, unit: Unit, zone: str) -> None:
    """Windows hold what they are asked for, and each ends where the next begins."""
    windows = calendar("2024-02-29 02:30:00", count, unit, zone)
    begin, end = windows.window_at(instant)
    assert begin <= instant < end
    assert windows.window_at(end)[0] == end
