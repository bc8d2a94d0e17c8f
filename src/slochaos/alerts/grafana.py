"""`export grafana`: the real-time dashboard of an environment's objectives.

It shows what the exported rules record, so both belong together. Faults are annotations made of the metric that runs
push to the environment's Pushgateway, alerts that fire are annotations of Prometheus' own `ALERTS`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from slochaos.alerts.contributors import LOOKBACK, top_contributors
from slochaos.alerts.exported import Exported, watched
from slochaos.alerts.panels import (
    DATA_SOURCE,
    Look,
    Panel,
    Place,
    Query,
    bar_gauge,
    row,
    stat,
    table,
    time_series,
)
from slochaos.alerts.recording import BURN, CONSUMED, OBSERVED, STEP, TARGET
from slochaos.spec.alerting import FAULT_MARK
from slochaos.spec.environment import Environment
from slochaos.spec.objectives import Objective

SCHEMA_VERSION = 39
_UID_LENGTH = 40

_SHARE = ((None, "green"), (0.5, "yellow"), (0.8, "red"), (1.0, "dark-red"))
_LEFT = ((None, "dark-red"), (0.0, "red"), (0.2, "yellow"), (0.5, "green"))
_STATES = (
    (0, "OK", "green"),
    (1, "No data", "gray"),
    (2, "Warning", "yellow"),
    (3, "Critical", "red"),
    (4, "Budget spent", "dark-red"),
)


def grafana_dashboard(environment: Environment) -> Exported:
    """The dashboard's JSON, to be imported or provisioned. Raises InvalidInput without objectives."""
    objectives = watched(environment)
    dashboard = {
        "uid": _uid(environment.name),
        "title": f"Objectives: {environment.name}",
        "description": "Written by `slochaos export grafana`, beside `slochaos export prometheus-rules`.",
        "tags": ["slo", "slochaos"],
        "editable": True,
        "refresh": "30s",
        "schemaVersion": SCHEMA_VERSION,
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_data_source_variable()]},
        "annotations": {"list": list(_annotations(environment.name))},
        "panels": _numbered([*_overview(environment.name), *_issues(objectives)]),
    }
    return Exported(json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n")


def _overview(environment: str) -> Iterator[Panel]:
    yield stat(
        "Status",
        Place(0, 0, 24, 4),
        Query(_status(environment)),
        Look(texts=_STATES),
        description=_STATUS_MEANING,
    )
    yield bar_gauge(
        "Error budget left",
        Place(0, 4, 12, 8),
        Query(f"1 - {_all(CONSUMED, environment)}"),
        Look("percentunit", least=0, most=1, steps=_LEFT),
        description="Of each objective's own window. Never add them: the same seconds cost several objectives.",
    )
    yield time_series(
        "Burn rate",
        Place(12, 4, 12, 8),
        [Query(_all(BURN, environment), "{{slo}} {{window}}")],
        Look(),
        description="How many times faster than allowed the budget is spent: at 1 it lasts for just the window.",
    )
    yield time_series(
        "Events per second",
        Place(0, 12, 12, 7),
        [Query(_rate(environment))],
        Look("cps"),
        description="Or slices.",
    )
    yield bar_gauge(
        "Window observed",
        Place(12, 12, 12, 7),
        Query(_all(OBSERVED, environment)),
        Look("percentunit", least=0, most=1),
        description="How much of each window the rules have counted. What was not observed may have been bad.",
    )
    for x, span in ((0, "24h"), (12, "7d")):
        yield time_series(
            f"Error budget left, {span}",
            Place(x, 19, 12, 8),
            [Query(f"1 - {_all(CONSUMED, environment)}")],
            Look("percentunit", most=1),
            span=span,
        )


def _issues(objectives: tuple[Objective, ...]) -> Iterator[Panel]:
    y = 27
    yield row(f"Top contributors, last {LOOKBACK}", y)
    y += 1
    known = [(each, query) for each in objectives if (query := top_contributors(each))]
    for index, (objective, query) in enumerate(known):
        place = Place(12 * (index % 2), y + 7 * (index // 2), 12, 7)
        yield table(
            f"Bad events: {objective.display_name}",
            place,
            Query(query, "__auto"),
            Look(),
            description="By label, without those that tell one process from another; extrapolated by Prometheus.",
        )


_STATUS_MEANING = (
    "Budget spent: 100 % or more of the budget is consumed. Critical: 80 %, or it burns fast enough to page. "
    "Warning: 50 %, or a slow burn. No data: nothing is counted."
)


def _status(environment: str) -> str:
    """The worst that is true of each objective, as a number of `_STATES`."""
    consumed = _all(CONSUMED, environment)
    steps = f"2 * ({consumed} >= bool 0.5) + ({consumed} >= bool 0.8) + ({consumed} >= bool 1)"

    def firing(condition: str, state: int) -> str:
        alerts = f'ALERTS{{environment="{environment}",alertstate="firing",{condition}}}'
        return f"{state} * max by (slo, severity, concern) ({alerts})"

    candidates = (
        steps,
        firing('concern="burn",severity="critical"', 3),
        firing('concern="burn",severity="warning"', 2),
        firing('concern="data"', 1),
        f"0 * max by (slo) ({_all(BURN, environment)})",
        f"1 + 0 * ({_all(TARGET, environment)} unless on(slo) {_all(BURN, environment)})",
    )
    return "max by (slo) (\n  " + "\n  or ".join(candidates) + "\n)"


def _rate(environment: str) -> str:
    return f"sum_over_time({_all(STEP, environment)}[5m]) / 300"


def _all(series: str, environment: str) -> str:
    return f'{series}{{environment="{environment}"}}'


def _annotations(environment: str) -> Iterator[dict[str, Any]]:
    yield {
        "name": "Faults by slochaos",
        "datasource": DATA_SOURCE,
        "enable": True,
        "iconColor": "purple",
        "expr": f'{FAULT_MARK}{{environment="{environment}"}} > time()',
        "step": "15s",
        "titleFormat": "{{experiment}}: {{fault}}",
        "textFormat": "run {{run}}",
        "tagKeys": "experiment,fault",
    }
    yield {
        "name": "Alerts",
        "datasource": DATA_SOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": f'ALERTS{{environment="{environment}",alertstate="firing",concern=~"burn|budget"}}',
        "step": "15s",
        "titleFormat": "{{alertname}} {{severity}}: {{slo}}",
        "tagKeys": "slo,severity",
    }


def _data_source_variable() -> dict[str, Any]:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _numbered(panels: list[Panel]) -> list[Panel]:
    return [{"id": number, **panel} for number, panel in enumerate(panels, start=1)]


def _uid(environment: str) -> str:
    """Stable, so that the next import replaces the dashboard; Grafana takes 40 characters."""
    uid = f"slochaos-{environment}"
    if len(uid) <= _UID_LENGTH:
        return uid
    return f"slochaos-{hashlib.sha256(environment.encode()).hexdigest()[:24]}"
