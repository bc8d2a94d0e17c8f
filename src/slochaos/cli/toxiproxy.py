"""`slochaos toxiproxy`: the embedded Toxiproxy server, in the foreground."""

from __future__ import annotations

import typer

# Its own parser reads and explains the flags: they are the same as those of `python -m slochaos.toxiproxy`.
PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def toxiproxy(context: typer.Context) -> int:
    """Serve Toxiproxy's HTTP API on this machine, until Ctrl-C."""
    from slochaos.toxiproxy import main

    return main(context.args)
