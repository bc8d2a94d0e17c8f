"""The command line of the embedded Toxiproxy: `python -m slochaos.toxiproxy`, `slochaos toxiproxy`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slochaos.errors import InvalidInput, ServiceError, SlochaosError
from slochaos.toxiproxy.addresses import LOOPBACK, Limits, split
from slochaos.toxiproxy.errors import ApiError

INSTALLED = "toxiproxy-server"
MAX_CONFIG = 1024 * 1024


def main(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT; the exit code.

    Errors go to stderr in one message: 2 for the command line and files, 7 when an address cannot be
    listened on. `--prefer-installed` replaces this process by the real server where there is one.
    """
    options = _parser().parse_args(argv)
    try:
        _run(options)
    except SlochaosError as error:
        sys.stderr.write(f"toxiproxy: {error}\n")
        return error.exit_code
    return 0


def _run(options: argparse.Namespace) -> None:
    """Become the real server, or serve. Raises InvalidInput and ServiceError."""
    if not 0 <= options.port < 65536:
        raise InvalidInput(f"--port {options.port} is no port")
    proxies = [*_read_config(options.config), *(_read_proxy(text) for text in options.proxy)]
    upstreams = frozenset(str(proxy.get("upstream")) for proxy in proxies)
    limits = Limits(options.listen_elsewhere, options.allow_any_upstream, upstreams)
    installed = shutil.which(INSTALLED) if options.prefer_installed else None
    if installed:
        _check_listens(options.host, proxies, limits)
        _become(installed, options.host, options.port, proxies)
    # Imported here, so that becoming the real server costs little.
    from slochaos.toxiproxy.server import serve

    asyncio.run(serve(options.host, options.port, proxies, limits))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="slochaos toxiproxy",
        description="A Toxiproxy server with the HTTP API of toxiproxy-server 2.12, for machines without one.",
    )
    parser.add_argument("--host", default=LOOPBACK, help="where the API listens (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8474, help="its port; 0 takes a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="proxies to start with, Toxiproxy's JSON list"
    )
    parser.add_argument(
        "--proxy",
        action="append",
        default=[],
        metavar="NAME=LISTEN,UPSTREAM",
        help="a proxy to start with; repeatable",
    )
    parser.add_argument(
        "--prefer-installed", action="store_true", help=f"become {INSTALLED} if it is on PATH"
    )
    parser.add_argument(
        "--allow-any-upstream",
        action="store_true",
        help="relay to other machines than those named at the start",
    )
    parser.add_argument(
        "--listen-elsewhere",
        action="store_true",
        help="listen on other addresses than loopback; there is no password",
    )
    return parser


def _read_config(path: Path | None) -> list[dict[str, Any]]:
    """The proxies of a configuration file. Raises InvalidInput."""
    if path is None:
        return []
    try:
        with path.open("rb") as file:
            text = file.read(MAX_CONFIG + 1)
        if len(text) > MAX_CONFIG:
            raise InvalidInput(f"{path}: over {MAX_CONFIG} bytes")
        entries = json.loads(text)
    except OSError as error:
        raise InvalidInput(f"{path}: {error.strerror}", hint="--config names a JSON file") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path}: not JSON: {error}") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidInput(
            f"{path}: a list of proxies is expected", hint='[{"name": ..., "listen": ..., "upstream": ...}]'
        )
    return entries


def _read_proxy(text: str) -> dict[str, Any]:
    """The proxy of a `--proxy` flag. Raises InvalidInput."""
    name, equals, addresses = text.partition("=")
    listen, comma, upstream = addresses.partition(",")
    if not (name and equals and comma and upstream):
        raise InvalidInput(
            f"--proxy {text}: expected NAME=LISTEN,UPSTREAM", hint="db=127.0.0.1:6432,127.0.0.1:5432"
        )
    return {"name": name, "listen": listen, "upstream": upstream, "enabled": True}


def _check_listens(host: str, proxies: list[dict[str, Any]], limits: Limits) -> None:
    """The real server listens wherever it is told to: ask here. Raises InvalidInput."""
    try:
        limits.check_listen(host)
        for proxy in proxies:
            limits.check_listen(split(str(proxy.get("listen")))[0])
    except ApiError as error:
        raise InvalidInput(error.message) from error


def _become(binary: str, host: str, port: int, proxies: list[dict[str, Any]]) -> None:
    """Replace this process by the real server.

    Its configuration is an unlinked file that it inherits, so that nothing is left behind. Raises
    ServiceError.
    """
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps(proxies).encode())
        file.flush()
        file.seek(0)
        os.set_inheritable(file.fileno(), True)
        command = [binary, "-host", host, "-port", str(port), "-config", f"/dev/fd/{file.fileno()}"]
        try:
            # Unasked, the real server logs every connection at its finest level.
            os.execve(binary, command, {"LOG_LEVEL": "warn", **os.environ})  # noqa: S606
        except OSError as error:
            raise ServiceError(
                f"cannot start {binary}: {error.strerror}", hint="leave out --prefer-installed"
            ) from error
