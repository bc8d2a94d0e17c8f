"""`python -m slochaos` is the `slochaos` command."""

from __future__ import annotations

from slochaos.cli.main import main

main()
