"""`slochaos show`: the record of one run or incident, as it was printed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from slochaos.cli.options import EnvironmentOption, Format, FormatOption, known_runs
from slochaos.errors import InvalidInput

if TYPE_CHECKING:
    from slochaos.incident import Incident
    from slochaos.ledger.store import Ledger
    from slochaos.record import Result


def show(
    run_id: Annotated[
        str,
        typer.Argument(
            metavar="[RUN|INCIDENT]",
            help="A run's id, or an incident's. Default: the latest run.",
            autocompletion=known_runs,
            show_default=False,
        ),
    ] = "",
    environment: EnvironmentOption = "",
    output: FormatOption = Format.TEXT,
) -> int:
    """Show the record of one run as it was printed when it ended, or of an incident that charge kept.

    Without --environment: looks in this user's own ledger.
    """
    from slochaos.cli.environments import load_statically
    from slochaos.cli.failures import errors_as_document
    from slochaos.cli.streams import console, write_record
    from slochaos.incident import Incident

    with errors_as_document(output is Format.JSON):
        location = load_statically(environment).ledger if environment else ""
        found = _found(run_id, location)
    if output is Format.JSON:
        write_record(found)
    elif isinstance(found, Incident):
        from slochaos.reports.incident import render_incident

        render_incident(found, console())
    else:
        _render(found)
    return 0


def _found(run_id: str, location: str) -> Result | Incident:
    """From the run's folder under the working directory, else from the ledger."""
    from slochaos.identity import host
    from slochaos.ledger import result_file
    from slochaos.ledger.incidents import INCIDENT_ID, Incidents
    from slochaos.ledger.store import Ledger
    from slochaos.paths import RUN_ID, run_dir

    if run_id and not re.fullmatch(INCIDENT_ID, run_id):
        raise InvalidInput(f"{run_id!r} is no id", hint="slochaos history lists runs and incidents")
    with Ledger(location) as ledger, Incidents(location) as incidents:
        ledger.reconcile(host())
        run_id = run_id or _latest(ledger)
        path = run_dir(run_id) / "result.json"
        if re.match(RUN_ID, run_id) and path.is_file():
            return result_file.read(path)
        return incidents.get(run_id) or ledger.get(run_id)


def _latest(ledger: Ledger) -> str:
    latest = next(iter(ledger.history(1)), None)
    if latest is None:
        raise InvalidInput("there is no run yet", hint="slochaos run EXPERIMENT makes one")
    return latest.id


def _render(result: Result) -> None:
    from slochaos.cli.streams import console
    from slochaos.paths import run_dir
    from slochaos.reports.terminal import render

    report = run_dir(result.run.id) / "report.html"
    render(result, console(), report=report if report.is_file() else None)
