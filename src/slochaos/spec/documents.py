"""Files that people write, read with limits and with the line of every value.

YAML and JSON alike: at most 1 MiB, at most 64 levels deep, no aliases, anchors, tags or merge keys, no
key twice. YAML scalars of our own files are read as JSON would (`on`, `010`, `1_000` and dates are
text); experiments are read with PyYAML's types, because chaoslib reads them so.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from slochaos.errors import InvalidInput
from slochaos.spec.fields import Field
from slochaos.spec.nodes import Node, NodePath

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
        raise NotImplementedError

    def line(self, path: NodePath) -> int:
        """The line (from 1) of the value at this path, or of the closest parent that exists."""
        raise NotImplementedError

    def error(self, path: NodePath, message: str, hint: str = "") -> InvalidInput:
        """An error to raise about the value at this path: `file:line: path: message`."""
        raise NotImplementedError

    @property
    def field(self) -> Field:
        """The root as a Field, to be checked and read."""
        raise NotImplementedError

    def filled(self, values: Mapping[str, str]) -> Document:
        """The document with every `${name}` in its text values filled. Raises InvalidInput where unset."""
        raise NotImplementedError


def load(path: Path, types: Types = "json") -> Document:
    """Read a file with one document. Raises InvalidInput, whatever the file holds."""
    raise NotImplementedError


def load_all(path: Path) -> tuple[Document, ...]:
    """Read a file with one or more documents (YAML's `---`). Raises InvalidInput."""
    raise NotImplementedError
