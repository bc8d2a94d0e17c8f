"""What `slochaos init` found, as a table and as a document: each objective with its last day, and what it assumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from slochaos.measurement.samples import NoData
from slochaos.reports.screen import MARK_STYLES, Screen
from slochaos.wording import count, exact_percent, percent, seconds

if TYPE_CHECKING:
    from rich.console import Console

    from slochaos.slo.survey import Survey, Surveyed

_HEAD = ("OBJECTIVE", "COUNTS", "TARGET", "LAST 24 H", "CLIENT ERRORS", "TRAFFIC", "SAMPLED")
_NUMBERS = (5, 6)


def render(survey: Survey, console: Console) -> None:
    """Print the table, and below it what is assumed and what is worth knowing."""
    screen = Screen(console)
    facts = (
        f"{len(survey.objectives)} at {survey.server}",
        f"Prometheus {survey.version}" if survey.version else "",
        f"keeps {seconds(survey.retention_s)}" if survey.retention_s else "",
    )
    head = [screen.text("FOUND", "bold"), *(screen.text(fact) for fact in facts if fact)]
    screen.line(Text("   ").join(head))
    rows = [_row(screen, each) for each in survey.objectives]
    if screen.fits(_HEAD, rows):
        screen.table(_HEAD, rows, _NUMBERS)
    else:
        for row in rows:
            _fold(screen, row)
    for each in survey.objectives:
        remark = f"; {each.found.remark}" if each.found.remark else ""
        screen.line(f"{each.found.objective.name}: assumed {each.found.assumed}{remark}.", indent=2)


def document(survey: Survey) -> dict[str, Any]:
    """The same for machines: shares 0-1, durations in seconds."""
    return {
        "server": survey.server,
        "version": survey.version,
        "retention_seconds": survey.retention_s,
        "objectives": [_entry(each) for each in survey.objectives],
    }


def _entry(each: Surveyed) -> dict[str, Any]:
    found, objective = each.found, each.found.objective
    counted = each.count
    return {
        "name": objective.name,
        "preset": found.preset,
        "metric": found.metric,
        "target": objective.target,
        "window": objective.window,
        "threshold_seconds": objective.threshold_s,
        "bounds_seconds": [float(bound) for bound in found.bounds],
        "last_day": {
            "total": counted.total if counted else None,
            "bad": counted.bad if counted else None,
            "sli": each.good_share,
            "reason": "" if counted else _missing(each),
        },
        "client_errors_share": each.refused,
        "events_per_second": each.per_s,
        "scrape_interval_seconds": each.scrape_s,
        "assumed": found.assumed,
        "remark": found.remark,
    }


def _row(screen: Screen, each: Surveyed) -> list[Text]:
    sign = "?" if each.count is None else "+" if each.reached else "x"
    name = screen.text(f"{sign} ", MARK_STYLES[sign]).append_text(screen.text(each.found.objective.name))
    cells = (
        each.found.metric,
        _target(each),
        _last_day(each),
        "-" if each.refused is None else percent(each.refused),
        "-" if each.per_s is None else f"{each.per_s:.3g}/s",
        "-" if each.scrape_s is None else seconds(each.scrape_s),
    )
    return [name, *map(screen.text, cells)]


def _fold(screen: Screen, row: list[Text]) -> None:
    """One objective in a few lines, for narrow terminals."""
    screen.line(row[0])
    for label, cell in zip(_HEAD[1:], row[1:], strict=True):
        screen.line(screen.text(f"{label.lower():<14}", "dim"), cell, indent=4)


def _target(each: Surveyed) -> str:
    objective = each.found.objective
    within = f" <= {seconds(float(objective.threshold_s))}" if objective.threshold_s is not None else ""
    return f"{exact_percent(objective.target)}{within} / {objective.window}"


def _last_day(each: Surveyed) -> str:
    if each.count is None or each.good_share is None:
        return _missing(each)
    share = percent(each.good_share, unlike=each.found.objective.target)
    return f"{share} ({count(each.count.bad)} bad of {count(each.count.total)})"


def _missing(each: Surveyed) -> str:
    missing = each.day.count
    return f"no data: {missing.reason}" if isinstance(missing, NoData) else "no events"
