"""`slochaos history`: the runs and incidents that the ledger knows, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from slochaos.cli.options import EnvironmentOption, Format, FormatOption

if TYPE_CHECKING:
    from slochaos.ledger.rows import HistoryRow, IncidentRow


def history(
    environment: EnvironmentOption = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 20,
    output: FormatOption = Format.TEXT,
) -> int:
    """List runs and incidents, newest first: when, how they ended, what they cost.

    Without --environment: those of all environments in this user's own ledger.
    """
    from slochaos.cli.environments import load_statically
    from slochaos.cli.failures import errors_as_document
    from slochaos.cli.streams import console, write_document
    from slochaos.identity import host
    from slochaos.ledger.incidents import Incidents
    from slochaos.ledger.store import Ledger

    with errors_as_document(output is Format.JSON):
        chosen = load_statically(environment) if environment else None
        location, name = (chosen.ledger, chosen.name) if chosen else ("", "")
        with Ledger(location) as ledger, Incidents(location) as kept:
            ledger.reconcile(host())
            runs, incidents = ledger.history(limit, name), kept.latest(limit, name)
    if output is Format.JSON:
        write_document({"runs": runs, "incidents": incidents})
    else:
        from slochaos.reports.terminal import render_history

        rows: list[HistoryRow | IncidentRow] = [*runs, *incidents]
        rows.sort(key=lambda row: row.started, reverse=True)
        render_history(rows[:limit], console())
    return 0
