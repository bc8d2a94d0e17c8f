"""The command line: one module per command, each parses, calls, prints and returns an exit code.

At the top these modules import Typer and the standard library only; everything else is imported inside the
function that needs it, so that `slochaos --help` and shell completion answer at once.
"""

from __future__ import annotations

import gc

_COLLECT_AFTER = 50_000
"""New objects between two collections: modules and samples come by the million and make no cycles to look for."""

gc.set_threshold(_COLLECT_AFTER, 10, 10)  # here, before Typer comes: it is most of what `--help` takes
