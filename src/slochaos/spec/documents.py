"""Files that people write, read with limits and with the line of every value.

YAML and JSON alike: at most 1 MiB, 64 levels and 20,000 values, no aliases, anchors, tags or merge keys, no
key twice. YAML scalars of our own files are read as JSON would (`on`, `010`, `1_000` and dates are
text); experiments are read with PyYAML's types, because chaoslib reads them so.
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from slochaos.errors import InvalidInput
from slochaos.spec import json_nodes, variables
from slochaos.spec.nearest import did_you_mean
from slochaos.spec.nodes import MisreadError, Node, NodePath, map_text, path_text, plain

MAX_BYTES = 1024 * 1024

Types = Literal["json", "pyyaml"]
"""How plain YAML scalars become values: as JSON would, or as PyYAML (and so chaoslib) does."""


@dataclass(frozen=True)
class Document:
    """One parsed file: its values, and where each stands."""

    source: str
    root: Node

    @property
    def data(self) -> Any:
        """Plain dicts, lists and scalars."""
        return plain(self.root)

    def line(self, path: NodePath) -> int:
        """The line (from 1) of the value at this path, or of the closest parent that exists."""
        node = self.root
        for step in path:
            known = node.value if isinstance(node.value, dict) else dict(enumerate(_items(node)))
            if step not in known:
                break
            node = known[step]
        return node.line

    def where(self, path: NodePath) -> str:
        """`file:line` of the value at this path."""
        return f"{self.source}:{self.line(path)}"

    def error(self, path: NodePath, message: str, hint: str = "") -> InvalidInput:
        """An error to raise about the value at this path: `file:line: path: message`."""
        place = f"{path_text(path)}: " if path else ""
        return InvalidInput(f"{self.where(path)}: {place}{message}", hint=hint)

    def filled(self, values: Mapping[str, str]) -> Document:
        """The document with every `${name}` in its text values filled. Raises InvalidInput where unset."""

        def fill(node: Node, path: NodePath) -> Node:
            if "$" not in node.value:
                return node
            try:
                text = variables.fill(node.value, values)
            except InvalidInput as problem:
                raise self.error(path, problem.message, problem.hint) from problem
            return Node(text, node.line, text, filled=True)

        return replace(self, root=map_text(self.root, (), fill))


def load(path: Path, types: Types = "json") -> Document:
    """Read a file with one document. Raises InvalidInput, whatever the file holds."""
    documents = load_all(path, types)
    if len(documents) > 1:
        raise InvalidInput(
            f"{path}:{documents[1].root.line}: a second document begins here",
            hint="keep one document in this file",
        )
    return documents[0]


def load_all(path: Path, types: Types = "json") -> tuple[Document, ...]:
    """Read a file with one or more documents (YAML's `---`). Raises InvalidInput."""
    if path.suffix not in (".json", ".yaml", ".yml"):
        raise InvalidInput(f"{path}: the name has to end in .json, .yaml or .yml")
    text = _decoded(path, _read(path))
    try:
        roots = [json_nodes.parse(text)] if path.suffix == ".json" else _parse_yaml(text, types)
    except MisreadError as problem:
        raise InvalidInput(f"{path}:{problem.line}: {problem.message}", hint=problem.hint) from problem
    return tuple(Document(str(path), root) for root in roots)


def _parse_yaml(text: str, types: Types) -> list[Node]:
    from slochaos.spec import yaml_nodes  # here: the guard imports this module, and reads no file

    roots = yaml_nodes.parse(text) if types == "json" else yaml_nodes.parse_as_chaoslib(text)
    return [root for root in roots if root.value is not None] or _nothing()


def _nothing() -> list[Node]:
    raise MisreadError(1, "the file holds no value", "is it all comments?")


def _read(path: Path) -> bytes:
    """The file's bytes. Only regular files: a pipe or a device may never end."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise InvalidInput(f"{path} is {kind}", hint="name a .json or .yaml file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError as problem:
        raise InvalidInput(f"{path} does not exist", hint=_similar_file(path)) from problem
    except (OSError, ValueError) as problem:
        raise InvalidInput(
            f"{path} cannot be read: {getattr(problem, 'strerror', None) or problem}"
        ) from problem
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"{path} is larger than 1 MiB", hint="no file of ours needs to be that large")
    return content


def _decoded(path: Path, content: bytes) -> str:
    if content.startswith(b"\xef\xbb\xbf"):
        raise InvalidInput(f"{path}:1: begins with a byte order mark", hint="save it as UTF-8 without BOM")
    try:
        text = content.decode()
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise InvalidInput(
            f"{path}:{line}: not UTF-8 (byte {content[problem.start]:#04x})", hint="save it as UTF-8"
        ) from None
    if not text.strip():
        raise InvalidInput(f"{path}:1: the file is empty")
    return text


def _similar_file(path: Path) -> str:
    try:
        return did_you_mean(path.name, sorted(entry.name for entry in path.parent.iterdir()))
    except OSError:
        return f"there is no folder {path.parent} either"


def _items(node: Node) -> list[Node]:
    return node.value if isinstance(node.value, list) else []
