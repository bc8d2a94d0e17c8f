"""Which environment a command means, read statically: nothing started, no address opened."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slochaos.spec.environment import Environment


def named_or_default(option: str) -> str:
    """What --environment says, then SLOCHAOS_ENVIRONMENT, then `local`."""
    return option or os.environ.get("SLOCHAOS_ENVIRONMENT", "") or "local"


def load_statically(option: str, overrides: Mapping[str, str] | None = None) -> Environment:
    """The environment with placeholders for what only a run knows (ports, secrets). Raises InvalidInput.

    `overrides`: the variables and ports that `--set` gives.
    """
    from slochaos.spec import environment

    file = environment.read(environment.find(named_or_default(option)))
    return environment.resolve(file, environment.placeholders(file), overrides or {})
