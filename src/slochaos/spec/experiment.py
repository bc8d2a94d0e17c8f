"""Chaos Toolkit experiments, read statically: no module of theirs is imported, no URL opened."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Rule:
    """What one objective has to keep during a run. Shares are exact fractions, 0-1.

    `hold`: the floor of the good share during the fault. `cost`: the largest share of the budget to spend.
    """

    objective: str
    hold: Fraction | None = None
    cost: Fraction | None = None


@dataclass(frozen=True)
class PlannedFault:
    """One fault that the method will ask for: `kind` and `parameters` are those of `faults/`."""

    name: str
    kind: str
    target: str
    parameters: dict[str, Any]
    duration_s: float
    background: bool
    where: str


@dataclass(frozen=True)
class Experiment:
    """A Chaos Toolkit experiment with slochaos's settings beside it.

    `document` is the experiment as written, for chaoslib. `foreign_actions` are `module.func` (or
    `process:PATH`, `http:URL`) of actions that are not ours, outside the undo promise.
    `method_s` is the least time that the method takes: faults in the foreground plus pauses.
    """

    name: str
    path: Path
    title: str
    document: dict[str, Any]
    rules: tuple[Rule, ...]
    faults: tuple[PlannedFault, ...]
    foreign_actions: tuple[str, ...]
    baseline_s: float
    recovery_s: float
    method_s: float
