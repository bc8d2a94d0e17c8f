"""Values with the line they stand on: what YAML and JSON texts become first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

NodePath = tuple[Any, ...]
"""Keys and indexes from the root to a value."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value. `value` is a dict or list of Nodes, or a scalar; `text` is a scalar as written.

    `filled` tells that a `${name}` was filled in, so that text may stand where a number has to be.
    """

    value: Any
    line: int
    text: str = ""
    filled: bool = False
