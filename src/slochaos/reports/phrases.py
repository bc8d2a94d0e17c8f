"""The words of one objective's row, the same in the terminal and in report.html. Pure; no statistics jargon.

Everything here survives a record that is incomplete: a phase or a charge may be missing.
"""

from __future__ import annotations

import math

from slochaos.record import Charge, ObjectiveResult, Phase, Priced, Promised, Result
from slochaos.wording import count, exact_percent, percent, seconds


def target(objective: Promised) -> str:
    """ "99.9 % / 7d", "< 0.1 % / 24h", "95 % <= 300 ms"."""
    share = objective.target_fraction
    text = f"< {exact_percent(round(1 - share, 12))}" if objective.operator == "lt" else exact_percent(share)
    if objective.threshold_seconds is not None:
        return f"{text} <= {seconds(objective.threshold_seconds)}"
    return f"{text} / {objective.window}"


def during_fault(objective: ObjectiveResult) -> str:
    """What was counted during the fault: a census of this run, in the objective's own terms."""
    phase = objective.phases.get("fault")
    if phase is None:
        return "not measured"
    return phase_count(objective, phase, objective.rule.hold)


def phase_count(objective: Promised, phase: Phase, hold: float | None = None) -> str:
    """One phase's count: "100 % (0 bad of 6,012)", "all failed (5,940 of 5,940)", "0 bad minutes of 2".

    `hold`: a floor (0-1) from which the share has to be told apart.
    """
    if phase.good is None or phase.total is None:
        return "no data"
    if not phase.total:
        return "no events"
    bad = phase.total - phase.good
    if objective.budgeting_method != "Occurrences":
        many = count(bad) if float(bad).is_integer() else f"{bad:.2f}"
        return f"{many} bad minute{'' if bad == 1 else 's'} of {count(phase.total)}"
    if objective.operator == "lt":
        extremes: dict[float, str] = {0: "none", phase.total: "all"}
        share = extremes.get(bad) or percent(bad / phase.total)
        return f"{share} failed ({count(bad)} of {count(phase.total)})"
    good = percent(phase.good / phase.total, unlike=hold)
    if objective.threshold_seconds is not None:
        return f"{good} ({count(bad)} slow of {count(phase.total)})"
    return f"{good} ({count(bad)} bad of {count(phase.total)})"


def rule(objective: ObjectiveResult) -> str:
    """What the experiment asked to hold, and whether it did: "held >= 99 %", "observed"."""
    if objective.rule.hold is None:
        return "observed" if objective.rule.cost is None else "-"
    word = {"kept": "held", "breached": "broke"}.get(objective.verdict, "hold")
    return f"{word} >= {exact_percent(objective.rule.hold)}"


def may_cost(objective: ObjectiveResult) -> str:
    """The largest share of the budget that the experiment accepts."""
    return "-" if objective.rule.cost is None else exact_percent(objective.rule.cost)


def cost(objective: Priced) -> str:
    """The share of the budget that the run caused."""
    return (
        "unknown"
        if objective.charge is None
        else percent(max(0.0, objective.charge.attributed_percent) / 100)
    )


def cost_range(objective: Priced) -> str:
    """How far the caused share may be from its value: "(23.0-23.2)"; empty where that shows no difference."""
    if objective.charge is None:
        return ""
    low, high = objective.charge.attributed_percent_interval
    digits = 1 if objective.charge.attributed_percent >= 1 else 2
    if high is None or math.isinf(high):
        return f"(>= {low:.{digits}f})"
    if f"{low:.{digits}f}" == f"{high:.{digits}f}":
        return ""
    return f"({low:.{digits}f}-{high:.{digits}f})"


def left_percent(charge: Charge | None) -> float | None:
    """What is left of the budget, in per cent; below 0 when overspent, None when unknown."""
    return None if charge is None else 100 - charge.consumed_after_percent


def left(charge: Charge | None) -> str:
    """ "76.9 %", "overspent by 12 %", "unknown"; "at most 76.9 %" where nobody knows at most what was spent."""
    value = left_percent(charge)
    if charge is None or value is None:
        return "unknown"
    spent = charge.consumed_after_percent_interval
    if spent is not None and spent[1] is None:
        most = 100 - spent[0]
        return (
            f"at most {percent(most / 100)}" if most >= 0 else f"overspent by at least {percent(-most / 100)}"
        )
    return percent(value / 100) if value >= 0 else f"overspent by {percent(-value / 100)}"


def left_range(charge: Charge | None) -> str:
    """How far that may be from its value: "(76.8-99.9)", below 0 when overspent; empty where it shows no difference."""
    spent = charge.consumed_after_percent_interval if charge else None
    if spent is None or spent[1] is None:
        return ""
    least, most = 100 - spent[1], 100 - spent[0]
    digits = 1 if min(abs(least), abs(100 - least)) >= 1 else 2
    texts = f"{least:.{digits}f}", f"{most:.{digits}f}"
    return "" if texts[0] == texts[1] else f"({(' to ' if least < 0 else '-').join(texts)})"


def more_than_caused(objective: Priced) -> str:
    """A sentence where the whole cost reads differently from the part that the fault caused."""
    charge = objective.charge
    if charge is None or percent(charge.cost_percent / 100) == cost(objective):
        return ""
    return (
        f"{objective.name} spent {percent(charge.cost_percent / 100)} of its budget in all, "
        f"{cost(objective)} beyond what is usual"
    )


def about(objective: ObjectiveResult) -> str:
    """Why the row reads as it does, led by the objective's name; empty where the row says it all."""
    fault = objective.phases.get("fault")
    lacking = fault.reason if fault is not None and fault.good is None else ""
    uncharged = objective.charge is None and fault is not None and fault.good is not None
    if objective.verdict in ("kept", "observed") and not lacking and not uncharged:
        return ""
    if (
        lacking.partition(": ")[2] or lacking
    ) in objective.reason:  # said already, without the word that machines read
        lacking = ""
    reason = "; ".join(filter(None, (objective.reason, lacking)))
    return reason if not reason or objective.name in reason else f"{objective.name}: {reason}"


def worst_first(result: Result) -> list[ObjectiveResult]:
    """Broken rules first, then undecided ones, kept ones, and what was only observed."""
    order = ("breached", "exceeded", "unproven", "kept", "observed")
    return sorted(result.objectives, key=lambda objective: order.index(objective.verdict))


def mark(objective: ObjectiveResult) -> str:
    """One sign per row: + kept, x broken, ? undecided, ~ observed only."""
    return {"kept": "+", "observed": "~", "unproven": "?"}.get(objective.verdict, "x")
