"""A Prometheus rule file, as values and as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slochaos.alerts import promql
from slochaos.alerts.yaml_text import yaml_text


@dataclass(frozen=True)
class Recording:
    """Keeps the answer to an expression as a series of its own."""

    name: str
    expression: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def as_entry(self) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        return _entry("record", self.name, self.expression, labels=self.labels)


@dataclass(frozen=True)
class Alert:
    """Fires for each answer of the expression, once that has stood for `for_s`."""

    name: str
    expression: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    for_s: int = 0

    def as_entry(self) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        wait = {"for": promql.duration(self.for_s)} if self.for_s else {}
        return _entry(
            "alert", self.name, self.expression, **wait, labels=self.labels, annotations=self.annotations
        )


@dataclass(frozen=True)
class Group:
    """Rules that are evaluated one after the other, every `every_s` seconds."""

    name: str
    every_s: int
    rules: tuple[Recording | Alert, ...]


def template_text(text: str) -> str:
    """`text` to be shown as it is in a label or an annotation, where `{{` would begin a template.

    An SLO document's names are not trusted: a template may ask the server anything.
    """
    return text.replace("{{", '{{ "{{" }}')


def rule_file(groups: tuple[Group, ...], comments: tuple[str, ...]) -> str:
    """The YAML text. `comments` stand at its head, one line each."""
    document = {
        "groups": [
            {
                "name": group.name,
                "interval": promql.duration(group.every_s),
                "rules": [rule.as_entry() for rule in group.rules],
            }
            for group in groups
        ]
    }
    return yaml_text(document, comments)


def _entry(kind: str, name: str, expression: str, **rest: Any) -> dict[str, Any]:
    return {kind: name, "expr": expression, **{key: value for key, value in rest.items() if value}}
