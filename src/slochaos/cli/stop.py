"""`slochaos stop`: end a run from another terminal; its faults are undone first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from slochaos.cli.options import Format, FormatOption, known_runs
from slochaos.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence


def stop(
    run_id: Annotated[
        str,
        typer.Argument(metavar="[RUN]", help="A run's id.", autocompletion=known_runs, show_default=False),
    ] = "",
    *,
    all_: Annotated[bool, typer.Option("--all", help="Every run of this user that is going on.")] = False,
    why: Annotated[str, typer.Option("--why", help="Said in the run's record.")] = "",
    output: FormatOption = Format.TEXT,
) -> int:
    """Stop a run from another terminal; its faults are undone.

    No further fault is injected, what is in force is undone and verified. Returns when the faults are
    undone. The run itself ends with exit code 5, aborted.
    """
    from slochaos.cli.failures import errors_as_document
    from slochaos.cli.streams import write, write_document
    from slochaos.guard import control
    from slochaos.paths import state_dir

    with errors_as_document(output is Format.JSON):
        if bool(run_id) is all_:
            raise InvalidInput("stop needs one run, or --all", hint="slochaos status lists the runs")
        stopped = control.stop(state_dir(), run_id or None, why)
    if output is Format.JSON:
        write_document({"stopped": stopped})
    else:
        write(_sentence(stopped))
    return 0


def _sentence(stopped: Sequence[str]) -> str:
    return f"Stopped, everything undone: {', '.join(stopped)}" if stopped else "No run is going on."
