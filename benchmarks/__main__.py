"""`make bench`: run every benchmark and print one table. Exit code 0 whatever the figures say."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import abort, kill, sequential, startup, toxiproxy_servers
from benchmarks.figures import Figure, table

BENCHMARKS: tuple[Callable[[Path], list[Figure]], ...] = (
    startup.measure,
    kill.measure,
    abort.measure,
    toxiproxy_servers.measure,
    sequential.measure,
)


def main() -> None:
    """Run them all, one after another."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="slochaos-bench-") as folder:
        for number, benchmark in enumerate(BENCHMARKS):
            own = Path(folder) / str(number)
            own.mkdir()
            print(f"measuring {benchmark.__module__.rpartition('.')[2]} ...", flush=True)
            figures += benchmark(own)
    print(table(figures))


if __name__ == "__main__":
    main()
