"""Arguments and options that several commands share, so that each is spelled and explained once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from slochaos.errors import InvalidInput


class Format(StrEnum):
    """How a command answers."""

    TEXT = "text"
    JSON = "json"


def known_environments() -> list[str]:
    """Names for shell completion."""
    files = Path("environments").glob("*.yaml")
    return sorted(path.stem for path in files if not path.stem.endswith(".slos"))


def known_runs() -> list[str]:
    """Run ids for shell completion, newest last."""
    return sorted(path.name for path in Path(".slochaos/runs").glob("*") if path.is_dir())


FormatOption = Annotated[
    Format,
    typer.Option("--format", help="text for people, json for one document on standard output."),
]
EnvironmentOption = Annotated[
    str,
    typer.Option(
        "--environment",
        "-e",
        metavar="NAME|FILE",
        help="The environment: environments/NAME.yaml. Default: $SLOCHAOS_ENVIRONMENT, then local.",
        autocompletion=known_environments,
        show_default=False,
    ),
]
SetOption = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Set a variable of the environment for this time. Repeatable.",
        show_default=False,
    ),
]
ExperimentArgument = Annotated[
    Path,
    typer.Argument(metavar="EXPERIMENT", help="A Chaos Toolkit experiment, a file.", show_default=False),
]
VarOption = Annotated[
    list[str],
    typer.Option(
        "--var",
        metavar="NAME[:TYPE]=VALUE",
        help="Set a variable of the experiment's configuration. Repeatable.",
        show_default=False,
    ),
]
VarFileOption = Annotated[
    list[Path],
    typer.Option(
        "--var-file",
        metavar="FILE",
        help="Read variables of the experiment from a file. Repeatable.",
        show_default=False,
    ),
]
AllowForeignOption = Annotated[
    list[str],
    typer.Option(
        "--allow-foreign",
        metavar="MODULE.FUNC",
        help="Allow an action that is not slochaos's own; slochaos cannot undo it. Repeatable.",
        show_default=False,
    ),
]
AllowLastingOption = Annotated[
    list[str],
    typer.Option(
        "--allow-lasting",
        metavar="FAULT",
        help="In a protected environment, allow a fault that would outlive this host. Repeatable.",
        show_default=False,
    ),
]
AllowUnderpoweredOption = Annotated[
    bool,
    typer.Option("--allow-underpowered", help="Go on when the traffic is too thin to decide every `hold`."),
]

SeedOption = Annotated[
    int | None,
    typer.Option(
        "--seed",
        min=0,
        max=2**31 - 1,
        metavar="N",
        help="Draw random failures as the run of this seed did. Default: a random one, which the result names.",
        show_default=False,
    ),
]


def assignments(pairs: list[str]) -> dict[str, str]:
    """`["a=1"]` as `{"a": "1"}`. Raises InvalidInput for a pair without a name or a `=`, or a name twice."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidInput(f"--set {pair}: no NAME=VALUE", hint="write it as --set resilience=off")
        if name in found:
            raise InvalidInput(f"--set {name} is given twice", hint="give each variable once")
        found[name] = value
    return found
