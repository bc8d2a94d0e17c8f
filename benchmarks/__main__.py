"""`make bench`: run every benchmark, or those named, and print one table. Exit code 0 whatever the figures say."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import (
    abort,
    kill,
    latency_precision,
    reaction,
    sequential,
    slo_check,
    startup,
    stress_precision,
    toxiproxy_servers,
)
from benchmarks.figures import Figure, table

BENCHMARKS: tuple[Callable[[Path], list[Figure]], ...] = (
    startup.measure,
    kill.measure,
    abort.measure,
    toxiproxy_servers.measure,
    latency_precision.measure,
    stress_precision.measure,
    reaction.measure,
    sequential.measure,
    slo_check.measure,
)


def main() -> None:
    """Run them all, or those named on the command line, one after another."""
    named = {benchmark.__module__.rpartition(".")[2]: benchmark for benchmark in BENCHMARKS}
    if unknown := set(sys.argv[1:]) - named.keys():
        raise SystemExit(f"no benchmark is called {', '.join(sorted(unknown))}: there are {', '.join(named)}")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="slochaos-bench-") as folder:
        for name in sys.argv[1:] or named:
            own = Path(folder) / name
            own.mkdir()
            print(f"measuring {name} ...", flush=True)
            figures += named[name](own)
    print(table(figures))


if __name__ == "__main__":
    main()
