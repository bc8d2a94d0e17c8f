"""Several runs of one experiment side by side: how each ended, its worst objective, what that cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from slochaos.record import ObjectiveResult, Result, Status
from slochaos.reports import phrases, story
from slochaos.reports.screen import MARK_STYLES, Screen

_HEAD = ("RUN", "STATUS", "WORST OBJECTIVE", "COST (caused)", "RECOVERY")


@dataclass(frozen=True)
class RepeatRow:
    """One run of several. The worst objective is the one with the worst verdict, the dearest of these.

    Percentages are shares of that objective's budget: all that was spent, and what the fault caused. What is
    not known is None, an objective that no run has judged is empty.
    """

    run: str
    status: Status
    exit_code: int
    worst_objective: str
    verdict: str
    cost_percent: float | None
    attributed_percent: float | None
    recovery_seconds: float | None


def summary(results: Sequence[Result]) -> list[RepeatRow]:
    """A row for each run, in their order."""
    return [_row(result) for result in results]


def _row(result: Result) -> RepeatRow:
    worst = _worst(result)
    charge = worst.charge if worst else None
    return RepeatRow(
        run=result.run.id,
        status=result.run.status,
        exit_code=result.run.exit_code,
        worst_objective=worst.name if worst else "",
        verdict=worst.verdict if worst else "",
        cost_percent=charge.cost_percent if charge else None,
        attributed_percent=charge.attributed_percent if charge else None,
        recovery_seconds=result.recovery.seconds if result.recovery else None,
    )


def _worst(result: Result) -> ObjectiveResult | None:
    ranked = phrases.worst_first(result)
    same = [objective for objective in ranked if objective.verdict == ranked[0].verdict]
    return max(same, key=lambda o: o.charge.attributed_percent if o.charge else 0.0, default=None)


def render_repeats(results: Sequence[Result], console: Console, *, asked: int) -> None:
    """Print the runs as a table, and how many of the `asked` ones ended how."""
    screen = Screen(console)
    rows = [_cells(screen, result) for result in results]
    screen.blank()
    if screen.fits(_HEAD, rows):
        screen.table(_HEAD, rows)
    else:
        for run, status, worst, cost, recovery in rows:
            screen.line(run, Text("  "), status)
            screen.line(worst, Text("  cost "), cost, Text("  "), recovery, indent=4)
    screen.line(_totals(results, asked))


def _cells(screen: Screen, result: Result) -> list[Text]:
    worst = _worst(result)
    name, cost = Text("-"), "-"
    if worst is not None:
        mark = phrases.mark(worst)
        name = Text(f"{mark} ", style=MARK_STYLES[mark]).append_text(screen.text(worst.name))
        cost = phrases.cost(worst)
    return [
        screen.text(result.run.id),
        screen.text(story.status_word(result), story.STATUS_STYLES.get(result.run.status, "bold yellow")),
        name,
        screen.text(cost),
        screen.text(story.recovered(result) or "-"),
    ]


def _totals(results: Sequence[Result], asked: int) -> str:
    """ "3 runs: 2 passed, 1 failed"; and that the rest was not begun, where a run was cut short."""
    counted = Counter(result.run.status for result in results)
    ended = ", ".join(f"{number} {status}" for status, number in counted.most_common())
    if len(results) == asked:
        return f"{asked} runs: {ended}"
    return f"{len(results)} of {asked} runs: {ended}; the others would have met another system, so none was begun"
