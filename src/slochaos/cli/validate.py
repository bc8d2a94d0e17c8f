"""`slochaos validate`: files of every kind, read as a run would read them, and nothing else done."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slochaos.cli.options import EnvironmentOption, Format, FormatOption
from slochaos.errors import InvalidInput

if TYPE_CHECKING:
    from slochaos.spec.environment import Environment


def validate(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILES...", help="Files of any of these kinds.", show_default=False),
    ],
    environment: EnvironmentOption = "",
    output: FormatOption = Format.TEXT,
) -> int:
    """Check experiments, toxics, environments and SLO documents.

    Says which line to change. With --environment, experiments are also checked against what that
    environment allows. Reads files only: no module of an experiment is imported, no address opened. Exits
    with 2 if any file does not validate.
    """
    from slochaos.cli.failures import describe
    from slochaos.cli.streams import say, write, write_document

    checked: list[dict[str, Any]] = []
    for file in files:
        try:
            kind = check_file(file, environment)
        except InvalidInput as error:
            checked.append({"file": str(file), "valid": False, "error": describe(error)})
            say(f"Error: {error}")
        else:
            checked.append({"file": str(file), "valid": True, "kind": kind})
            if output is Format.TEXT:
                write(f"{file}: {kind}, valid")
    valid = all(entry["valid"] for entry in checked)
    if output is Format.JSON:
        write_document({"valid": valid, "files": checked})
    return 0 if valid else InvalidInput.exit_code


def check_file(path: Path, environment: str = "") -> str:
    """Load one file as what it is; its kind. Raises InvalidInput."""
    from slochaos.spec import documents, toxics

    kind = kind_of([document.data for document in documents.load_all(path)])
    if kind == "experiment":
        _check_experiment(path, environment)
    elif kind == "toxic":
        toxics.load(path)
    elif kind == "SLO document":
        _check_objectives(path, environment)
    elif kind == "environment":
        _environment(str(path.absolute()))
    else:
        raise InvalidInput(
            f"{path}:1: this is neither an experiment, a toxic, an environment nor an SLO document",
            hint="an experiment has a method, a toxic a proxy, an environment sources, "
            "an SLO document an apiVersion",
        )
    return kind


def kind_of(contents: list[Any]) -> str:
    """What a file's documents are, told by the keys that only that kind has; empty if nothing fits."""
    first = contents[0] if contents else None
    if not isinstance(first, dict):
        return ""
    if "apiVersion" in first:
        return "SLO document"
    if "method" in first or "steady-state-hypothesis" in first:
        return "experiment"
    if "proxy" in first:
        return "toxic"
    return "environment" if {"sources", "targets", "slos", "services"} & set(first) else ""


def _check_experiment(path: Path, environment: str) -> None:
    from slochaos.spec import experiment
    from slochaos.spec.admission import admit

    loaded = experiment.load(path)
    if environment:
        admit(loaded, _environment(environment))


def _check_objectives(path: Path, environment: str) -> None:
    """SLO documents take their variables from an environment: the one named, else the default one."""
    from slochaos.spec.openslo import load_objectives

    load_objectives([path], _environment(environment).variables)


def _environment(name: str) -> Environment:
    from slochaos.cli.environments import load_statically

    return load_statically(name)
