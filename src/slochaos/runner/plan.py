"""What a run may cost and can decide, foreseen before anything is injected."""

from __future__ import annotations

from dataclasses import dataclass

from slochaos.record import Plan
from slochaos.runner.request import RunRequest
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import Experiment


@dataclass(frozen=True)
class Preview:
    """`slochaos plan` and `run --dry-run`: read statically, with nothing started and nothing opened.

    `refusals` are the reasons for which a run would be refused as things stand (a sentence each).
    """

    experiment: Experiment
    environment: Environment
    plan: Plan
    refusals: tuple[str, ...] = ()


def preview(request: RunRequest) -> Preview:
    """The plan of a request. Raises InvalidInput and Refused, as a run would."""
    raise NotImplementedError
