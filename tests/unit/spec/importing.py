"""Imports for tests: a tool's file, through OpenSLO's YAML, to the objectives that slochaos reads from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slochaos.errors import InvalidInput
from slochaos.spec import openslo
from slochaos.spec.findings import Finding
from slochaos.spec.importers import tools
from slochaos.spec.importers.writing import to_yaml
from slochaos.spec.objectives import Counter, Histogram, Metric, Objective, Query, Samples
from tests.unit.spec.writing import write


@dataclass(frozen=True)
class Imported:
    """The objectives, the written YAML, and what was said."""

    objectives: tuple[Objective, ...]
    yaml: str
    findings: tuple[Finding, ...]

    @property
    def objective(self) -> Objective:
        """The only one."""
        (objective,) = self.objectives
        return objective

    def said(self, severity: str) -> str:
        """All messages of a severity."""
        return "\n".join(finding.message for finding in self.findings if finding.severity == severity)


def imported(folder: Path, tool: str, content: Any, window: str = "", **variables: str) -> Imported:
    """Write the file, import it, and load what the import wrote."""
    file = write(folder / f"{tool}.yaml", content)
    result = tools.read(tool, file, window)
    text = to_yaml(result.slos, keep_variables=tool in tools.FILLS_VARIABLES)
    objectives: tuple[Objective, ...] = ()
    if result.slos:
        objectives = openslo.load_objectives([write(folder / "imported.yaml", text)], variables)
    return Imported(objectives, text, tuple(result.findings))


def import_of(tool: str) -> Callable[[Path], object]:
    """Import a file and load what came out: that has to be an SLO file of ours, whatever went in."""

    def load(path: Path) -> object:
        slos = tools.read(tool, path).slos
        if not slos:
            return None
        text = to_yaml(slos, keep_variables=tool in tools.FILLS_VARIABLES)
        try:
            return openslo.load_objectives([write(path.with_name("imported.yaml"), text)], _AnyVariable())
        except InvalidInput as problem:
            raise AssertionError(f"{tool} was imported as what does not validate: {problem}") from problem

    return load


class _AnyVariable(dict[str, str]):
    """Every variable is set."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return "x"


def shown(metric: Metric) -> str:
    """A metric as OpenSLO has it: `selector a_total{...}`, `histogram a_seconds{...} <= 3/10`, `query ...`."""
    match metric:
        case Counter(selector):
            return f"selector {selector}"
        case Samples(selector):
            return f"samples {selector}"
        case Query(text):
            return f"query {' '.join(text.split())}"
        case Histogram(selector, at_most):
            return f"histogram {selector}" + (f" <= {at_most}" if at_most is not None else "")


def shown_pair(objective: Objective) -> tuple[str, str, str]:
    """Whether good or bad is counted, how, and how all are."""
    indicator = objective.indicator
    return "good" if indicator.good else "bad", shown(indicator.part), shown(indicator.total)
