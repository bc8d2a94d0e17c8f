"""Whether an experiment may run in an environment: every check that needs both, before anything starts."""

from __future__ import annotations

from collections.abc import Collection

from slochaos.spec.environment import Environment
from slochaos.spec.experiment import Experiment


def admit(
    experiment: Experiment,
    environment: Environment,
    *,
    allow_foreign: Collection[str] = (),
    allow_lasting: Collection[str] = (),
) -> Experiment:
    """The experiment bound to the environment: `hold: true` becomes the objective's target, faults name a server.

    `allow_foreign` adds to the environment's list (`--allow-foreign`); an entry that ends in `*` matches what
    begins so. `allow_lasting` names faults (the activity's name, or the proxy) that may stay in force after this
    host's death in a protected environment.

    Raises InvalidInput (2) for unknown objectives, TargetNotAllowed and Refused (4; reasons
    `target-not-allowed`, `foreign-action`, `caps`, `protected`) for the rest.
    """
    raise NotImplementedError
