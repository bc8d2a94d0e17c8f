"""Pieces of PromQL: numbers, durations, selectors, and every way to spell a bucket's bound.

Nothing is pasted into an expression that a selector's or a number's own text could leave.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Context, Decimal
from fractions import Fraction

from slochaos.spec.durations import format_duration
from slochaos.spec.selectors import Matcher, Selector

_EXACT = Context(prec=60)
_PLAIN_EXPONENTS = range(-3, 7)
"""Decimal exponents of numbers that no client library writes with an `e`: 0.001 to 9,999,999."""


def number(value: Fraction | int) -> str:
    """A number's plain decimal text. Targets, bounds and factors are decimals, so nothing is lost in 60 digits."""
    exact = Fraction(value)
    decimal = _EXACT.divide(Decimal(exact.numerator), Decimal(exact.denominator))
    text = f"{decimal:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(seconds: int) -> str:
    """Whole seconds as PromQL has them: `1h`, `1m30s`."""
    return format_duration(seconds)


def selected(selector: Selector, suffix: str = "", matchers: tuple[Matcher, ...] = ()) -> str:
    """The selector's text, with a suffix to its name (`_bucket`) and further matchers."""
    return str(replace(selector, name=selector.name + suffix, matchers=selector.matchers + matchers))


def bound_matcher(bound: Fraction) -> Matcher:
    """Matches `le` of the bucket with exactly this bound, however it is spelled.

    `0.3` is also `0.30`, 1 also `1.0` (Python, Java, Prometheus 3), 10^-5 also `1e-05` and `1.0E-5`. PromQL has no
    comparison of labels as numbers, and `le="1"` finds nothing where the library writes `1.0`.
    """
    spellings = [_decimal_spelling(number(bound))]
    exponent = Decimal(number(bound)).adjusted()
    if exponent not in _PLAIN_EXPONENTS:
        mantissa = _decimal_spelling(number(bound / Fraction(10) ** exponent))
        sign = "-" if exponent < 0 else r"\+?"
        spellings.append(f"{mantissa}[eE]{sign}0*{abs(exponent)}")
    return Matcher("le", "=~", "|".join(spellings))


def _decimal_spelling(text: str) -> str:
    """A pattern of the number in plain decimals, with zeros at its end or without."""
    whole, dot, rest = text.partition(".")
    if not dot:
        return rf"{whole}(\.0*)?"
    return rf"{'0?' if whole == '0' else whole}\.{re.escape(rest)}0*"
