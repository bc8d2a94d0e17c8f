"""What `${name}` in an experiment will be, as far as it can be known without running anything."""

from __future__ import annotations

import os
from collections.abc import Mapping
from string import Template
from typing import Any

from slochaos.spec.fields import Field, Section


def static_values(
    root: Section, variables: Mapping[str, Any], environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Plain values, those of `--var`, and those from environment variables; secrets and probes stay unknown."""
    environ = os.environ if environ is None else environ
    known: dict[str, str] = {}
    for name, field in root["configuration"].members().items() if "configuration" in root else ():
        value = variables.get(name, _declared(field, environ))
        if isinstance(value, (str, int, float)):
            known[str(name)] = str(value)
    return known


def substituted(field: Field, known: Mapping[str, str]) -> Field:
    """The text with what is known filled in, as chaoslib will. Raises InvalidInput where something is unknown."""
    if not isinstance(field.node.value, str) or "$" not in field.node.value:
        return field
    text = Template(field.node.value).safe_substitute(known)
    if "${" in text:
        raise field.error(
            f"{text[:60]!r} is not known before the run",
            "give it by --var, or a value in the experiment's configuration",
        )
    return Field(field.document, field.path, type(field.node)(text, field.node.line, text))


def seconds_or_zero(pauses: Section | None, name: str, known: Mapping[str, str]) -> float:
    """A pause in seconds; 0 where it is unknown."""
    if pauses is None or name not in pauses:
        return 0.0
    value = pauses[name].node.value
    if isinstance(value, str):
        value = Template(value).safe_substitute(known)
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return 0.0
    return seconds if 0 < seconds < float("inf") else 0.0


def _declared(field: Field, environ: Mapping[str, str]) -> Any:
    if not isinstance(field.node.value, dict):
        return field.node.value
    section = field.open_section()
    if "type" not in section or section["type"].node.value != "env":
        return None
    default = section["default"].node.value if "default" in section else None
    return environ.get(section["key"].text(), default)
