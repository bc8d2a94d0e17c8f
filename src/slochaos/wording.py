"""How numbers read, everywhere the same: per cent, counts, spans of time. Pure; shares are 0-1."""

from __future__ import annotations

from fractions import Fraction

Share = Fraction | float

_SPANS = {3600: "hour", 86400: "day", 604800: "week"}


def percent(share: Share, unlike: Share | None = None) -> str:
    """ "61.2 %", with two decimals near 0 and 100 and "< 0.01 %" beyond: nothing is rounded into all or none.

    `unlike`: a share that the reader compares with; decimals are added until the two read differently.
    """
    if share == float("inf"):
        return "unknown"
    if share < 0:
        return f"-{percent(-share)}"
    value = float(100 * share)
    distance = min(value, abs(100 - value))
    if unlike is None or unlike == share:
        return _rounded(value, 1 if distance >= 1 else 2)
    other = float(100 * unlike)
    for digits in range(1 if distance >= 1 else 2, 9):
        if (text := _rounded(value, digits)) != _rounded(other, digits):
            return text
    return f"{'>' if share > unlike else '<'} {exact_percent(unlike)}"


def _rounded(value: float, digits: int) -> str:
    """The value in per cent, never rounded to 0 or 100 unless it is that."""
    step = 10.0**-digits
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    if text == "0" and value > 0:
        return f"< {step:.{digits}f} %"
    if text == "100" and value != 100:
        return f"> {100 - step:.{digits}f} %" if value < 100 else "> 100 %"
    return f"{_grouped(text)} %"


def _grouped(text: str) -> str:
    whole, dot, rest = text.partition(".")
    return f"{int(whole):,}{dot}{rest}"


def exact_percent(share: Share) -> str:
    """A target or a rule as it was written: "99.95 %"."""
    return f"{float(100 * share):.10g} %"


def count(events: Share) -> str:
    """ "6,012"; parts of a slice with two decimals, "2.33"."""
    parts = isinstance(events, Fraction) and events.denominator > 1
    return f"{float(events):,.{2 if parts else 0}f}"


def seconds(value_s: float) -> str:
    """ "38 ms", "1.8 s", "24 s", "5 min 2 s", "36 h", "15 days"."""
    if value_s < 1:
        return f"{value_s * 1000:.0f} ms"
    if value_s < 10:
        return f"{value_s:.1f}".removesuffix(".0") + " s"
    if value_s < 119.5:
        return f"{value_s:.0f} s"
    minutes, rest = divmod(round(value_s), 60)
    if minutes < 120:
        return f"{minutes} min" + (f" {rest} s" if rest else "")
    hours = minutes / 60
    if hours < 48:
        return f"{hours:.1f}".removesuffix(".0") + " h"
    return f"{hours / 24:.1f}".removesuffix(".0") + " days"


def window_name(window_s: int) -> str:
    """ "day" for 86400, "week" for 604800, else "30 days", "6 hours", "90 s"."""
    if window_s in _SPANS:
        return _SPANS[window_s]
    for span_s, name in sorted(_SPANS.items(), reverse=True)[1:]:
        if window_s % span_s == 0:
            return f"{window_s // span_s} {name}s"
    return seconds(window_s)
