"""Command line: `python -m slochaos.prober --config FILE.yaml --port PORT [--set NAME=VALUE ...]`.

DATABASE_PASSWORD is the password of the SQL checks; PROBE_LOG (a file, optional) gets a line per event.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from slochaos.errors import InvalidInput, ServiceError, SlochaosError


def main(arguments: list[str] | None = None) -> int:
    """Probe until stopped; the exit code."""
    parser = argparse.ArgumentParser(prog="slochaos.prober", description="synthetic prober of a system")
    parser.add_argument("--config", type=Path, required=True, help="journeys and checks, a YAML file")
    parser.add_argument(
        "--port", type=int, required=True, help="loopback TCP port of /metrics, /counts, /health"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a variable of the file"
    )
    options = parser.parse_args(arguments)
    try:
        _probe(options.config, options.port, _overrides(options.set))
    except SlochaosError as error:
        print(f"slochaos.prober: {error}", file=sys.stderr)  # noqa: T201 - this is a command line
        return error.exit_code
    return 0


def _overrides(settings: list[str]) -> dict[str, str]:
    pairs = [setting.partition("=") for setting in settings]
    for name, separator, _ in pairs:
        if not separator or not name:
            raise InvalidInput(f"--set {name}: not of the form NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _probe(config_path: Path, port: int, overrides: dict[str, str]) -> None:
    from slochaos.prober.config import load

    config = load(config_path, overrides)
    try:
        from slochaos.prober.process import probe
    except ImportError as error:
        raise ServiceError(f"the prober needs {error.name}", hint='pip install "slochaos[local]"') from error
    environment = os.environ
    work = probe(config, port, environment.get("DATABASE_PASSWORD", ""), environment.get("PROBE_LOG", ""))
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(work)


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed: it halves the cost of a request."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop


if __name__ == "__main__":
    sys.exit(main())
