"""Panels of Grafana's dashboards, as its JSON wants them. They know nothing of objectives.

Only fields that Grafana's schema has: the tests check the whole dashboard with the strict reader of its own SDK.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

DATA_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
"""The Prometheus that the dashboard's reader chooses."""

Panel = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a panel stands: Grafana's grid is 24 wide."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Query:
    """One expression, and how its series are called: `{{slo}}`."""

    expression: str
    legend: str = "{{slo}}"


@dataclass(frozen=True)
class Look:
    """Unit, bounds, and the colours from which value on. `texts` shows words for values."""

    unit: str = "short"
    least: float | None = None
    most: float | None = None
    steps: tuple[tuple[float | None, str], ...] = ((None, "green"),)
    texts: tuple[tuple[float, str, str], ...] = ()

    def as_field_config(self) -> dict[str, Any]:
        """Grafana's `fieldConfig`."""
        defaults: dict[str, Any] = {
            "unit": self.unit,
            "color": {"mode": "thresholds"} if len(self.steps) > 1 else {"mode": "palette-classic"},
            "thresholds": {
                "mode": "absolute",
                "steps": [{"color": color, "value": value} for value, color in self.steps],
            },
        }
        if self.least is not None:
            defaults["min"] = self.least
        if self.most is not None:
            defaults["max"] = self.most
        if self.texts:
            texts = {
                f"{value:g}": {"text": text, "color": color, "index": index}
                for index, (value, text, color) in enumerate(self.texts)
            }
            defaults["mappings"] = [{"type": "value", "options": texts}]
        return {"defaults": defaults, "overrides": []}


def stat(title: str, place: Place, query: Query, look: Look, *, description: str = "") -> Panel:
    """One coloured value for each series."""
    options = {
        "graphMode": "none",
        "colorMode": "background",
        "justifyMode": "auto",
        "textMode": "value_and_name",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "orientation": "auto",
        "reduceOptions": _LAST,
    }
    return _panel("stat", title, place, [query], look, description=description, options=options, instant=True)


def bar_gauge(title: str, place: Place, query: Query, look: Look, *, description: str = "") -> Panel:
    """One bar for each series."""
    options = {
        "displayMode": "basic",
        "valueMode": "color",
        "namePlacement": "auto",
        "showUnfilled": True,
        "sizing": "auto",
        "minVizWidth": 8,
        "minVizHeight": 16,
        "maxVizHeight": 300,
        "legend": _LEGEND,
        "orientation": "horizontal",
        "reduceOptions": _LAST,
    }
    return _panel(
        "bargauge", title, place, [query], look, description=description, options=options, instant=True
    )


def time_series(
    title: str, place: Place, queries: Sequence[Query], look: Look, *, description: str = "", span: str = ""
) -> Panel:
    """Lines over time; `span` (`24h`) instead of the dashboard's own time range."""
    options = {"legend": _LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}}
    panel = _panel("timeseries", title, place, queries, look, description=description, options=options)
    return {**panel, "timeFrom": span} if span else panel


def table(title: str, place: Place, query: Query, look: Look, *, description: str = "") -> Panel:
    """One row for each series, its labels as columns."""
    options = {"frameIndex": 0, "showHeader": True, "cellHeight": "sm"}
    panel = _panel(
        "table", title, place, [query], look, description=description, options=options, instant=True
    )
    panel["targets"] = [{**target, "format": "table"} for target in panel["targets"]]
    hidden = {"id": "organize", "options": {"excludeByName": {"Time": True}}}
    return {**panel, "transformations": [hidden]}


def row(title: str, y: int) -> Panel:
    """A heading."""
    return {
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": {"x": 0, "y": y, "w": 24, "h": 1},
        "panels": [],
    }


_LAST = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_LEGEND = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}


def _panel(
    kind: str,
    title: str,
    place: Place,
    queries: Sequence[Query],
    look: Look,
    *,
    description: str,
    options: dict[str, Any],
    instant: bool = False,
) -> Panel:
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATA_SOURCE,
        "gridPos": {"x": place.x, "y": place.y, "w": place.width, "h": place.height},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATA_SOURCE,
                "expr": query.expression,
                "legendFormat": query.legend,
                "instant": instant,
                "range": not instant,
            }
            for index, query in enumerate(queries)
        ],
        "fieldConfig": look.as_field_config(),
        "options": options,
    }
