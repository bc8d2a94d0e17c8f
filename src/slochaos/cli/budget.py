"""`slochaos budget`: what runs and incidents took from each error budget, and when it comes back."""

from __future__ import annotations

from slochaos.cli.options import EnvironmentOption, Format, FormatOption


def budget(environment: EnvironmentOption = "", output: FormatOption = Format.TEXT) -> int:
    """Show what runs and incidents took from each error budget, and what is left.

    Also which runs went on although the policy objected, and by whose override.
    """
    from slochaos import clock
    from slochaos.cli.environments import load_statically
    from slochaos.cli.failures import errors_as_document
    from slochaos.cli.streams import console, write_document
    from slochaos.ledger.store import Ledger

    with errors_as_document(output is Format.JSON):
        chosen = load_statically(environment)
        with Ledger(chosen.ledger) as ledger:
            rows = ledger.budget(chosen.name, clock.wall())
            overrides = ledger.overrides(chosen.name)
    scope = chosen.budget.scope
    if output is Format.JSON:
        write_document(
            {"environment": chosen.name, "scope": scope, "objectives": rows, "overrides": overrides}
        )
    else:
        from slochaos.reports.terminal import render_budget

        render_budget(rows, console(), overrides=overrides, environment=chosen.name, scope=scope)
    return 0
