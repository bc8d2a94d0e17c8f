"""What an export gives."""

from __future__ import annotations

from dataclasses import dataclass

from slochaos.errors import InvalidInput
from slochaos.spec.environment import Environment
from slochaos.spec.objectives import Objective


@dataclass(frozen=True)
class Exported:
    """A file's text, and what its reader has to know: what was left out, what is still to do."""

    text: str
    notes: tuple[str, ...] = ()


def watched(environment: Environment) -> tuple[Objective, ...]:
    """The objectives to export for. Raises InvalidInput if there are none."""
    if not environment.objectives:
        raise InvalidInput(f"{environment.path} names no objectives", hint="add 'slos' with an OpenSLO file")
    return environment.objectives
