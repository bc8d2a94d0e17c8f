"""Chaos Toolkit experiments, read statically: no module of theirs is imported, no URL opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any


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
class PlannedFault:
    """One fault that the method or the rollbacks will ask for: `kind` and `parameters` are those of `faults/`.

    `starts_s` is its earliest start, in seconds from the method's (for rollbacks: from the method's end).
    """

    name: str
    kind: str
    target: str
    parameters: dict[str, Any]
    duration_s: float
    background: bool
    where: str
    starts_s: float = 0.0


@dataclass(frozen=True)
class Experiment:
    """A Chaos Toolkit experiment with slochaos's settings beside it.

    `document` is the experiment as written, for chaoslib. `foreign_actions` are `module.func`
    (`process:PATH`, `http:URL`, `control:MODULE`) of actions and controls that are not ours, outside
    the undo promise. `other_code` names what else the experiment runs: its probes and dynamic
    configuration, which are its author's promise not to change anything.
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
    other_code: tuple[str, ...] = ()
    asked_objectives: tuple[tuple[str, str], ...] = ()
    """Objectives that `slochaos.extension.probes` are asked about, each with its file:line."""


def load(path: Path, variables: Mapping[str, Any] | None = None) -> Experiment:
    """Read an experiment and the toxic presets that it names. `variables` are those of `--var`, `--var-file`.

    Raises InvalidInput. Nothing of the experiment is imported, run or fetched.
    """
    raise NotImplementedError
