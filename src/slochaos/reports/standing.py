"""How objectives stand, readable at a glance: a row per objective, worst first, then each over its windows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.console import Console
from rich.text import Text

from slochaos.reports import phrases
from slochaos.reports.screen import MARK_STYLES, Screen
from slochaos.standing import (
    BudgetLeft,
    CheckedComposite,
    CheckedObjective,
    OverWindow,
    QuantileRecord,
    Standing,
)
from slochaos.wording import count, percent, seconds

DETAILED = 10
"""So many objectives at most are shown over each window."""

_MARKS = {"within": "+", "notify": "~", "restricted": "~", "used-up": "x"}
_HEADLINES = {
    0: ("WITHIN BUDGET", "bold green"),
    1: ("BUDGET USED UP", "bold red"),
    3: ("INCONCLUSIVE", "bold yellow"),
}
_SHORT_SHARE = 0.9
"""A window of which less than this was observed is marked."""


def render_standing(document: Standing, console: Console) -> None:
    """Print one check; times are this host's local ones, with their date."""
    screen = Screen(console)
    _headline(screen, document)
    _summary(screen, document)
    _remarks(screen, document)
    for each in document.objectives[:DETAILED]:
        _windows(screen, each)
    screen.line(screen.text("Next: ", "bold"), next_step(document))


def plain_lines(document: Standing) -> Iterator[str]:
    """One line per objective, for logs: time, mark, name, status, what is left, and the burn rates."""
    at = local(document.check.at)
    for each in document.objectives:
        burns = " ".join(f"{over.window}={burn(over)}" for over in each.windows)
        left = left_text(each.budget)
        yield f"{at:%Y-%m-%d %H:%M:%S} {mark(each)} {each.name} {each.status}, {left} left, burn {burns}"


def local(moment: str) -> datetime:
    """An RFC 3339 time as this host's clock on the wall shows it."""
    return datetime.fromisoformat(moment).astimezone()


def mark(stands: CheckedObjective | CheckedComposite) -> str:
    """One sign per row: + within, ~ half of the budget is spent, x nothing is left of it, ? not known."""
    return _MARKS.get(stands.status, "?")


def burn(over: OverWindow) -> str:
    """A burn rate, as "0.04" or "14.4"; with a * where less of the window was observed than asked."""
    if over.burn_rate is None:
        return "-"
    star = "*" if is_short(over) else ""
    return f"{factor(over.burn_rate)}{star}"


def factor(rate: float) -> str:
    """A burn rate: never rounded to 0."""
    if 0 < rate < 0.01:
        return "< 0.01"
    text = f"{rate:,.{2 if rate < 10 else 1 if rate < 100 else 0}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def is_short(over: OverWindow) -> bool:
    """Whether less of the window was observed than asked, by more than where scrapes happen to be."""
    return over.observed_seconds < _SHORT_SHARE * over.asked_seconds or "short-history" in over.reason


def left_text(budget: BudgetLeft | None) -> str:
    """What is left of a budget, as "76.9 %", "overspent by 12 %", "unknown"."""
    if budget is None:
        return "unknown"
    share = budget.left_percent / 100
    return percent(share) if share >= 0 else f"overspent by {percent(-share)}"


def between(quantile: QuantileRecord) -> str:
    """Between which bounds a quantile lies: "0.25 to 0.5 s", "<= 0.05 s", "> 10 s"."""
    low, high = f"{quantile.at_least_seconds:.10g}", quantile.at_most_seconds
    if high is None:
        return f"> {low} s"
    return f"<= {high:.10g} s" if not quantile.at_least_seconds else f"{low} to {high:.10g} s"


def next_step(document: Standing) -> str:
    """What to do now, from the worst objective."""
    if not document.objectives:
        return "name objectives: --environment, or OpenSLO files"
    worst = document.objectives[0]
    if worst.status == "used-up":
        until = (
            f" until {_when(worst.budget.back_above[0].at)}"
            if worst.budget and worst.budget.back_above
            else ""
        )
        return f"{worst.name} has no budget left: risk nothing on it{until}"
    if worst.status in ("no-data", "inconclusive"):
        return f"find out why {worst.name} cannot be told: {'; '.join(worst.reasons) or 'see above'}"
    if worst.status == "within":
        return "nothing: every budget has more than half left"
    return f"{worst.name} has {left_text(worst.budget)} left: look at what burns it before the next change"


def _headline(screen: Screen, document: Standing) -> None:
    asked = document.check
    text, style = _HEADLINES[asked.exit_code]
    facts = (f"{local(asked.at):%Y-%m-%d %H:%M:%S %Z}", asked.server, asked.environment)
    screen.line(Text("   ").join([screen.text(text, style), *(screen.text(fact) for fact in facts if fact)]))


