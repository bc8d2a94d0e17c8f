"""The guard and the environment as an experiment's own process finds them.

Under `slochaos run` the guard is there already. Under plain `chaos run` the first activity starts one for
this process: same allow-list, lock, undo and expiry; no policy and no verdict.
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
from pathlib import Path

from slochaos import paths
from slochaos.errors import Refused
from slochaos.guard import client
from slochaos.guard.client import ExperimentClient
from slochaos.guard.config import GuardConfig
from slochaos.runner.folder import RunFolder, new_run_id
from slochaos.runner.loading import refilled, resolve
from slochaos.spec import environment as environments
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
            client.start_for_this_process(_config()).close()
            socket = os.environ[GUARD_SOCKET]
    return client.connect(socket)


def environment() -> Environment:
    """The environment that the guard was started with, objectives and sources included."""
    connection = guard()
    try:
        hello = connection.hello()
    finally:
        connection.close()
    return refilled(Path(hello["environment_path"]), hello["variables"])


def _config() -> GuardConfig:
    experiment = experiment_path()
    name = os.environ.get("SLOCHAOS_ENVIRONMENT", "") or "local"
    file = environments.read(environments.find(name, experiment))
    if file.protected:
        raise Refused(
            f"the environment {name!r} is protected: it has to be named on the command line of slochaos",
            hint=f"slochaos run EXPERIMENT --environment {name}",
            reason="protected",
        )
    run_id = new_run_id()
    folder = RunFolder.make(run_id)
    folder.give_back_reserve()
    return GuardConfig(
        run_id=run_id,
        environment=resolve(file, {}, run_id, folder.path, secrets.token_urlsafe(18)),
        state_dir=paths.state_dir(),
        run_dir=folder.path,
        watch_pid=os.getpid(),
        experiment=experiment.stem if experiment else "",
        gate_open=True,
        heartbeat_s=0.0,
    )
