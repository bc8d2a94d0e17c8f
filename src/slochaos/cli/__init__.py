"""The command line: one module per command, each parses, calls, prints and returns an exit code.

At the top these modules import Typer and the standard library only; everything else is imported inside the
function that needs it, so that `slochaos --help` and shell completion answer at once.
"""
