"""Regular expressions of selectors: the part that RE2 (Prometheus) and Python's `re` read alike.

Anything else is refused, since it would select other series here than in Prometheus. `re` backtracks,
so the number of ways in which a pattern can match is bounded too: an SLO file must not hang a run.
"""

from __future__ import annotations

import functools
import math
import re

from slochaos.errors import InvalidInput

MAX_LENGTH = 500
MAX_WAYS_BITS = 25.0
"""log2 of the largest number of ways in which a pattern may match.

`*` and `+` count 6 bits (labels of some 100 characters), `?` counts 1, `{n}` its steps, `|` its branches.
"""

_UNBOUNDED_BITS = 6.0
_OPEN = re.compile(r"\((?:\?:|\?i:|\?P<[A-Za-z_][A-Za-z0-9_]*>|(?!\?))")
_REPEAT = re.compile(r"(?:[*+?]|\{([0-9]{1,4})(,([0-9]{0,4}))?\})\??")
_ONE = re.compile(r"\\(?:[dDwWsSbBtnrfv]|x[0-9a-fA-F]{2}|[!-/:-@\[-`{-~])|[^\\()\[\]{}*+?|]")
_SET = re.compile(r"\[\^?(?:\\(?:[dDwWsStnrfv]|x[0-9a-fA-F]{2}|[!-/:-@\[-`{-~])|[^\\\]\[&~|])+\]")
_NOT_ALIKE = "Prometheus and Python read this differently; use literals, classes, groups, | and quantifiers"
_TOO_MANY = "use fewer *, + and |, and no quantifier on a group that repeats or branches inside"


@functools.lru_cache(maxsize=8192)
def matches(pattern: str, value: str) -> bool:
    """Whether the pattern matches the whole value, as Prometheus anchors it. Scrapes ask the same again and again."""
    return _compiled(pattern).fullmatch(value) is not None


def check(pattern: str) -> None:
    """Raises InvalidInput, with the position in the pattern, for one that cannot be honoured."""
    if len(pattern) > MAX_LENGTH:
        raise InvalidInput(f"the regular expression is longer than {MAX_LENGTH} characters", hint=_TOO_MANY)
    if _Scan(pattern).ways_bits() > MAX_WAYS_BITS:
        raise InvalidInput("the regular expression can match in too many ways", hint=_TOO_MANY)
    try:
        _compiled(pattern)
    except (re.error, OverflowError) as problem:
        raise InvalidInput(f"not a regular expression: {problem}", hint=_NOT_ALIKE) from problem


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII | re.DOTALL)


class _Scan:
    """Walks the pattern once; bits add up along a sequence, branches add their own choice."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        if pattern.startswith("(?i)"):
            self.at = 4

    def ways_bits(self) -> float:
        bits = self._branches(depth=0)
        if self.at < len(self.pattern):
            raise self._error("closes no group")
        return bits

    def _branches(self, depth: int) -> float:
        if depth > 20:
            raise self._error("is nested too deep")
        total, branches = self._sequence(depth), 1
        while self.pattern.startswith("|", self.at):
            self.at += 1
            total += self._sequence(depth)
            branches += 1
        return total + math.log2(branches)

    def _sequence(self, depth: int) -> float:
        bits = 0.0
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            inside = self._item(depth)
            bits += inside + self._repeat(inside)
        return bits

    def _item(self, depth: int) -> float:
        if self._take(_OPEN):
            bits = self._branches(depth + 1)
            if not self.pattern.startswith(")", self.at):
                raise self._error("stands where ')' has to be")
            self.at += 1
            return bits
        if not (self._take(_SET) or self._take(_ONE)):
            raise self._error("is not taken here")
        return 0.0

    def _repeat(self, inside: float) -> float:
        """The bits that a quantifier at this place adds to an item with `inside` bits."""
        start = self.at
        match = self._take(_REPEAT)
        if match is None:
            return 0.0
        if self._take(_REPEAT):
            self.at = start
            raise self._error("is a quantifier on a quantifier")
        if match[0].startswith("?"):
            return 1.0
        exact = match[1] is not None and not match[2]
        if inside and not (exact and int(match[1]) <= 1):
            self.at = start
            raise self._error("repeats a group that repeats or branches inside")
        if match[1] is None:
            return _UNBOUNDED_BITS
        least, most = int(match[1]), match[3]
        if max(least, int(most or 0)) > 1000:
            self.at = start
            raise self._error("repeats more than 1000 times")
        if exact:
            return math.log2(max(least, 1))
        spread = int(most) - least + 1 if most else 0
        return min(_UNBOUNDED_BITS, math.log2(spread)) if spread > 0 else _UNBOUNDED_BITS

    def _take(self, token: re.Pattern[str]) -> re.Match[str] | None:
        match = token.match(self.pattern, self.at)
        if match:
            self.at = match.end()
        return match

    def _error(self, what: str) -> InvalidInput:
        found = repr(self.pattern[self.at : self.at + 12]) if self.at < len(self.pattern) else "the end"
        return InvalidInput(f"regular expression, character {self.at + 1}: {found} {what}", hint=_NOT_ALIKE)
