"""Durations as people write them: `300ms`, `20s`, `1m30s`, `24h`, `7d`."""

from __future__ import annotations

import re
from fractions import Fraction

from slochaos.errors import InvalidInput

UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
"""Milliseconds of each unit, largest first."""

_NUMBER = r"(\d{1,12}(?:\.\d{1,9})?)"
_DURATION = re.compile("".join(rf"(?:{_NUMBER}{unit})?" for unit in UNITS_MS), re.ASCII)
_HINT = "a number with a unit, such as 300ms, 20s, 1m30s, 24h or 7d"


def parse_exact(text: str) -> Fraction:
    """Seconds, exact: `0.3s` is 3/10. Raises InvalidInput for anything but a duration with its unit."""
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        hint = f'with its unit: "{text}s"' if re.fullmatch(_NUMBER, text, re.ASCII) else _HINT
        raise InvalidInput(f"{text[:60]!r} is not a duration", hint=hint)
    amounts = zip(match.groups(), UNITS_MS.values(), strict=True)
    return sum((Fraction(amount) * ms for amount, ms in amounts if amount), Fraction(0)) / 1000


def parse_duration(text: str) -> float:
    """Seconds. Raises InvalidInput; `0s` is a duration, limits are the caller's business."""
    return float(parse_exact(text))


def format_duration(seconds: float) -> str:
    """The shortest usual spelling, to the millisecond: `1m30s`, `250ms`, `2.5s`. Not negative."""
    rest = round(seconds * 1000)
    if 0 < rest < 1000:
        return f"{rest}ms"
    parts = []
    for unit in ("d", "h", "m"):
        amount, rest = divmod(rest, UNITS_MS[unit])
        if amount:
            parts.append(f"{amount}{unit}")
    if rest or not parts:
        parts.append(f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s")
    return "".join(parts)
