"""How a run ended, readable at a glance: status, what happened, a row per objective, what to do next.

The other pages are in `pages.py`; all of them are reached from here.
"""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console
from rich.text import Text

from slochaos.paths import run_dir
from slochaos.record import ObjectiveResult, Result
from slochaos.reports import phrases, story
from slochaos.reports.pages import render_budget, render_history, render_plan
from slochaos.reports.repeats import render_repeats
from slochaos.reports.screen import MARK_STYLES, Screen

__all__ = ["render", "render_budget", "render_history", "render_plan", "render_repeats"]

_MOST_INJECTIONS = 6


def render(result: Result, console: Console, *, report: Path | None = None) -> None:
    """Print how a run ended; `report` is where report.html is (None: looked for in the run's folder).

    Any record renders: refused, aborted, interrupted, inconclusive, or cut short by a killed supervisor.
    """
    screen = Screen(console)
    _headline(screen, result)
    _injections(screen, result)
    _alarm(screen, result)
    _objectives(screen, result)
    _remarks(screen, result)
    screen.line(screen.text("Next: ", "bold"), story.next_step(result, _shown_report(result, report)))


def _shown_report(result: Result, report: Path | None) -> str:
    """The report's path as the user would type it here; empty where there is none."""
    path = report or run_dir(result.run.id) / "report.html"
    if report is None and not path.is_file():
        return ""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _headline(screen: Screen, result: Result) -> None:
    run = result.run
    word = screen.text(story.status_word(result), story.STATUS_STYLES.get(run.status, "bold yellow"))
    facts = [run.experiment, run.environment, f"run {run.id}", story.took(result)]
    head = Text("   ").join([word, *(screen.text(fact) for fact in facts if fact)])
    first, *others = _in_force(result) or [""]
    shown = screen.text(first, "dim") if first else Text("")
    gap = 0 if others else screen.width - head.cell_len - shown.cell_len
    if shown and gap >= 3:
        screen.line(head.append(" " * gap).append_text(shown))
    else:
        screen.line(head)
        for line in filter(None, (first, *others)):
            screen.line(screen.text(line, "dim"), indent=_indent(result))


def _in_force(result: Result) -> list[str]:
    """What showed each fault in force, in a line; a fault that nothing showed among several is named first."""
    found = story.evidence(result)
    if len(found) < 2:
        return [f"in force: {seen}" for _, seen in found if seen]
    shown = [
        f"in force: {fault}: {seen}" if seen else f"never seen in force: {fault}" for fault, seen in found
    ]
    more = len(shown) - _MOST_INJECTIONS
    return shown if more <= 0 else [*shown[:_MOST_INJECTIONS], f"and {more} more"]


def _indent(result: Result) -> int:
    return min(len(story.status_word(result)) + 3, 12)


def _injections(screen: Screen, result: Result) -> None:
    """What was injected and how it ended, why the run was cut short, and what else has to be known."""
    indent = _indent(result)
    for injection in result.injections[:_MOST_INJECTIONS]:
        recovered = story.recovered(result) if injection is result.injections[-1] else ""
        happened = story.what_happened(result, injection)
        screen.line(" | ".join(filter(None, [happened, recovered])), indent=indent)
    if len(result.injections) > _MOST_INJECTIONS:
        screen.line(f"and {len(result.injections) - _MOST_INJECTIONS} more", indent=indent)
    if result.run.reason:
        screen.line(result.run.reason, indent=indent, style="bold")
    if result.abort is not None:
        screen.line(story.cut_short(result.abort), indent=indent)
    if result.run.also:
        screen.line(f"also: {', '.join(result.run.also)}", indent=indent)
    if result.run.status not in ("passed", "failed", "undo-failed") and not (
        result.abort and result.abort.undone
    ):
        screen.line(story.put_back(result), indent=indent)


