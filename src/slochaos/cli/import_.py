"""`slochaos import`: the SLO file of another tool, as OpenSLO."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from slochaos.errors import InvalidInput, StateError


class Tool(StrEnum):
    """Whose file it is."""

    SLOTH = "sloth"
    PYRRA = "pyrra"
    SLO_GENERATOR = "slo-generator"
    NOBL9 = "nobl9"


def import_(
    tool: Annotated[Tool, typer.Argument(help="Whose file it is.", show_default=False)],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Its SLO file.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write here instead of standard output."),
    ] = None,
    window: Annotated[
        str,
        typer.Option(
            "--window", metavar="DURATION", help="The budget's window, where the file names none: 28d."
        ),
    ] = "",
) -> int:
    """Turn another tool's SLOs into OpenSLO documents.

    Plain counts become exact selectors and histograms; other PromQL stays a query, which is extrapolated. What
    is kept, changed or left out is said on standard error, line by line. Exits with 2 if an objective had to be
    left out.
    """
    from slochaos.cli.streams import say, write
    from slochaos.spec.importers import tools
    from slochaos.spec.importers.writing import to_yaml

    result = tools.read(tool.value, file, window)
    for finding in result.findings:
        say(f"{finding}\n  -> {finding.fix}" if finding.fix else str(finding))
    if result.slos:
        text = to_yaml(result.slos, keep_variables=tool.value in tools.FILLS_VARIABLES)
        if output is None:
            write(text.rstrip("\n"))
        else:
            _write_new(output, text)
    return InvalidInput.exit_code if any(each.severity == "error" for each in result.findings) else 0


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:  # x: never over what somebody wrote
            file.write(text)
    except FileExistsError as problem:
        raise InvalidInput(
            f"{path} exists already, nothing was written", hint="choose another --output"
        ) from problem
    except OSError as problem:
        raise StateError(
            f"{path}: {problem.strerror}", hint="choose a folder that you can write"
        ) from problem
