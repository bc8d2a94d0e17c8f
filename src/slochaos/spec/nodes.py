"""Values with the line they stand on: what YAML and JSON texts become first."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

MAX_DEPTH = 64
MAX_VALUES = 20_000
MAX_NUMBER_LENGTH = 300

NodePath = tuple[Any, ...]
"""Keys and indexes from the root to a value."""

_PLAIN_KEY = re.compile(r"[\w./-]{1,60}", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


class Node(NamedTuple):
    """One value. `value` is a dict or list of Nodes, or a scalar; `text` is a scalar as written.

    `line` is that of its key, in a mapping, so that a message points at the field's name.

    `filled` tells that a `${name}` was filled in, so that text may stand where a number has to be.
    """

    value: Any
    line: int
    text: str = ""
    filled: bool = False


class MisreadError(Exception):
    """A text that is not what it should be, at a line (from 1). `documents` turns it into InvalidInput."""

    def __init__(self, line: int, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.message = message
        self.hint = hint


def check_depth(depth: int, line: int) -> None:
    """Refuse nesting beyond MAX_DEPTH containers."""
    if depth > MAX_DEPTH:
        raise MisreadError(
            line, f"nested more than {MAX_DEPTH} levels deep", "no file of ours needs that depth"
        )


def check_count(count: int, line: int) -> None:
    """Refuse more than MAX_VALUES values: they take seconds to read, and no file needs them."""
    if count > MAX_VALUES:
        raise MisreadError(line, f"more than {MAX_VALUES} values", "split the file")


def check_text(text: str, line: int) -> str:
    """Refuse text that no file name, label or UTF-8 file can hold."""
    if "\0" in text or _SURROGATE.search(text):
        raise MisreadError(line, "text with a NUL character or half of a surrogate pair", "remove the escape")
    return text


def check_new_key(key: Any, known: dict[Any, Node], line: int, lines: dict[Any, int]) -> None:
    """Refuse a key that stood in this mapping before, naming both lines."""
    if key in known:
        raise MisreadError(
            line, f"the key {quoted(key)} stands twice, first at line {lines[key]}", "keep one of the two"
        )
    lines[key] = line


def read_number(text: str, line: int, *, whole: bool) -> int | float:
    """The number; whole ones stay exact, what is beyond a float is refused."""
    if len(text) > MAX_NUMBER_LENGTH:
        raise MisreadError(line, f"a number of {len(text)} characters")
    value = int(text) if whole else float(text)
    if not whole and not math.isfinite(value):
        raise MisreadError(line, f"the number {quoted(text)} is too large")
    return value


def plain(node: Node) -> Any:
    """The node's value as plain dicts, lists and scalars."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def map_text(node: Node, path: NodePath, change: Callable[[Node, NodePath], Node]) -> Node:
    """The tree with `change` applied to every text value (never to keys)."""
    if isinstance(node.value, dict):
        return Node({k: map_text(child, (*path, k), change) for k, child in node.value.items()}, node.line)
    if isinstance(node.value, list):
        return Node([map_text(child, (*path, i), change) for i, child in enumerate(node.value)], node.line)
    return change(node, path) if isinstance(node.value, str) else node


def path_text(path: Iterable[Any]) -> str:
    """`extensions[0].objectives.api`; keys with other characters are quoted."""
    parts = ""
    for step in path:
        if isinstance(step, int) and not isinstance(step, bool):
            parts += f"[{step}]"
        elif isinstance(step, str) and _PLAIN_KEY.fullmatch(step):
            parts += f".{step}"
        else:
            parts += f"[{quoted(step)}]"
    return parts.removeprefix(".")


def quoted(value: Any) -> str:
    """A user's value for a message: one line, short, control characters escaped."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:76]}...{text[-1]}"
