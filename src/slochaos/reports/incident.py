"""What an interval cost, readable at a glance: a row per objective, dearest first, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from rich.text import Text

from slochaos.incident import Incident, PricedComposite, PricedObjective
from slochaos.reports import phrases, story
from slochaos.reports.screen import MARK_STYLES, Screen
from slochaos.wording import percent, seconds

_HEAD = ("OBJECTIVE", "TARGET", "IN THE INTERVAL", "COST (caused)", "FULL OUTAGE", "BUDGET LEFT", "REFUNDED")
_INDENT = 10


def render_incident(document: Incident, console: Console) -> None:
    """Print one priced interval; times are this host's local ones, with their date."""
    screen = Screen(console)
    _headline(screen, document)
    _objectives(screen, document)
    _remarks(screen, document)
    screen.line(screen.text("Next: ", "bold"), next_step(document))


def _headline(screen: Screen, document: Incident) -> None:
    asked = document.incident
    priced = any(each.charge for each in document.objectives)
    word = screen.text("CHARGED", "bold") if priced else screen.text("NO DATA", "bold yellow")
    start, end = local(asked.from_), local(asked.to)
    until = f"{end:%H:%M:%S}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M:%S}"
    facts = [
        f"{start:%Y-%m-%d %H:%M:%S} to {until} {end:%Z}",
        seconds((end - start).total_seconds()),
        asked.server,
        asked.environment,
        f"incident {asked.id}" if asked.id else "",
    ]
    screen.line(Text("   ").join([word, *(screen.text(fact) for fact in facts if fact)]))
    begin = local(asked.baseline_from)
    screen.line(
        f"caused is what goes beyond the {seconds((start - begin).total_seconds())} before it", indent=_INDENT
    )


def local(moment: str) -> datetime:
    """An RFC 3339 time as this host's clock on the wall shows it."""
    return datetime.fromisoformat(moment).astimezone()


@dataclass(frozen=True)
class _Room:
    """What a row has room for: how far the cost may be off, a bar, when the refund starts."""

    range: bool = False
    bar: bool = False
    start: bool = False


_ROOMS = (
    _Room(range=True, bar=True, start=True),
    _Room(range=True, bar=True),
    _Room(range=True),
    _Room(bar=True),
    _Room(),
)


def _objectives(screen: Screen, document: Incident) -> None:
    """The table, in the widest form that fits; per objective a few lines where none does."""
    for room in _ROOMS:
        rows = [_row(screen, each, room) for each in document.objectives]
        if screen.fits(_HEAD, rows):
            screen.table(_HEAD, rows)
            return
    for each in document.objectives:
        _fold(screen, each)


def _row(screen: Screen, priced: PricedObjective, room: _Room) -> list[Text]:
    cells = [
        phrases.target(priced),
        phrases.phase_count(priced, priced.interval),
        _cost(priced, with_range=room.range),
        _outage(priced) or "-",
    ]
    left = _left(screen, priced, room)
    back = screen.text(refunded(priced, with_start=room.start))
    return [_name(screen, priced), *map(screen.text, cells), left, back]


def _fold(screen: Screen, priced: PricedObjective) -> None:
    """One objective in a few lines, for narrow terminals."""
    screen.line(_name(screen, priced), Text("   target "), phrases.target(priced))
    cost, outage = _cost(priced, with_range=True), _outage(priced)
    lines = (
        ("had", screen.text(phrases.phase_count(priced, priced.interval))),
        ("cost", screen.text(f"{cost}, as much as {outage} of full outage" if outage else cost)),
        ("left", _left(screen, priced, _Room(range=True, bar=True))),
        ("back", screen.text(refunded(priced))),
    )
    for label, text in lines:
        screen.line(Text(f"{label:<7}", style="dim"), text, indent=4)


def _name(screen: Screen, priced: PricedObjective) -> Text:
    sign = mark(priced)
    return Text(f"{sign} ", style=MARK_STYLES[sign]).append_text(screen.text(priced.name))


def mark(priced: PricedObjective) -> str:
    """One sign per row: + nothing bad, ~ spent some, x nothing left of the budget, ? not counted."""
    if priced.charge is None:
        return "?"
    if priced.charge.consumed_after_percent >= 100:
        return "x"
    return "~" if priced.charge.bad_gross else "+"


