"""JSON text to nodes: RFC 8259 and nothing more, so no NaN, no trailing comma, no comment, no key twice."""

from __future__ import annotations

import re
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from slochaos.spec.nodes import (
    MisreadError,
    Node,
    check_count,
    check_depth,
    check_new_key,
    check_text,
    quoted,
    read_number,
)

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![0-9A-Za-z_.+-])")
_WORD = re.compile(r"[-+.\w]+")
_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def parse(text: str) -> Node:
    """The one value that the text holds. Raises MisreadError."""
    reader = _Reader(text)
    node = reader.value(depth=1)
    reader.skip_space()
    if reader.at < len(text):
        raise reader.error(f"{reader.found()} after the end of the document")
    return node


class _Reader:
    """One pass over the text; `at` is the next character's index, `line` the line that it is on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.count = 0

    def value(self, depth: int) -> Node:
        self.skip_space()
        line = self.line
        self.count += 1
        check_count(self.count, line)
        start = self.text[self.at : self.at + 1]
        if start in ("{", "["):
            check_depth(depth, line)
            self.at += 1
            return Node(self._object(depth) if start == "{" else self._array(depth), line)
        if start == '"':
            text = self._string()
            return Node(text, line, text)
        return self._scalar(line)

    def _object(self, depth: int) -> dict[str, Node]:
        children: dict[str, Node] = {}
        lines: dict[Any, int] = {}
        while self._more("}", first=not children):
            self.skip_space()
            line = self.line
            if not self.text.startswith('"', self.at):
                raise self.error(f"{self.found()} stands where a key in double quotes has to be")
            key = self._string()
            check_new_key(key, children, line, lines)
            self.skip_space()
            if not self.text.startswith(":", self.at):
                raise self.error(f"{self.found()} stands where ':' has to be")
            self.at += 1
            node = self.value(depth + 1)
            children[key] = Node(node.value, line, node.text)
        return children

    def _array(self, depth: int) -> list[Node]:
        children: list[Node] = []
        while self._more("]", first=not children):
            children.append(self.value(depth + 1))
        return children

    def _more(self, end: str, *, first: bool) -> bool:
        """Whether another member follows; consumes the comma, or the end."""
        self.skip_space()
        character = self.text[self.at : self.at + 1]
        if character == end:
            self.at += 1
            return False
        if first:
            return True
        if character != ",":
            raise self.error(f"{self.found()} stands where ',' or '{end}' has to be")
        self.at += 1
        self.skip_space()
        if self.text.startswith(end, self.at):
            raise self.error(f"a comma before '{end}'", "JSON takes no trailing comma")
        return True

    def _string(self) -> str:
        try:
            text, end = scanstring(self.text, self.at + 1, True)
        except JSONDecodeError as problem:
            raise MisreadError(problem.lineno, f"text in quotes: {problem.msg.lower()}") from problem
        self.at = end
        return check_text(text, self.line)

    def _scalar(self, line: int) -> Node:
        number = _NUMBER.match(self.text, self.at)
        if number:
            self.at = number.end()
            return Node(read_number(number[0], line, whole=not (number[1] or number[2])), line, number[0])
        word = _WORD.match(self.text, self.at)
        if word and word[0] in _LITERALS:
            self.at = word.end()
            return Node(_LITERALS[word[0]], line, word[0])
        raise self.error(f"{self.found()} is not a JSON value", "text stands in double quotes")

    def skip_space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        if match:
            self.line += match[0].count("\n")
            self.at = match.end()

    def found(self) -> str:
        word = _WORD.match(self.text, self.at)
        rest = word[0] if word else self.text[self.at : self.at + 1]
        return quoted(rest) if rest else "the end of the file"

    def error(self, message: str, hint: str = "") -> MisreadError:
        return MisreadError(self.line, message, hint)
