"""`slochaos history`: the runs that the ledger knows, newest first."""

from __future__ import annotations

from typing import Annotated

import typer

from slochaos.cli.options import EnvironmentOption, Format, FormatOption


def history(
    environment: EnvironmentOption = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many runs.")] = 20,
    output: FormatOption = Format.TEXT,
) -> int:
    """List runs, newest first: when, how they ended, what they cost.

    Without --environment: the runs of all environments in this user's own ledger.
    """
    from slochaos.cli.environments import load_statically
    from slochaos.cli.failures import errors_as_document
    from slochaos.cli.streams import console, write_document
    from slochaos.guard.identity import host
    from slochaos.ledger.store import Ledger

    with errors_as_document(output is Format.JSON):
        chosen = load_statically(environment) if environment else None
        with Ledger(chosen.ledger if chosen else "") as ledger:
            ledger.reconcile(host())
            rows = ledger.history(limit, chosen.name if chosen else "")
    if output is Format.JSON:
        write_document({"runs": rows})
    else:
        from slochaos.reports.terminal import render_history

        render_history(rows, console())
    return 0
