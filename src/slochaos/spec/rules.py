"""slochaos's block in an experiment's `extensions`: what each objective has to keep, and how long to look."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from slochaos.errors import InvalidInput
from slochaos.spec.fields import Field, Section

EXTENSION = "slochaos"
BASELINE_S = 15.0
RECOVERY_S = 60.0

_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,9})?) ?%")


@dataclass(frozen=True)
class Rule:
    """What one objective has to keep during a run. Shares are exact fractions, 0-1.

    `hold`: the floor of the good share during the fault. `cost`: the largest share of the budget to spend.
    `hold_target`: `hold` is the objective's own target; `admission.admit` puts it into `hold`.
    """

    objective: str
    hold: Fraction | None = None
    cost: Fraction | None = None
    hold_target: bool = False
    where: str = ""


@dataclass(frozen=True)
class Settings:
    """The block, with its defaults."""

    rules: tuple[Rule, ...] = ()
    baseline_s: float = BASELINE_S
    recovery_s: float = RECOVERY_S


def parse_percent(text: str) -> Fraction:
    """`99.9%` is 999/1000, exact. Raises InvalidInput outside of 0 to 100 %."""
    match = _PERCENT.fullmatch(text)
    if match is None or Fraction(match[1]) > 100:
        raise InvalidInput(
            f"{text[:60]!r} is no percentage", hint='a share of 0 to 100 per cent, such as "5%"'
        )
    return Fraction(match[1]) / 100


def read_settings(root: Section) -> Settings:
    """The one block named `slochaos` among an experiment's extensions. Raises InvalidInput."""
    if "extensions" not in root or root["extensions"].node.value is None:
        return Settings()
    blocks = [
        each for each in root.items("extensions") if each.open_section()["name"].node.value == EXTENSION
    ]
    if len(blocks) > 1:
        raise blocks[1].error(f"a second block named {EXTENSION!r}, the first is at {blocks[0].where}")
    return _settings(blocks[0]) if blocks else Settings()


def _settings(block: Field) -> Settings:
    section = block.section(required=("name",), optional=("objectives", "baseline", "recovery"))
    objectives = section["objectives"].members() if "objectives" in section else {}
    return Settings(
        rules=tuple(_rule(str(name), field) for name, field in objectives.items()),
        baseline_s=section.get("baseline", Field.seconds, BASELINE_S),
        recovery_s=section.get("recovery", Field.seconds, RECOVERY_S),
    )


def _rule(objective: str, field: Field) -> Rule:
    section = field.section(optional=("hold", "cost"))
    if not section.members:
        raise field.error(
            "has no rule", 'add "hold": "99%", or "cost": "5%", or leave it out: all are measured'
        )
    own_target = "hold" in section and section["hold"].node.value is True
    if "hold" in section and not own_target and not isinstance(section["hold"].node.value, str):
        raise section["hold"].error(
            'has to be a percentage such as "99%", or true for the objective\'s target'
        )
    return Rule(
        objective=objective,
        hold=None if own_target else section.get("hold", _percent, None),
        cost=section.get("cost", _percent, None),
        hold_target=own_target,
        where=field.where,
    )


def _percent(field: Field) -> Fraction:
    if not isinstance(field.node.value, str):
        raise field.error('has to be a percentage in quotes, such as "5%"')
    return field.parsed(parse_percent)
