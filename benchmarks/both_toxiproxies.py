"""The embedded Toxiproxy server and the real one, side by side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.toxiproxy_servers import NoGo, ToxiproxyServerProcess, real_binary, start_embedded, start_real


@contextmanager
def both_servers(folder: Path) -> Iterator[list[ToxiproxyServerProcess]]:
    """The embedded one, then the real one; none, and a line that says why, where there is no Go."""
    os.environ.setdefault("LOG_LEVEL", "warn")  # the real server logs every connection otherwise
    try:
        binary = real_binary()
    except NoGo as error:
        print(f"no real toxiproxy-server to compare with: {error}")
        yield []
        return
    servers = [start_embedded(folder / "embedded.log")]
    try:
        servers.append(start_real(folder / "real.log", binary))
        yield servers
    finally:
        for server in servers:
            server.end()