def _alarm(screen: Screen, result: Result) -> None:
    """What may still be in force, and the command that removes it: nothing on the page stands out more."""
    still = story.in_force_still(result)
    if not still and result.run.status != "undo-failed":
        return
    screen.blank()
    screen.line(screen.text(" A FAULT MAY STILL BE IN FORCE. Remove it by hand: ", "bold white on red"))
    for injection in still:
        screen.line(f"{injection.target} ({injection.kind}) {injection.detail}", indent=2)
        if injection.by_hand:
            screen.verbatim(injection.by_hand, indent=4, style="bold")
    screen.line("or, once the target answers again:", indent=2)
    screen.verbatim(f"slochaos recover --run {result.run.id}", indent=4, style="bold")
    screen.blank()


def _objectives(screen: Screen, result: Result) -> None:
    """The table, in the widest form that fits; per objective a few lines where none does."""
    objectives = phrases.worst_first(result)
    if not objectives:
        return
    during = "IN THE FAULT'S PLACE" if result.run.placebo else "DURING THE FAULT"
    head = ("OBJECTIVE", "TARGET", during, "RULE", "COST (caused)", "MAY COST", "BUDGET LEFT")
    for with_range, with_bar in ((True, True), (True, False), (False, True), (False, False)):
        rows = [_row(screen, objective, with_range=with_range, with_bar=with_bar) for objective in objectives]
        if screen.fits(head, rows):
            screen.table(head, rows)
            return
    for objective in objectives:
        _fold(screen, objective)


def _row(screen: Screen, objective: ObjectiveResult, *, with_range: bool, with_bar: bool) -> list[Text]:
    cells = [
        phrases.target(objective),
        phrases.during_fault(objective),
        phrases.rule(objective),
        _cost(objective, phrases.cost_range(objective) if with_range else ""),
        phrases.may_cost(objective),
    ]
    broken = MARK_STYLES["x"] if phrases.mark(objective) == "x" else ""
    left = _left(screen, objective, with_range=with_range, with_bar=with_bar)
    return [_name(screen, objective), *(screen.text(cell, broken) for cell in cells), left]


def _name(screen: Screen, objective: ObjectiveResult) -> Text:
    mark = phrases.mark(objective)
    return Text(f"{mark} ", style=MARK_STYLES[mark]).append_text(screen.text(objective.name))


def _left(screen: Screen, objective: ObjectiveResult, *, with_range: bool, with_bar: bool) -> Text:
    charge = objective.charge
    bar = screen.bar(phrases.left_percent(charge) if with_bar else None)
    shown = (phrases.left(charge), phrases.left_range(charge) if with_range else "")
    return bar.append(" " if bar else "").append_text(screen.text(" ".join(filter(None, shown))))


def _cost(objective: ObjectiveResult, *more: str) -> str:
    return " ".join(filter(None, (phrases.cost(objective), *more)))


def _fold(screen: Screen, objective: ObjectiveResult) -> None:
    """One objective in a few lines, for narrow terminals."""
    screen.line(_name(screen, objective), Text("   target "), phrases.target(objective))
    asked, allowed = phrases.rule(objective), phrases.may_cost(objective)
    during = phrases.during_fault(objective) + ("" if asked in ("-", "observed") else f", {asked}")
    cost = _cost(objective, "of the budget", phrases.cost_range(objective)) if objective.charge else "unknown"
    cost += "" if allowed == "-" else f", may cost {allowed}"
    for label, text in (
        ("fault", screen.text(during)),
        ("cost", screen.text(cost)),
        ("left", _left(screen, objective, with_range=True, with_bar=True)),
    ):
        screen.line(Text(f"{label:<7}", style="dim"), text, indent=4)


def _remarks(screen: Screen, result: Result) -> None:
    """Reasons, then what this lets one expect, where it came from, and what is unknown."""
    for objective in phrases.worst_first(result):
        if reason := phrases.about(objective):
            mark = phrases.mark(objective)
            screen.line(Text(f"{mark} ", style=MARK_STYLES[mark]), reason, indent=2)
    for sentence in story.remarks(result):
        screen.line(sentence, indent=2)
