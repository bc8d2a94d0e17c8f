"""YAML text to nodes, from PyYAML's events: no aliases, anchors, tags or merge keys, no key twice.

Aliases are refused when they are met, before anything is built of them: a bomb costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from slochaos.spec.nodes import (
    MAX_DEPTH,
    MisreadError,
    Node,
    check_count,
    check_depth,
    check_new_key,
    check_text,
    quoted,
    read_number,
)

_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C, ten times as fast, where PyYAML has it. It takes some odd texts that chaoslib's refuses."""

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_JSON_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}

ReadScalar = Callable[[str, int], Any]
"""A plain (unquoted) scalar and its line, to a value."""


def parse(text: str) -> list[Node]:
    """The documents that the text holds, their scalars as JSON has them. Raises MisreadError."""
    return _parse(text, _json_scalar, _FAST)


def parse_as_chaoslib(text: str) -> list[Node]:
    """The documents as `yaml.safe_load`, and so chaoslib, has them. Raises MisreadError."""
    return _parse(text, _pyyaml_scalar(), yaml.SafeLoader)


def _parse(text: str, read_scalar: ReadScalar, parser: Any) -> list[Node]:
    try:
        return list(_documents(text, read_scalar, parser))
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        message = " ".join(filter(None, (problem.context, problem.problem)))
        if "maximum nesting" in message:  # libyaml's own limit, where it has one, is met before ours
            message = f"nested more than {MAX_DEPTH} levels deep ({message})"
        raise MisreadError(
            mark.line + 1 if mark else 1, f"not YAML: {message}", _tab_hint(text, mark)
        ) from problem
    except yaml.YAMLError as problem:
        raise MisreadError(1, f"not YAML: {' '.join(str(problem).split())}") from problem


def _json_scalar(text: str, line: int) -> Any:
    """A plain scalar as JSON has it: `on`, `010`, `1_000`, `.5` and dates are text."""
    if text in _JSON_WORDS:
        return _JSON_WORDS[text]
    number = _JSON_NUMBER.fullmatch(text)
    if not number:
        return text
    return read_number(text, line, whole=not (number[1] or number[2]))


def _pyyaml_scalar() -> ReadScalar:
    """A plain scalar as `yaml.safe_load`, and so chaoslib, has it: YAML 1.1 booleans, octals, dates."""
    loader: Any = yaml.SafeLoader("")

    def read(text: str, line: int) -> Any:
        try:
            tag = loader.resolve(yaml.ScalarNode, text, (True, False))
            return loader.construct_object(yaml.ScalarNode(tag, text))
        except (yaml.YAMLError, ValueError, OverflowError) as problem:
            raise MisreadError(
                line, f"{quoted(text)} is no value of YAML 1.1", "put it in quotes"
            ) from problem

    return read


@dataclass
class _Open:
    """A mapping or list whose end has not come yet."""

    line: int
    children: dict[Any, Node] | list[Node]
    key: Any = None
    has_key: bool = False
    key_lines: dict[Any, int] = field(default_factory=dict)

    def add(self, node: Node) -> None:
        """Take the next value; in a mapping, keys and values alternate."""
        if isinstance(self.children, list):
            self.children.append(node)
        elif self.has_key:
            line = self.key_lines[self.key]
            self.children[self.key] = Node(node.value, line, node.text)
            self.has_key = False
        else:
            self._take_key(node)

    def _take_key(self, node: Node) -> None:
        assert isinstance(self.children, dict)
        if isinstance(node.value, (dict, list)):
            raise MisreadError(
                node.line, "a key has to be one word, not a list or a mapping", "put it in quotes"
            )
        check_new_key(node.value, self.children, node.line, self.key_lines)
        self.key, self.has_key = node.value, True


def _documents(text: str, read_scalar: ReadScalar, parser: Any) -> Iterator[Node]:
    """Build nodes on a stack of our own: nesting costs no recursion."""
    open_nodes: list[_Open] = []
    for count, event in enumerate(yaml.parse(text, Loader=parser)):
        line = event.start_mark.line + 1 if event.start_mark else 1
        check_count(count, line)
        _refuse_references(event, line)
        if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            open_nodes.append(_Open(line, {} if isinstance(event, yaml.MappingStartEvent) else []))
            check_depth(len(open_nodes), line)
            continue
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            closed = open_nodes.pop()
            node = Node(closed.children, closed.line)
        elif isinstance(event, yaml.ScalarEvent):
            node = _scalar(event, line, read_scalar, as_key=_awaits_key(open_nodes))
        else:
            continue
        if open_nodes:
            open_nodes[-1].add(node)
        else:
            yield node


def _awaits_key(open_nodes: list[_Open]) -> bool:
    return bool(open_nodes) and isinstance(open_nodes[-1].children, dict) and not open_nodes[-1].has_key


def _scalar(event: yaml.ScalarEvent, line: int, read_scalar: ReadScalar, *, as_key: bool) -> Node:
    text = check_text(event.value, line)
    if not event.implicit[0]:
        return Node(text, line, text)
    if text == "<<" and as_key:
        raise MisreadError(line, "merge keys (<<) are not taken", "write the fields out")
    if as_key and read_scalar is _json_scalar:
        return Node(text, line, text)
    return Node(read_scalar(text, line), line, text)


def _refuse_references(event: yaml.Event, line: int) -> None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise MisreadError(
            line, "anchors (&) and aliases (*) are not taken", "write it out, or put it in quotes"
        )
    tag = getattr(event, "tag", None)
    if tag:
        raise MisreadError(
            line, f"the tag {quoted(tag)} is not taken", "put text that begins with ! in quotes"
        )


def _tab_hint(text: str, mark: Any) -> str:
    lines = text.split("\n")
    here = lines[mark.line] if mark and mark.line < len(lines) else ""
    return (
        "YAML takes no tabs; indent with spaces"
        if "\t" in here
        else "put text with special characters in quotes"
    )
