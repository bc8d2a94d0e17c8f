"""The timeline as a Plotly figure: plain data, so that nothing of Plotly has to be imported. Pure."""

from __future__ import annotations

from typing import Any

from slochaos.record import InjectionRecord, ObjectiveResult, Result, TimelinePoint
from slochaos.reports import phrases, story
from slochaos.reports.plain import one_line

_INK, _MUTED, _GRID, _LINE = "#1d2939", "#667085", "#eaecf0", "#2e5aac"
_BROKEN, _SHADE, _RULE = "#b42318", "rgba(217, 45, 32, 0.10)", "#b54708"
_MARKS = {
    "baseline": "baseline begins",
    "fault": "fault begins",
    "abort": "cut short",
    "undone": "undone, verified",
    "recovered": "recovered",
    "end": "end",
}
_PLACEBO_MARKS = {
    **{name: words for name, words in _MARKS.items() if name != "recovered"},
    "fault": "the fault's time begins",
    "undone": "its time is over",
}
_ROW_PX, _MARGIN_TOP_PX, _MARGIN_BOTTOM_PX = 124, 52, 46
_LONGEST_GAP_S = 5.0
"""Intervals without an event are left out; a longer time without one breaks the line."""
_LABEL_SHARE = 0.13
"""The share of the width that one mark's label needs."""


def timeline(result: Result) -> dict[str, Any] | None:
    """One row per objective over the run's seconds, the fault shaded, the marks drawn; None without points."""
    drawn = [o for o in phrases.worst_first(result) if result.timeline.points.get(o.name)]
    if not drawn:
        return None
    words = _PLACEBO_MARKS if result.run.placebo else _MARKS
    marks = {words[name]: at for name, at in result.timeline.marks.items() if at >= 0 and name in words}
    last = max([point.at for o in drawn for point in result.timeline.points[o.name]] + list(marks.values()))
    layout = _layout(len(drawn), last)
    layout["shapes"] = [_shade(start, last if end is None else end) for start, end in _faults(result)]
    layout["shapes"] += [_line(at) for at in marks.values()]
    layout["annotations"] = _labels(marks, last)
    data = []
    for number, objective in enumerate(drawn):
        axis = "y" if number == 0 else f"y{number + 1}"
        points = result.timeline.points[objective.name]
        data.append(_trace(objective, points, axis))
        layout[axis.replace("y", "yaxis")] = _axis(objective, points, number, len(drawn))
        layout["annotations"].append(_title(objective, axis))
        layout["shapes"].append(_floor(objective, axis))
    return {"data": data, "layout": layout}


def _layout(rows: int, last: float) -> dict[str, Any]:
    return {
        "height": _ROW_PX * rows + _MARGIN_TOP_PX + _MARGIN_BOTTOM_PX,
        "margin": {"l": 64, "r": 18, "t": _MARGIN_TOP_PX, "b": _MARGIN_BOTTOM_PX},
        "showlegend": False,
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "font": {"family": "system-ui, -apple-system, Segoe UI, sans-serif", "size": 12, "color": _INK},
        "hovermode": "x unified",
        "xaxis": {
            "title": {"text": "seconds since the run began", "font": {"color": _MUTED, "size": 12}},
            "range": [0, last],
            "showgrid": False,
            "zeroline": False,
            "ticks": "outside",
            "tickcolor": _GRID,
            "anchor": "free",
            "position": 0,
        },
    }


def _faults(result: Result) -> list[tuple[float, float | None]]:
    """When faults were in force: by the injections, else by the marks. An end of None is not known."""

    def since(moment: str | None) -> float | None:
        return story.seconds_between(result.run.started, moment)

    def interval(injection: InjectionRecord) -> tuple[float, float | None] | None:
        start = since(injection.applied)
        return None if start is None else (start, since(injection.undone))

    found = [held for injection in result.injections if (held := interval(injection)) is not None]
    marks = result.timeline.marks
    if not found and "fault" in marks and not result.run.placebo:
        found = [(marks["fault"], marks.get("undone"))]
    return found


def _share(point: TimelinePoint) -> float | None:
    return round(100 * point.good / point.total, 4) if point.total else None


