"""Times as people write them: `14:02`, `2026-11-24T14:02:00Z`, `-15m`, `now`. Epoch seconds inside."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from slochaos.errors import InvalidInput
from slochaos.spec.durations import parse_duration

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)
_HINT = "14:02, 2026-11-24T14:02:00Z (or with +01:00), -15m, or now"


def parse_interval(start: str, end: str, now: float) -> tuple[float, float]:
    """What `--from` and `--to` say, the clock standing at `now`: (start, end), in this order and passed.

    A time of day is today's, yesterday's where that is still to come; as an end it is the first such time
    after the start. Raises InvalidInput for what is no time, for an end before its start, and for the future.
    """
    begin = _parse("--from", start, now)
    if begin < 0:
        raise InvalidInput(f"--from {start} is before 1970", hint=_HINT)
    if begin > now:
        raise InvalidInput(f"--from {start} is still to come", hint="name an interval that has passed")
    finish = begin if end.strip() == start.strip() else _parse("--to", end, now, after=begin)
    if finish == begin:
        raise InvalidInput(
            f"--from and --to are the same time, {end}",
            hint="an interval has a length: --from 14:02 --to 14:09; without --to it goes on until now",
        )
    if finish > now:
        following = f", {_day(finish)}," if _CLOCK.fullmatch(end) else ""
        raise InvalidInput(f"--to {end}{following} is still to come", hint="--to now, if it still goes on")
    if finish < begin:
        raise InvalidInput(
            f"--to {end} is not after --from {start}", hint="exchange the two, or write the date"
        )
    return begin, finish


def parse_moment(text: str, now: float, *, after: float | None = None) -> float:
    """Epoch seconds of one time, the clock standing at `now`; see `parse_interval`. Raises InvalidInput."""
    text = text.strip()
    if text == "now":
        return now
    if text.startswith("-"):
        return now - parse_duration(text[1:])
    if match := _CLOCK.fullmatch(text):
        return _time_of_day(text, [int(part or 0) for part in match.groups()], now, after)
    return parse_instant(text)


def parse_instant(text: str) -> float:
    """Epoch seconds of a date and time that says its zone. Raises InvalidInput."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as problem:
        raise InvalidInput(f"{text[:60]!r} is no time", hint=_HINT) from problem
    if moment.tzinfo is None:
        raise InvalidInput(
            f"{text[:60]!r} does not say in which zone",
            hint=f"{text[:60]}Z for UTC, or with +01:00 and the like",
        )
    return moment.timestamp()


def _parse(option: str, text: str, now: float, *, after: float | None = None) -> float:
    try:
        return parse_moment(text, now, after=after)
    except InvalidInput as problem:
        raise InvalidInput(f"{option} {problem.message}", hint=problem.hint) from problem


def _time_of_day(text: str, parts: list[int], now: float, after: float | None) -> float:
    """That time on the last day on which it has passed; given `after`, on the first day after it."""
    hour, minute, second = parts
    if hour > 23 or minute > 59 or second > 59:
        raise InvalidInput(f"{text!r} is no time of day", hint=_HINT)
    base = datetime.fromtimestamp(now if after is None else after)  # noqa: DTZ006 - local time is what is meant
    day = base.replace(hour=hour, minute=minute, second=second, microsecond=0)
    if after is None:
        return _local(text, day if day <= base else day - timedelta(days=1))
    return _local(text, day if day > base else day + timedelta(days=1))


def _local(text: str, naive: datetime) -> float:
    """Epoch seconds of a local time. It has to exist, and once only: clocks are changed twice a year."""
    first, second = (naive.replace(fold=fold).timestamp() for fold in (0, 1))
    if first == second:
        return first
    what = "came twice" if second > first else "did not exist"
    raise InvalidInput(
        f"{text!r} {what} on {naive:%Y-%m-%d}, when the clocks were changed", hint="give it with its zone"
    )


def _day(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s).strftime("%Y-%m-%d")  # noqa: DTZ006 - local time is what is meant
