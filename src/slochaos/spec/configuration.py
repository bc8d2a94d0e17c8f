"""What `${name}` in an experiment will be, as far as it can be known without running anything."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from string import Template
from typing import Any

from slochaos.spec.fields import Field, Section
from slochaos.spec.nodes import Node


def static_values(root: Section, variables: Mapping[str, Any]) -> dict[str, str]:
    """Plain values, those of `--var`, and those from environment variables; secrets and probes stay unknown."""
    known: dict[str, str] = {}
    for name, field in root["configuration"].members().items() if "configuration" in root else ():
        value = variables.get(name, _declared(field))
        if isinstance(value, (str, int, float)):
            known[str(name)] = str(value)
    return known


def substituted(field: Field, known: Mapping[str, str]) -> Field:
    """The text with what is known filled in, as chaoslib will. Raises InvalidInput where something is unknown."""
    if not isinstance(field.node.value, str) or "$" not in field.node.value:
        return field
    text = Template(field.node.value).safe_substitute(known)
    if "${" in text:
        hint = "give it by --var, or as a value in the experiment's configuration"
        raise field.error(f"{text[:60]!r} is not known before the run", hint)
    return Field(field.document, field.path, Node(text, field.node.line, text))


def plain(field: Field, known: Mapping[str, str]) -> Any:
    """The value as plain data, with what is known filled in. Raises InvalidInput where something is unknown."""
    value = substituted(field, known).node.value
    if isinstance(value, dict):
        return {name: plain(each, known) for name, each in field.members().items()}
    return [plain(each, known) for each in field.items()] if isinstance(value, list) else value


def seconds_or_zero(pauses: Section | None, name: str, known: Mapping[str, str]) -> float:
    """A pause in seconds; 0 where it is unknown."""
    if pauses is None or name not in pauses:
        return 0.0
    value = pauses[name].node.value
    if isinstance(value, str):
        value = Template(value).safe_substitute(known)
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return seconds if seconds > 0 and math.isfinite(seconds) else 0.0


def _declared(field: Field) -> Any:
    """The configuration's own value, or that of the environment variable that it names; None for a probe."""
    if not isinstance(field.node.value, dict):
        return field.node.value
    section = field.open_section()
    if "type" not in section or section["type"].node.value != "env":
        return None
    default = section["default"].node.value if "default" in section else None
    return os.environ.get(section["key"].text(), default)
