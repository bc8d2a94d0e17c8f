"""The `slochaos` command, also as `python -m slochaos`: where its process begins.

Ctrl-C ends it as it ends a C program: at once, by the signal and without a traceback, also while it imports.
Python's own way, an exception at any instant of any thread's bookkeeping, cannot promise that. What must not
be cut short says so itself: a run (`runner.interrupts`), and undoing what dead runs left (`cli.finishing`).
"""

from __future__ import annotations

import signal

if (
    signal.getsignal(signal.SIGINT) is signal.default_int_handler
):  # else it is ignored on purpose, by `nohup` or `&`
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    """Import the command line and run one command."""
    from slochaos.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()
