"""The command line of the embedded Toxiproxy: `python -m slochaos.toxiproxy`, `slochaos toxiproxy`."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code.

    Flags: `--host HOST` (127.0.0.1), `--port PORT` (8474), `--config FILE` (Toxiproxy's JSON list of
    proxies), `--proxy NAME=LISTEN,UPSTREAM` (repeatable), `--prefer-installed`, `--allow-any-upstream`,
    `--listen-elsewhere`. Errors go to stderr in one message: 2 for the command line and files, 7 when
    an address cannot be listened on.
    """
    raise NotImplementedError(argv)
