"""What is asked for when a run is started: the command line's options as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from slochaos.spec.draws import new_seed

if TYPE_CHECKING:
    from slochaos.runner.command import MeasuredCommand
    from slochaos.spec.environment import Environment


@dataclass(frozen=True)
class RunRequest:
    """One `slochaos run` or `slochaos plan`.

    `environment` is what the command line named, empty where it named none: then SLOCHAOS_ENVIRONMENT
    counts, then `local`. A protected environment has to be named on the command line.
    `overrides` are `--set NAME=VALUE`; `variables` are `--var name[:type]=value` and `variable_files`
    `--var-file`, both as Chaos Toolkit's CLI takes them.
    `allow_foreign` lists `module.func` of actions that may run outside the undo promise.
    `allow_lasting` names faults that may outlive this host in a protected environment.
    `seed` draws the random failures of the experiment.
    `measured` is a command in the place of `experiment`; `given` an environment that no file describes.
    `command` is the command line to print under "run it again".
    """

    experiment: Path
    environment: str = ""
    overrides: Mapping[str, str] = field(default_factory=dict)
    variables: tuple[str, ...] = ()
    variable_files: tuple[Path, ...] = ()
    allow_foreign: tuple[str, ...] = ()
    allow_lasting: tuple[str, ...] = ()
    allow_underpowered: bool = False
    placebo: bool = False
    repeat: int = 1
    events_file: Path | None = None
    run_id: str = ""
    seed: int = field(default_factory=new_seed)
    measured: MeasuredCommand | None = None
    given: Environment | None = None

    def allowed_actions(self, foreign: tuple[str, ...]) -> tuple[str, ...]:
        """Those of others' actions that the command line allows: a command that is typed there is."""
        return foreign if self.measured is not None else self.allow_foreign

    command: str = ""