def _cost(priced: PricedObjective, *, with_range: bool) -> str:
    return " ".join(filter(None, (phrases.cost(priced), phrases.cost_range(priced) if with_range else "")))


def _outage(priced: PricedObjective) -> str:
    """The time of full outage that costs as much; empty without a cost, and for slices, which are time already."""
    charge = priced.charge
    if charge is None or not charge.bad_gross or priced.budgeting_method != "Occurrences":
        return ""
    return seconds(charge.equivalent_outage_seconds)


def _left(screen: Screen, priced: PricedObjective, room: _Room) -> Text:
    bar = screen.bar(phrases.left_percent(priced.charge) if room.bar else None)
    shown = (phrases.left(priced.charge), phrases.left_range(priced.charge) if room.range else "")
    return bar.append(" " if bar else "").append_text(screen.text(" ".join(filter(None, shown))))


def refunded(priced: PricedObjective, *, with_start: bool = True) -> str:
    """When the charge leaves the window, from its first event to its last: "12-01 14:02 to 14:09"."""
    if priced.refund is None or priced.charge is None or not priced.charge.bad_gross:
        return "-"
    start, end = local(priced.refund.starts), local(priced.refund.completes)
    if start == end or not with_start:
        return f"{end:%m-%d %H:%M}"
    return f"{start:%m-%d %H:%M} to {end:{'%H:%M' if start.date() == end.date() else '%m-%d %H:%M'}}"


def _remarks(screen: Screen, document: Incident) -> None:
    """Why a figure may be wrong, when much-spent budgets come back, where the errors were, what to know."""
    for each in document.objectives:
        sign = mark(each)
        for sentence in filter(None, (_uncertain(each), _comes_back(each), phrases.more_than_caused(each))):
            screen.line(Text(f"{sign} ", style=MARK_STYLES[sign]), sentence, indent=2)
    for composite in document.composites:
        screen.line(_composite(composite), indent=2)
    for sentence in story.where(document.objectives):
        screen.line(f"Where: {sentence}.", indent=2)
    for note in document.notes:
        screen.line(f"Note: {note}", indent=2)


def _composite(composite: PricedComposite) -> str:
    of = f"{composite.name}, of {' and '.join(composite.parts)}"
    if composite.cost_percent is None or composite.consumed_after_percent is None:
        return f"{of}: unknown, since not every part could be priced"
    left = 1 - composite.consumed_after_percent / 100
    return f"{of}: {percent(composite.cost_percent / 100)} of its budget in all, {percent(left)} is left"


def _uncertain(priced: PricedObjective) -> str:
    reasons = "; ".join(priced.reasons)
    if not reasons:
        return ""
    if priced.charge is not None and priced.charge.bad_gross_interval[1] is None:
        least = percent(priced.charge.attributed_percent_interval[0] / 100)
        return f"{priced.name}: at least {least}; at most unbounded, because {reasons}"
    return f"{priced.name}: {reasons}"


def _comes_back(priced: PricedObjective) -> str:
    # Steps that are reached at the same time are one: the highest.
    steps = {each.at: each.left_percent for each in (priced.refund.back_above if priced.refund else ())}
    when = ", ".join(f"above {percent(left / 100)} at {_when(at)}" for at, left in steps.items())
    return f"{priced.name}: {when} again, if nothing else fails" if when else ""


def _when(moment: str) -> str:
    return f"{local(moment):%Y-%m-%d %H:%M}"


def next_step(document: Incident) -> str:
    """What to do now: without data look elsewhere, with nothing left wait, else keep what was found."""
    asked, objectives = document.incident, document.objectives
    if not any(each.charge for each in objectives):
        return "name an interval of which the server has samples, or other objectives: --environment, --objective"
    spent = [each for each in objectives if mark(each) == "x"]
    until = next(
        (f" until {_when(step.at)}" for each in spent if each.refund for step in each.refund.back_above), ""
    )
    freeze = f"{spent[0].name} has no budget left: risk nothing on it{until}; " if spent else ""
    if not asked.id:
        return freeze + "to keep this: the same with --incident ID"
    where = f" --environment {asked.environment}" if asked.environment else ""
    return f"{freeze}to see this again: slochaos show {asked.id}{where}"
