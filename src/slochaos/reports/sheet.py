"""What only report.html says: the verdict as a sentence, key figures, budget bars, how it was measured. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from slochaos.record import Charge, ObjectiveResult, Phase, Result
from slochaos.reports import phrases, story
from slochaos.wording import count, exact_percent, percent, seconds

_HEADLINES = {
    "passed": "The system kept what was asked of it",
    "failed": "The system did not keep what was asked of it",
    "undo-failed": "A fault may still be in force",
    "inconclusive": "This run gives no verdict",
    "aborted": "The run was stopped before its end",
    "interrupted": "The run was interrupted",
    "refused": "The run was refused: nothing was injected",
    "invalid": "The experiment could not be used: nothing was injected",
    "error": "The run could not be finished",
}


def headline(result: Result) -> str:
    """The verdict in one sentence that stands alone, with the fault that it is about."""
    text = _HEADLINES[result.run.status]
    if result.run.placebo and result.run.status in ("passed", "failed"):
        return f"{text}, and nothing was injected: this was a placebo run."
    faults = [
        f"{story.fault_name(injection)} ({held_s:.1f} s)"
        for injection in result.injections
        if (held_s := story.seconds_between(injection.applied, injection.undone)) is not None
    ]
    if result.run.status in ("passed", "failed") and len(faults) == 1:
        return f"{text} during {faults[0]}."
    return f"{text}."


def explanation(result: Result) -> str:
    """Why, and what was kept or broken; empty where the headline says it all."""
    match result.run.status:
        case "passed":
            return _promises(result)
        case "failed":
            return _sentences(
                [phrases.about(o) for o in result.objectives if phrases.mark(o) == "x"]
            ) or sentence(result.run.reason)
        case "undo-failed" | "refused" | "invalid":
            return sentence(result.run.reason)
        case _:
            return _sentences([result.run.reason, story.put_back(result)])


def _promises(result: Result) -> str:
    """What was asked and kept, objective by objective."""
    kept = []
    for objective in phrases.worst_first(result):
        if objective.verdict != "kept":
            continue
        parts = []
        if objective.rule.hold is not None:
            parts.append(f"held at least {exact_percent(objective.rule.hold)}")
        if objective.rule.cost is not None and objective.charge is not None:
            parts.append(
                f"spent {percent(objective.charge.cost_percent / 100)} of its budget "
                f"where {exact_percent(objective.rule.cost)} was accepted"
            )
        if parts:
            kept.append(f"{objective.name} {' and '.join(parts)}")
    return _sentences(kept)


def _sentences(texts: list[str]) -> str:
    return " ".join(map(sentence, filter(None, texts)))


def sentence(text: str) -> str:
    """With a full stop, and a capital unless it begins with a name such as `api-success-rate`."""
    if not text.strip():
        return ""
    first = text.split(maxsplit=1)[0]
    begun = text[0].upper() + text[1:] if first.isalpha() else text
    return f"{begun.rstrip('.')}."


@dataclass(frozen=True)
class Figure:
    """One key figure: a large value and what it is."""

    value: str
    label: str


def figures(result: Result) -> list[Figure]:
    """The few numbers to remember: how long it was broken, how fast it was put back, what it cost."""
    found = [] if result.run.placebo else _durations(result)
    dearest = max((o for o in result.objectives if o.charge), key=_cost, default=None)
    if dearest is not None:
        found.append(
            Figure(percent(_cost(dearest) / 100), f"of the budget of {dearest.name} spent, the dearest")
        )
    return found


def _durations(result: Result) -> list[Figure]:
    """How long the fault was in force, and how long it took to undo it and to recover."""
    found = []
    held = [
        span for i in result.injections if (span := story.seconds_between(i.applied, i.undone)) is not None
    ]
    if held:
        found.append(
            Figure(f"{max(held):.1f} s", "fault in force" if len(held) == 1 else "longest fault in force")
        )
    undo = [
        i.undo_milliseconds
        for i in result.injections
        if i.undo_milliseconds is not None and i.undo == "verified"
    ]
    if undo:
        found.append(Figure(seconds(max(undo) / 1000), "to undo and verify"))
    if result.recovery is not None:
        unseen = "not known" if result.recovery.unknown and not result.recovery.not_recovered else "not seen"
        value = unseen if result.recovery.seconds is None else f"{result.recovery.seconds:.1f} s"
        found.append(Figure(value, f"to recover (±{result.recovery.resolution_seconds:.2g} s)"))
    return found


def _cost(objective: ObjectiveResult) -> float:
    return objective.charge.cost_percent if objective.charge else 0.0


@dataclass(frozen=True)
class Bar:
    """A budget as a bar: what was spent before and by this run, as shares of the drawn width in per cent.

    `lines` are the positions of 50, 80 and 100 % of the budget.
    """

    before: float
    run: float
    lines: tuple[tuple[int, float], ...]
    text: str
    foreseen: str


def bar(result: Result, objective: ObjectiveResult) -> Bar | None:
    """The bar of one objective, drawn wider than the budget where it is overspent; None without a charge."""
    charge = objective.charge
    if charge is None:
        return None
    before = max(0.0, charge.consumed_before_percent)
    after = max(before, charge.consumed_after_percent)
    scale = 100 / max(105.0, after * 1.05)
    left = " ".join(filter(None, (phrases.left(charge), phrases.left_range(charge))))
    spent = f"{percent(before / 100)} spent before, {percent(after / 100)} after"
    return Bar(
        before=round(before * scale, 3),
        run=round((after - before) * scale, 3),
        lines=tuple((line, round(line * scale, 3)) for line in (50, 80, 100)),
        text=f"{spent}; left: {left}",
        foreseen=_foreseen(result, objective.name),
    )


def _foreseen(result: Result, name: str) -> str:
    forecast = next((f for f in result.plan.forecast if f.objective == name), None)
    if forecast is None:
        return ""
    expected = (
        "" if forecast.expected_percent is None else f"{percent(forecast.expected_percent / 100)} expected, "
    )
    return f"foreseen: {expected}{percent(forecast.worst_percent / 100)} at worst"


def charged(objective: ObjectiveResult) -> str:
    """How the charge of one objective was counted, and what it means."""
    charge = objective.charge
    if charge is None:
        return f"not charged: {phrases.about(objective) or 'nothing was counted'}"
    slices = objective.budgeting_method != "Occurrences"
    things = "minutes" if slices else "events"
    known = "as its source says" if charge.basis == "observed" else "projected from the baseline"
    text = (
        f"{count(charge.bad_gross)} bad {things}{_beyond_usual(charge)}; "
        f"the window of {objective.window} has {count(charge.window_events)} {things}, {known}"
    )
    if slices or not charge.bad_gross:
        return text
    return f"{text}; as much as {seconds(charge.equivalent_outage_seconds)} of full outage"


def _beyond_usual(charge: Charge) -> str:
    """How many of the bad events the baseline does not explain."""
    if not charge.bad_gross:
        return ""
    low, high = charge.attributed_interval
    if high is None or math.isinf(high):
        return f", of which at least {count(low)} beyond what is usual"
    if count(low) == count(high):
        return f", of which {count(high)} beyond what is usual"
    return f", of which {count(low)} to {count(high)} beyond what is usual"


def bad_between(phase: Phase) -> str:
    """Between which shares the bad events are, for what the run lets one conclude."""
    if phase.bad_at_least is None and phase.bad_at_most is None:
        return "-"
    low = percent(phase.bad_at_least or 0.0)
    return f"{low} to {percent(1.0 if phase.bad_at_most is None else phase.bad_at_most)}"


def unknown(result: Result) -> list[str]:
    """What this report does not know: gaps, estimates and the assumptions behind it."""
    found = list(result.notes)
    doubts: dict[str, list[str]] = {}
    for objective in result.objectives:
        for name, phase in objective.phases.items():
            if phase.reason:
                doubts.setdefault(phase.reason, []).append(f"{objective.name} in {name}")
        if objective.charge is None:
            found.append(f"{objective.name} was not charged, so that its budget is not known.")
    found += [f"{reason} ({', '.join(places)})" for reason, places in doubts.items()]
    projected = [o.name for o in result.objectives if o.charge and o.charge.basis == "projected"]
    if projected:
        found.append(
            f"The events of the whole window were projected from the baseline's traffic: {', '.join(projected)}."
        )
    if not result.objectives:
        found.append("No objective was judged.")
    if not result.timeline.points:
        found.append("No samples over time were recorded.")
    return found
