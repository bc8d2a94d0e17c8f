"""What has to be right about the sources before anything is injected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slochaos.measurement.phases import Cut, History
from slochaos.spec.objectives import Objective


@dataclass(frozen=True)
class Problem:
    """Why an objective cannot be measured. `reason` as in NoData; `hint` says what to do."""

    objective: str
    reason: str
    detail: str
    hint: str = ""


def baseline_problems(
    objectives: Iterable[Objective],
    history: History,
    start: Cut,
    end: Cut,
    metric_names: Mapping[str, Iterable[str]] | None = None,
) -> tuple[Problem, ...]:
    """Objectives without data over the baseline, each with its reason.

    With `metric_names` (Sampler.metric_names) a selector that matches nothing is answered with the
    nearest names that the pages do have.
    """
    raise NotImplementedError
