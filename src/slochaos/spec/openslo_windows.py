"""OpenSLO's durations and time windows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from zoneinfo import ZoneInfo

from slochaos.spec.calendars import Calendar, Unit
from slochaos.spec.fields import Field
from slochaos.spec.nodes import quoted
from slochaos.spec.openslo_profile import Reading

_DAY_S = 86_400
_UNITS_S = {
    "m": 60,
    "h": 3600,
    "d": _DAY_S,
    "w": 7 * _DAY_S,
    "M": 30 * _DAY_S,
    "Q": 90 * _DAY_S,
    "Y": 365 * _DAY_S,
}
"""Rolling months, quarters and years are 30, 90 and 365 days."""

_MOST_S = 100 * 366 * _DAY_S
_DURATION = re.compile(r"([0-9]{1,6})([mhdwMQY])")
_START = "%Y-%m-%d %H:%M:%S"
_USUAL_WINDOW = "30d"


@dataclass(frozen=True)
class TimeWindow:
    """A budget's window as written, its (usual) length, and its calendar unless it rolls."""

    text: str
    seconds: int
    calendar: Calendar | None = None


def seconds_of(field: Field) -> int:
    """`<int>` with one of m h d w M Q Y, in seconds; more than 0. Raises InvalidInput."""
    count, unit = _duration(field)
    return count * _UNITS_S[unit]


def slice_seconds(field: Field, reading: Reading) -> int:
    """A `timeSliceWindow`. The specification also has a bare number of minutes, which its SDK refuses."""
    if isinstance(field.node.value, int) and not isinstance(field.node.value, bool):
        reading.mistake(field.error(f"{field.node.text} has no unit", f"{field.node.text}m"))
        return 60 * field.whole(1, 1_000_000)
    return seconds_of(field)


def time_window(windows: Field | None, slo: Field, reading: Reading) -> TimeWindow:
    """The one entry of an SLO's `timeWindow`. Raises InvalidInput; a missing one may be a warning."""
    if windows is None:
        reading.mistake(
            slo.error(
                "'timeWindow' is missing", f"timeWindow: [{{duration: {_USUAL_WINDOW}, isRolling: true}}]"
            )
        )
        return TimeWindow(_USUAL_WINDOW, 30 * _DAY_S)
    entries = windows.items()
    if len(entries) != 1:
        raise windows.error(f"has {len(entries)} entries, OpenSLO wants exactly one")
    section = reading.section(entries[0], required=("duration",), optional=("isRolling", "calendar"))
    duration = section["duration"]
    seconds = seconds_of(duration)
    if not section.get("isRolling", Field.flag, False):
        if "calendar" not in section:
            raise entries[0].error("has no 'calendar' and does not roll", "add isRolling: true")
        return TimeWindow(duration.text(), seconds, _calendar(section["calendar"], duration, reading))
    if "calendar" in section:
        raise section["calendar"].error(
            "a rolling window has no calendar", "isRolling: false, or no calendar"
        )
    return TimeWindow(duration.text(), seconds)


def _duration(field: Field) -> tuple[int, Unit]:
    text = field.text()
    match = _DURATION.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise field.error(
            f"{quoted(text)} is no duration of OpenSLO", "a number with one of m h d w M Q Y: 7d"
        )
    if int(match[1]) * _UNITS_S[match[2]] > _MOST_S:
        raise field.error(f"{text} is more than a century")
    return int(match[1]), cast("Unit", match[2])


def _calendar(field: Field, duration: Field, reading: Reading) -> Calendar:
    section = reading.section(field, required=("startTime", "timeZone"))
    count, unit = _duration(duration)
    return Calendar(_start(section["startTime"]), _zone(section["timeZone"]), count, unit)


def _start(field: Field) -> datetime:
    text = field.text()
    try:
        start = datetime.strptime(text, _START)  # noqa: DTZ007  local by its own time zone
    except ValueError:
        raise field.error(
            f"{quoted(text)} is no date with time", "2024-01-01 00:00:00, without offset"
        ) from None
    if not 1970 <= start.year <= 2200:
        raise field.error(f"{start.year} is outside of 1970 to 2200")
    return start


def _zone(field: Field) -> str:
    name = field.text()
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise field.error(
            f"{quoted(name)} is no time zone of the IANA database", "Europe/Berlin, America/New_York, UTC"
        ) from None
    return name
