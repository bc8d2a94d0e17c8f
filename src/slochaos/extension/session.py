"""The guard and the environment as an experiment's own process finds them.

Under `slochaos run` the guard is there already. Under plain `chaos run` the first activity starts one for
this process: same allow-list, lock, undo and expiry; no policy and no verdict.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from slochaos.guard import client
from slochaos.guard.client import ExperimentClient

if TYPE_CHECKING:
    from slochaos.spec.environment import Environment

GUARD_SOCKET = "SLOCHAOS_GUARD_SOCKET"
EXPERIMENT = "SLOCHAOS_EXPERIMENT"
_SUFFIXES = (".json", ".yaml", ".yml")

_starting = threading.Lock()


def experiment_path() -> Path | None:
    """The experiment's file: told by `slochaos run`, else what `chaos run` was given; None when unknown."""
    told = os.environ.get(EXPERIMENT, "")
    candidates = [told] if told else [text for text in sys.argv[1:] if text.endswith(_SUFFIXES)]
    return next((Path(text) for text in reversed(candidates) if Path(text).is_file()), None)


def guard() -> ExperimentClient:
    """A connection to the run's guard, which is started where there is none. Close it after use.

    Raises InvalidInput, ServiceError, StateError, GuardError.
    """
    with _starting:
        socket = os.environ.get(GUARD_SOCKET, "")
        if not socket:
            # What only this needs is not imported under `slochaos run`, which waits for the child.
            from slochaos.extension.starting import guard_config

            client.start_for_this_process(guard_config(experiment_path())).close()
            socket = os.environ[GUARD_SOCKET]
    return client.connect(socket)


def seed() -> int:
    """What random failures are drawn by: the run's, or a new one under plain `chaos run`."""
    connection = guard()
    try:
        return int(connection.hello()["seed"])
    finally:
        connection.close()


def environment() -> Environment:
    """The environment that the guard was started with, objectives and sources included."""
    from slochaos.runner.loading import refilled

    connection = guard()
    try:
        hello = connection.hello()
    finally:
        connection.close()
    return refilled(Path(hello["environment_path"]), hello["variables"])