def _drawn(points: tuple[TimelinePoint, ...]) -> list[TimelinePoint]:
    """The intervals with events (a check each second leaves most of them empty), and one empty per long gap."""
    drawn: list[TimelinePoint] = []
    for point in points:
        last_at = drawn[-1].at if drawn else points[0].at
        if point.total or (point.at - last_at > _LONGEST_GAP_S and drawn and drawn[-1].total):
            drawn.append(point)
    return drawn


def _trace(objective: ObjectiveResult, points: tuple[TimelinePoint, ...], axis: str) -> dict[str, Any]:
    color = _BROKEN if phrases.mark(objective) == "x" else _LINE
    drawn = _drawn(points)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [round(point.at, 3) for point in drawn],
        "y": [_share(point) for point in drawn],
        "customdata": [[point.total - point.good, point.total] for point in drawn],
        "name": _escaped(objective.name),
        "xaxis": "x",
        "yaxis": axis,
        "line": {"color": color, "width": 2, "shape": "vh"},
        "connectgaps": False,
        "hovertemplate": "%{y:.2f} % good (%{customdata[0]} bad of %{customdata[1]})",
    }


def _floor_percent(objective: ObjectiveResult) -> float:
    hold = objective.rule.hold
    return 100 * (objective.target_fraction if hold is None else hold)


def _axis(
    objective: ObjectiveResult, points: tuple[TimelinePoint, ...], number: int, rows: int
) -> dict[str, Any]:
    """One row of the chart, top down, scaled so that both the worst point and the floor are seen."""
    height = 1 / rows
    top = 1 - number * height
    shares = [share for point in points if (share := _share(point)) is not None]
    low = min([*shares, _floor_percent(objective), 99.5])
    margin = (100 - low) * 0.1
    return {
        "domain": [max(0.0, top - height * 0.84), top - height * 0.2],
        "range": [low - margin, 100 + margin],
        "ticksuffix": " %",
        "nticks": 4,
        "gridcolor": _GRID,
        "zeroline": False,
        "tickfont": {"size": 11, "color": _MUTED},
    }


def _title(objective: ObjectiveResult, axis: str) -> dict[str, Any]:
    asked = "has to hold" if objective.rule.hold is not None else "target"
    text = (
        f"<b>{_escaped(objective.name)}</b>  good, in % (dashed: {asked} {_floor_percent(objective):.6g} %)"
    )
    return {
        "text": text,
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": 1,
        "yref": f"{axis} domain",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 12},
    }


def _floor(objective: ObjectiveResult, axis: str) -> dict[str, Any]:
    level = _floor_percent(objective)
    return {
        "type": "line",
        "xref": "paper",
        "yref": axis,
        "x0": 0,
        "x1": 1,
        "y0": level,
        "y1": level,
        "line": {"color": _RULE, "width": 1, "dash": "dash"},
    }


def _shade(start: float, end: float) -> dict[str, Any]:
    return {
        "type": "rect",
        "xref": "x",
        "yref": "paper",
        "x0": start,
        "x1": end,
        "y0": 0,
        "y1": 1,
        "fillcolor": _SHADE,
        "line": {"width": 0},
        "layer": "below",
    }


def _line(at: float) -> dict[str, Any]:
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": at,
        "x1": at,
        "y0": 0,
        "y1": 1,
        "line": {"color": _MUTED, "width": 1, "dash": "dot"},
    }


def _labels(marks: dict[str, float], last: float) -> list[dict[str, Any]]:
    """The marks' names above the chart, on as many levels as keep them apart."""
    width = _LABEL_SHARE * last
    taken: list[float] = []  # per level, up to where it is full
    labels = []
    for words, at in sorted(marks.items(), key=lambda mark: mark[1]):
        near_end = at > last - width
        start = at - width if near_end else at
        level = next((n for n, end in enumerate(taken) if end <= start), len(taken))
        taken[level : level + 1] = [start + width]
        labels.append(
            {
                "text": f"{_escaped(words)} {at:.1f} s",
                "x": at,
                "xref": "x",
                "xanchor": "right" if near_end else "left",
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "yshift": 6 + 17 * level,
                "showarrow": False,
                "font": {"size": 11, "color": _MUTED},
            }
        )
    return labels


def _escaped(text: str) -> str:
    """Plotly reads a few HTML tags in texts; names of others must not be read so."""
    return one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