def _summary(screen: Screen, document: Standing) -> None:
    """The table; without bars, then with fewer columns, where that does not fit."""
    names = list(document.check.windows)
    burns = [f"BURN {name}" if not number else name for number, name in enumerate(names)]
    for bar, windows in ((True, burns), (False, burns), (False, [])):
        head = ("OBJECTIVE", "TARGET", *windows, "BUDGET LEFT", "RUNS OUT")
        rows = [
            [
                _name(screen, each),
                screen.text(phrases.target(each)),
                *([screen.text(burn(over)) for over in each.windows] if windows else ()),
                _left(screen, each.budget, bar=bar),
                screen.text(_runs_out(each.budget)),
            ]
            for each in document.objectives
        ]
        if screen.fits(head, rows):
            break
    screen.table(head, rows, right=range(2, 2 + len(windows)))


def _name(screen: Screen, stands: CheckedObjective) -> Text:
    sign = mark(stands)
    return Text(f"{sign} ", style=MARK_STYLES[sign]).append_text(screen.text(stands.name))


def _left(screen: Screen, budget: BudgetLeft | None, *, bar: bool) -> Text:
    text = left_text(budget)
    if budget is not None and budget.left_percent > 0:
        text += f" ({count(budget.left)} of {count(budget.size)}; {seconds(budget.left_outage_seconds)})"
    drawn = screen.bar(None if budget is None or not bar else budget.left_percent)
    return drawn.append(" " if drawn else "").append_text(screen.text(text))


def _runs_out(budget: BudgetLeft | None) -> str:
    return (
        "-"
        if budget is None or budget.runs_out is None or budget.left_percent <= 0
        else _when(budget.runs_out)
    )


def _when(moment: str) -> str:
    return f"{local(moment):%Y-%m-%d %H:%M}"


def _remarks(screen: Screen, document: Standing) -> None:
    for each in document.objectives:
        sign = mark(each)
        for sentence in filter(None, (_uncertain(each), _comes_back(each))):
            screen.line(Text(f"{sign} ", style=MARK_STYLES[sign]), sentence, indent=2)
    for composite in document.composites:
        screen.line(
            Text(f"{mark(composite)} ", style=MARK_STYLES[mark(composite)]), _whole(composite), indent=2
        )
    if any(is_short(over) for each in document.objectives for over in each.windows):
        screen.line("* less of this window was observed than asked: see SEEN, and --format json", indent=2)
    for note in document.notes:
        screen.line(f"Note: {note}", indent=2)


def _uncertain(stands: CheckedObjective) -> str:
    return f"{stands.name}: {'; '.join(stands.reasons)}" if stands.reasons else ""


def _comes_back(stands: CheckedObjective) -> str:
    # Steps that are reached at the same time are one: the highest.
    steps = {each.at: each.left_percent for each in (stands.budget.back_above if stands.budget else ())}
    when = ", ".join(f"above {percent(left / 100)} at {_when(at)}" for at, left in steps.items())
    return f"{stands.name}: {when} again, if nothing else fails" if when else ""


def _whole(composite: CheckedComposite) -> str:
    of = f"{composite.name}, of {' and '.join(composite.parts)}"
    if composite.left_percent is None:
        return f"{of}: unknown, since not every part could be counted"
    rates = (f"{factor(w.burn_rate)} over {w.window}" for w in composite.windows if w.burn_rate is not None)
    left = percent(composite.left_percent / 100)
    return f"{of}: {left} of its budget is left; burn rate {', '.join(rates) or 'unknown'}"


def _windows(screen: Screen, stands: CheckedObjective) -> None:
    """One objective over each window: what was counted, its bounds, latencies, and how much was seen."""
    latencies = any(over.quantiles for over in stands.windows)
    quantiles = ("P50", "P95", "P99") if latencies else ()
    head = ("WINDOW", "COUNTED", "BAD, AT LEAST TO AT MOST", "BURN RATE", *quantiles, "SEEN")
    rows = [
        [screen.text(cell) for cell in _cells(stands, over, latencies=latencies)] for over in stands.windows
    ]
    screen.blank()
    screen.line(_name(screen, stands))
    if screen.fits(head, rows):
        screen.table(head, rows)
        return
    for window, *cells in rows:
        told = [
            f"{title.lower()} {cell}"
            for title, cell in zip(head[1:], cells, strict=True)
            if cell.plain != "-"
        ]
        screen.line(f"{window}: {', '.join(told)}", indent=2)


def _cells(stands: CheckedObjective, over: OverWindow, *, latencies: bool) -> list[str]:
    counted = phrases.phase_count(stands, over)
    quantiles = [between(each) for each in over.quantiles] or ["-"] * 3
    return [over.window, counted, _bounds(over), _burns(over), *(quantiles if latencies else ()), _seen(over)]


def _bounds(over: OverWindow) -> str:
    if over.bad_at_least is None or over.bad_at_most is None:
        return "-"
    return f"{percent(over.bad_at_least)} to {percent(over.bad_at_most)}"


def _burns(over: OverWindow) -> str:
    if over.burn_rate is None:
        return "-"
    if over.burn_rate_at_least is None or over.burn_rate_at_most is None:
        return factor(over.burn_rate)
    return f"{factor(over.burn_rate)} ({factor(over.burn_rate_at_least)} to {factor(over.burn_rate_at_most)})"


def _seen(over: OverWindow) -> str:
    if not over.observed_seconds:
        return over.reason or "nothing"
    return f"only {seconds(over.observed_seconds)}" if is_short(over) else "all"
