"""What the guard of a plain `chaos run` is told: the experiment's own process has no supervisor to do it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from slochaos import paths
from slochaos.errors import Refused
from slochaos.faults import catalogue
from slochaos.guard.config import GuardConfig
from slochaos.runner.folder import RunFolder, new_run_id
from slochaos.runner.loading import resolve
from slochaos.spec import environment as environments
from slochaos.spec.draws import new_seed


def guard_config(experiment: Path | None) -> GuardConfig:
    """A guard for this process, with its gate open, in the environment that SLOCHAOS_ENVIRONMENT names.

    `experiment` is the experiment's file, where it is known. Raises InvalidInput, Refused, StateError.
    """
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
        kinds=tuple(catalogue.FAULTS),
        heartbeat_s=0.0,
        seed=new_seed(),
    )
