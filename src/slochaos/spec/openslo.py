"""OpenSLO v1 documents: Service, SLO, SLI and DataSource checked strictly, alert kinds kept as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from slochaos.spec.objectives import Objective


def load_objectives(paths: Iterable[Path], variables: Mapping[str, str]) -> tuple[Objective, ...]:
    """Every objective of the SLOs in these files, in order. `${name}` is filled from `variables`.

    References (`indicatorRef`, `metricSourceRef`) are looked up across all files. Raises InvalidInput.
    """
    raise NotImplementedError
