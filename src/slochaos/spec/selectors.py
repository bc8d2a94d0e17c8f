"""Counter series selectors in Prometheus' own syntax: `http_requests_total{job="api",code=~"2.."}`.

Matching is Prometheus': a missing label is the empty string, a regular expression has to match the
whole value. One selector names one metric: good and total have to come from one metric family.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from slochaos.errors import InvalidInput
from slochaos.spec import patterns

Operator = Literal["=", "!=", "=~", "!~"]

MAX_LENGTH = 2000
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OPERATOR = re.compile(r"=~|!~|!=|=")
_SPACE = re.compile(r"[ \t\r\n]*")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`]*`')
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)", re.DOTALL)
_PLAIN_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_HINT = 'the form is name{label="value", other=~"regex"}'


@dataclass(frozen=True)
class Matcher:
    """One label condition. For `=~` and `!~`, `value` is a regular expression that `patterns` accepts."""

    label: str
    operator: Operator
    value: str

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels fulfils the condition."""
        actual = labels.get(self.label, "")
        is_regex = self.operator.endswith("~")
        hit = patterns.matches(self.value, actual) if is_regex else actual == self.value
        return hit != self.operator.startswith("!")

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.operator}"{escaped}"'


@dataclass(frozen=True)
class Selector:
    """A metric name and conditions on labels. `str()` gives text that parses to an equal selector."""

    name: str
    matchers: tuple[Matcher, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels fulfil every matcher.

        The metric's name is the caller's to compare: a histogram's series carry suffixes.
        """
        return all(matcher.matches(labels) for matcher in self.matchers)

    def __str__(self) -> str:
        inside = ",".join(map(str, self.matchers))
        return f"{self.name}{{{inside}}}" if inside else self.name


def parse(text: str) -> Selector:
    """Read a selector. Raises InvalidInput naming the column of the first thing that is wrong."""
    if len(text) > MAX_LENGTH:
        raise InvalidInput(f"the selector is longer than {MAX_LENGTH} characters", hint=_HINT)
    return _Parser(text).selector()


class _Parser:
    """One pass over the text; `at` is the next character's index."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def selector(self) -> Selector:
        self._take(_SPACE)
        name = self._take(_NAME)
        self._take(_SPACE)
        matchers = self._matchers() if self._skip("{") else []
        self._take(_SPACE)
        if self.at < len(self.text):
            raise self._error("is not expected here")
        named = [m for m in matchers if m.label == "__name__"]
        if named and (name or len(named) > 1 or named[0].operator != "="):
            raise InvalidInput("the metric's name has to be given once, as plain text", hint=_HINT)
        name = name or (named[0].value if named else "")
        if not _NAME.fullmatch(name):
            raise InvalidInput("the selector names no metric", hint=_HINT)
        return Selector(name, tuple(m for m in matchers if m.label != "__name__"))

    def _matchers(self) -> list[Matcher]:
        found: list[Matcher] = []
        while True:
            self._take(_SPACE)
            if self._skip("}"):
                return found
            if found and not self._skip(","):
                raise self._error("stands where ',' or '}' has to be")
            self._take(_SPACE)
            if found and self._skip("}"):
                return found
            found.append(self._matcher())

    def _matcher(self) -> Matcher:
        label = self._expect(_LABEL, "a label name")
        self._take(_SPACE)
        operator = cast("Operator", self._expect(_OPERATOR, "one of = != =~ !~"))
        self._take(_SPACE)
        start = self.at
        value = self._unquoted(self._expect(_QUOTED, "a quoted value"), start)
        if operator.endswith("~"):
            try:
                patterns.check(value)
            except InvalidInput as error:
                raise InvalidInput(f"column {start + 1}: {error.message}", hint=error.hint) from error
        return Matcher(label, operator, value)

    def _unquoted(self, quoted: str, start: int) -> str:
        if quoted[0] == "`":
            return quoted[1:-1]

        def plain(match: re.Match[str]) -> str:
            code = match[1]
            if code in ("\\", "'", '"') or code in _PLAIN_ESCAPES:
                return _PLAIN_ESCAPES.get(code, code)
            # \xHH and octals are bytes there: beyond ASCII they are no text by themselves.
            number = -1
            if code[0] in "uU" and len(code) > 1:
                number = int(code[1:], 16)
            elif len(code) == 3:
                number = int(code[1:], 16) if code[0] == "x" else int(code, 8)
                number = number if number < 0x80 else -1
            if not 0 <= number <= 0x10FFFF or 0xD800 <= number < 0xE000:
                raise InvalidInput(
                    f"column {start + 2 + match.start()}: \\{code} is no escape",
                    hint="a backslash is written \\\\, or put the value in `backticks`",
                )
            return chr(number)

        return _ESCAPE.sub(plain, quoted[1:-1])

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match[0]

    def _skip(self, character: str) -> bool:
        if not self.text.startswith(character, self.at):
            return False
        self.at += 1
        return True

    def _expect(self, pattern: re.Pattern[str], what: str) -> str:
        taken = self._take(pattern)
        if not taken:
            raise self._error(f"stands where {what} has to be")
        return taken

    def _error(self, what: str) -> InvalidInput:
        found = repr(self.text[self.at : self.at + 20]) if self.at < len(self.text) else "the end"
        return InvalidInput(f"column {self.at + 1}: {found} {what}", hint=_HINT)
