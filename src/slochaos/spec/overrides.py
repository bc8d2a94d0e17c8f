"""Overrides of the budget policy: a person who lets runs go on for a reason, until a time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from slochaos.errors import InvalidInput
from slochaos.spec.fields import Field
from slochaos.spec.moments import parse_instant
from slochaos.spec.nearest import did_you_mean
from slochaos.spec.nodes import quoted


@dataclass(frozen=True)
class Override:
    """Who overrides the policy, why, and until when (epoch seconds); of one objective, or of all where it is empty."""

    by: str
    reason: str
    until: float
    objective: str = ""


def read_overrides(field: Field, objectives: Collection[str]) -> tuple[Override, ...]:
    """`budget.overrides`: a list of `{by, reason, until, objective}`. Raises InvalidInput.

    An override that has ended is no error: it stays in the file as a note, and lets nothing pass.
    """
    return tuple(_override(each, objectives) for each in field.items())


def _override(field: Field, objectives: Collection[str]) -> Override:
    section = field.section(required=("by", "reason", "until"), optional=("objective",))
    return Override(
        by=section["by"].text().strip(),
        reason=section["reason"].text().strip(),
        until=_instant(section["until"]),
        objective=section.get("objective", lambda each: _known(each, objectives), ""),
    )


def _instant(field: Field) -> float:
    """YAML reads an unquoted time as a date: what counts is how it is written."""
    try:
        return parse_instant(field.scalar())
    except InvalidInput as problem:
        raise field.error(problem.message, "such as 2026-12-01T18:00:00Z, or with +01:00") from problem


def _known(field: Field, objectives: Collection[str]) -> str:
    name = field.text()
    if name not in objectives:
        hint = did_you_mean(name, objectives) or "the environment has no objectives"
        raise field.error(f"there is no objective {quoted(name)}", hint)
    return name
