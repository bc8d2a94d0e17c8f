"""Objectives on a live server: whether they can be counted, exactly, once, and what they count."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slochaos.cli.diagnosis import Finding, missing, note, ok
from slochaos.wording import count

if TYPE_CHECKING:
    from slochaos.measurement.prometheus.server import PrometheusServer
    from slochaos.measurement.prometheus.windows import Measured
    from slochaos.measurement.samples import NoData
    from slochaos.spec.environment import Environment
    from slochaos.spec.objectives import Objective

LOOK_S = 3600.0
_FIXES = {
    "replica-label": "name one value of that label in the selectors, or ask the layer that removes copies",
    "no-series": "compare the selectors of the SLO file with what the server has: slochaos init --dry-run shows it",
    "indicator": "correct the indicator in the SLO file",
}


def findings(environment: Environment, server: PrometheusServer, now: float) -> Iterator[Finding]:
    """Count each objective over the last hour, and lint what only the server can tell. Raises SourceError."""
    from slochaos.measurement.prometheus.evaluation import evaluate
    from slochaos.measurement.prometheus.windows import Window
    from slochaos.slo import lint

    hour = Window(now - LOOK_S, now)
    measured = evaluate(server, [(objective, hour) for objective in environment.objectives])
    alone = len(environment.sources) == 1
    for objective, found in zip(environment.objectives, measured, strict=True):
        yield _counted(objective, found, alone=alone)
    yield from _partial(server, measured)
    for objective in environment.objectives:
        for said in (
            lint.bucket_missing(server, objective),
            lint.client_errors_measured(server, objective, now),
        ):
            for each in said:
                yield note(
                    f"objective {objective.name}", each.message.removeprefix(f"{objective.name}: "), each.fix
                )


def _counted(objective: Objective, found: Measured, *, alone: bool) -> Finding:
    from slochaos.measurement.samples import NoData

    what = f"objective {objective.name}"
    counted = found.count
    if isinstance(counted, NoData):
        state = missing if alone else note  # of several sources another one may have it
        return state(what, f"no data: {_said(counted)}", _FIXES.get(counted.reason, "look at the targets"))
    unit = "slices" if objective.in_slices else "events"
    said = f"{count(counted.total)} {unit} in the last hour, {count(counted.bad)} of them bad"
    if not counted.total:
        return note(what, f"no {unit} in the last hour", "without traffic nothing can be shown: send some")
    return ok(what, said)


def _said(missing_data: NoData) -> str:
    return f"{missing_data.reason}: {missing_data.detail}" if missing_data.detail else missing_data.reason


def _partial(server: PrometheusServer, measured: tuple[Measured, ...]) -> Iterator[Finding]:
    """Thanos and Mimir answer with what they have, and a warning."""
    warnings = dict.fromkeys(warning for each in measured for warning in each.warnings)
    for warning in warnings:
        yield note(
            f"source {server.source.name}: answers",
            f"they are partial: {warning}",
            "bring back the store or ingester that is missing; until then no count is called exact",
        )
