"""`slochaos show`: the record of one run, as it was printed when it ended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from slochaos.cli.options import Format, FormatOption, known_runs
from slochaos.errors import InvalidInput

if TYPE_CHECKING:
    from slochaos.record import Result


def show(
    run_id: Annotated[
        str,
        typer.Argument(
            metavar="[RUN]",
            help="A run's id. Default: the latest.",
            autocompletion=known_runs,
            show_default=False,
        ),
    ] = "",
    output: FormatOption = Format.TEXT,
) -> int:
    """Show the record of one run: as it was printed when it ended."""
    from slochaos.cli.failures import errors_as_document
    from slochaos.cli.streams import console, write_document
    from slochaos.paths import run_dir

    with errors_as_document(output is Format.JSON):
        result = _result(run_id)
    if output is Format.JSON:
        write_document(result.model_dump(mode="json", by_alias=True))
        return 0
    from slochaos.reports.terminal import render

    report = run_dir(result.run.id) / "report.html"
    render(result, console(), report=report if report.is_file() else None)
    return 0


def _result(run_id: str) -> Result:
    """The record: from the run's folder under the working directory, else from this user's ledger."""
    from slochaos.guard.identity import host
    from slochaos.ledger import result_file
    from slochaos.ledger.store import Ledger
    from slochaos.paths import RUN_ID, run_dir

    if run_id and not re.match(RUN_ID, run_id):
        raise InvalidInput(f"{run_id!r} is not a run's id", hint="slochaos history lists the runs")
    with Ledger() as ledger:
        ledger.reconcile(host())
        if not run_id:
            latest = next(iter(ledger.history(1)), None)
            if latest is None:
                raise InvalidInput("there is no run yet", hint="slochaos run EXPERIMENT makes one")
            run_id = latest.id
        path = run_dir(run_id) / "result.json"
        if not path.is_file():
            return ledger.get(run_id)
    return result_file.read(path)
