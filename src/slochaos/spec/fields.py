"""Checked reading of a document: every wrong value becomes one message with file, line and path."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

from slochaos.errors import InvalidInput
from slochaos.spec.documents import Document
from slochaos.spec.durations import format_duration, parse_exact
from slochaos.spec.nearest import did_you_mean, nearest
from slochaos.spec.nodes import Node, NodePath, quoted

T = TypeVar("T")
N = TypeVar("N", int, float)

DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_WHOLE = re.compile(r"-?[0-9]{1,15}")


@dataclass(frozen=True)
class Field:
    """One value of a document, to be read as what it has to be. Every method raises InvalidInput."""

    document: Document
    path: NodePath
    node: Node

    @classmethod
    def of(cls, document: Document) -> Field:
        """The document's root."""
        return cls(document, (), document.root)

    @property
    def where(self) -> str:
        """`file:line`."""
        return f"{self.document.source}:{self.node.line}"

    def error(self, message: str, hint: str = "") -> InvalidInput:
        """An error about this value, to be raised."""
        return self.document.error(self.path, message, hint)

    def section(
        self,
        *,
        required: Collection[str] = (),
        optional: Collection[str] = (),
        unknown: Callable[[InvalidInput], None] | None = None,
    ) -> Section:
        """A mapping with these fields and no others; `unknown` takes what is said of others, which are left out."""
        members = self.members()
        known = (*required, *optional)
        for name in [name for name in members if name not in known]:
            problem = members.pop(name).error("no field of that name", did_you_mean(str(name), known))
            if unknown is None:
                raise problem
            unknown(problem)
        for name in required:
            if name not in members:
                raise self.error(f"{quoted(name)} is missing")
        return Section(self, members)

    def open_section(self) -> Section:
        """A mapping whose other fields are somebody else's business."""
        return Section(self, self.members())

    def members(self) -> dict[Any, Field]:
        """A mapping's values by key."""
        if not isinstance(self.node.value, dict):
            raise self._wrong("a mapping")
        return {key: self._child(key, node) for key, node in self.node.value.items()}

    def items(self) -> list[Field]:
        """A list's values."""
        if not isinstance(self.node.value, list):
            raise self._wrong("a list")
        return [self._child(index, node) for index, node in enumerate(self.node.value)]

    def text(self) -> str:
        """Text that is not empty."""
        if not isinstance(self.node.value, str):
            quotes = f'put it in quotes: "{self.node.text}"' if self.node.text else ""
            raise self._wrong("text", quotes)
        if not self.node.value.strip():
            raise self.error("is empty")
        return self.node.value

    def scalar(self) -> str:
        """Text, a number or a boolean: as it is written."""
        if self.node.value is None or isinstance(self.node.value, (dict, list)):
            raise self._wrong("text or a number")
        return self.node.text

    def name(self) -> str:
        """A DNS label: lower-case letters, digits and dashes, at most 63."""
        text = self.text()
        if not DNS_LABEL.fullmatch(text):
            raise self.error(
                f"{quoted(text)} is no name", "lower-case letters, digits and dashes, at most 63"
            )
        return text

    def one_of(self, *choices: str) -> str:
        """One of a few words."""
        text = self.text()
        if text not in choices:
            raise self.error(f"{quoted(text)} is not one of {', '.join(choices)}", nearest(text, choices))
        return text

    def flag(self) -> bool:
        """`true` or `false`."""
        if not isinstance(self.node.value, bool):
            raise self._wrong("true or false")
        return self.node.value

    def whole(self, least: int, most: int) -> int:
        """A whole number within bounds."""
        number = self._number(_WHOLE, "a whole number")
        self._within(int(number), least, most, str)
        return int(number)

    def decimal(self) -> Fraction:
        """A number, exactly as written: 0.999 is 999/1000."""
        return self._number(_DECIMAL, "a plain number such as 0.999")

    def seconds(self, least: float = 0.0, most: float = 86_400.0) -> float:
        """A duration with its unit, in seconds, within bounds."""
        if isinstance(self.node.value, int | float) and not isinstance(self.node.value, bool):
            such = self.node.text if self.node.value > 0 else "20"
            raise self._wrong("a duration", f'in quotes, with its unit: "{such}s"')
        seconds = float(self.parsed(parse_exact))
        self._within(seconds, least, most, format_duration)
        return seconds

    def parsed(self, parse: Callable[[str], T]) -> T:
        """Text through a parser whose InvalidInput gets this value's file, line and path."""
        text = self.text()
        try:
            return parse(text)
        except InvalidInput as problem:
            raise self.error(problem.message, problem.hint) from problem

    def _child(self, key: Any, node: Node) -> Field:
        return Field(self.document, (*self.path, key), node)

    def _number(self, form: re.Pattern[str], what: str) -> Fraction:
        value = self.node.value
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not is_number and not (isinstance(value, str) and self.node.filled):
            raise self._wrong(what)
        if not form.fullmatch(self.node.text):
            raise self.error(f"{quoted(self.node.text)} is not {what}")
        return Fraction(self.node.text)

    def _within(self, value: N, least: N, most: N, show: Callable[[N], str]) -> None:
        if not least <= value <= most:
            raise self.error(f"{self.node.text} is outside of {show(least)} to {show(most)}")

    def _wrong(self, wanted: str, hint: str = "") -> InvalidInput:
        return self.error(f"is {_kind(self.node)}, has to be {wanted}", hint)


@dataclass(frozen=True)
class Section:
    """A mapping's fields by name."""

    field: Field
    members: dict[Any, Field]

    def __getitem__(self, name: str) -> Field:
        if name not in self.members:
            raise self.field.error(f"{quoted(name)} is missing")
        return self.members[name]

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def get(self, name: str, read: Callable[[Field], T], default: T) -> T:
        """The field read by `read`, or the default where it is absent."""
        return read(self.members[name]) if name in self.members else default

    def items(self, name: str) -> Iterator[Field]:
        """The list in this field; nothing where it is absent."""
        yield from self.members[name].items() if name in self.members else ()

    def exactly_one(self, *names: str) -> str:
        """Which one of these fields is there. Raises InvalidInput unless it is exactly one."""
        present = [name for name in names if name in self.members]
        if len(present) != 1:
            found = " and ".join(present) or "none"
            raise self.field.error(f"has to have exactly one of {', '.join(names)}, has {found}")
        return present[0]


def _kind(node: Node) -> str:
    value = node.value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    return f"the number {node.text}" if isinstance(value, (int, float)) else f"the date {node.text}"
