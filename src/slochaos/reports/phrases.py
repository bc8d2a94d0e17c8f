"""The words of a run's report, the same in the terminal and in report.html. Pure; no statistics jargon.

Everything here survives a record that is incomplete: a refused run has no objectives, one whose supervisor
was killed may have no charge, no injection's end, no phase.
"""

from __future__ import annotations

import math
from datetime import datetime

from slochaos.record import Abort, Charge, InjectionRecord, ObjectiveResult, Phase, Recovery, Result
from slochaos.wording import count, exact_percent, percent, seconds

STATUS_WORDS = {"undo-failed": "UNDO FAILED"}
IN_FORCE_STILL = ("failed", "open")
"""States of an undo after which the fault may still be in force."""

_UNDO_PHRASES = {
    "verified": "undone and verified",
    "expired": "ended by its own expiry",
    "gone": "the target is gone",
    "superseded": "changed by somebody else meanwhile, so not touched",
    "waived": "given up on by hand",
    "failed": "NOT UNDONE",
    "open": "NOT UNDONE YET",
}

STATUS_COMMAND = "slochaos status"


def status_word(result: Result) -> str:
    """PASSED, FAILED, UNDO FAILED, ..."""
    word = STATUS_WORDS.get(result.run.status, result.run.status.upper())
    return f"{word} (placebo)" if result.run.placebo else word


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Seconds from one RFC 3339 time to another; None where one is missing or no time."""
    try:
        if start and end:
            return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
    except (TypeError, ValueError):
        pass
    return None


def took(result: Result) -> str:
    """How long the run took, or nothing where its end is unknown."""
    length_s = seconds_between(result.run.started, result.run.ended)
    return "" if length_s is None or length_s < 0 else seconds(length_s)


def target(objective: ObjectiveResult) -> str:
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
    return phase_count(objective, phase)


def phase_count(objective: ObjectiveResult, phase: Phase) -> str:
    """One phase's count: "100 % (0 bad of 6,012)", "all failed (5,940 of 5,940)", "0 bad minutes of 2"."""
    if phase.good is None or phase.total is None:
        return "no data"
    if not phase.total:
        return "no events"
    bad = phase.total - phase.good
    if objective.budgeting_method != "Occurrences":
        return f"{count(bad)} bad minute{'' if bad == 1 else 's'} of {count(phase.total)}"
    if objective.operator == "lt":
        share = {0: "none", phase.total: "all"}.get(bad) or percent(bad / phase.total)
        return f"{share} failed ({count(bad)} of {count(phase.total)})"
    good = percent(phase.good / phase.total, unlike=objective.rule.hold)
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


def cost(objective: ObjectiveResult) -> str:
    """The share of the budget that the run caused."""
    return (
        "unknown"
        if objective.charge is None
        else percent(max(0.0, objective.charge.attributed_percent) / 100)
    )


def cost_range(objective: ObjectiveResult) -> str:
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
    """ "76.9 %", "overspent by 12 %", "unknown"."""
    value = left_percent(charge)
    if value is None:
        return "unknown"
    return percent(value / 100) if value >= 0 else f"overspent by {percent(-value / 100)}"


def more_than_caused(objective: ObjectiveResult) -> str:
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
    if objective.verdict in ("kept", "observed") and not lacking:
        return ""
    reason = "; ".join(dict.fromkeys(filter(None, (objective.reason, lacking))))
    return reason if not reason or objective.name in reason else f"{objective.name}: {reason}"


def worst_first(result: Result) -> list[ObjectiveResult]:
    """Broken rules first, then undecided ones, kept ones, and what was only observed."""
    order = ("breached", "exceeded", "unproven", "kept", "observed")
    return sorted(result.objectives, key=lambda objective: order.index(objective.verdict))


def mark(objective: ObjectiveResult) -> str:
    """One sign per row: + kept, x broken, ? undecided, ~ observed only."""
    return {"kept": "+", "observed": "~", "unproven": "?"}.get(objective.verdict, "x")


def fault_name(injection: InjectionRecord) -> str:
    """What the experiment calls the fault; else its target and kind."""
    return injection.name or f"{injection.target} ({injection.kind})"


def what_happened(injection: InjectionRecord) -> str:
    """One injection in a line: what, for how long, how it ended."""
    name, ended = fault_name(injection), how_it_ended(injection)
    if injection.applied is None:
        return f"{name} was never seen in force | {ended}"
    held_s = seconds_between(injection.applied, injection.undone)
    return f"{name} {held_s:.1f} s | {ended}" if held_s is not None else f"{name} put in force | {ended}"


def how_it_ended(injection: InjectionRecord) -> str:
    """ "undone and verified in 38 ms", "ended by its own expiry", "NOT UNDONE"."""
    phrase = _UNDO_PHRASES[injection.undo]
    if injection.undo == "verified" and injection.undo_milliseconds is not None:
        return f"{phrase} in {seconds(injection.undo_milliseconds / 1000)}"
    return phrase


def recovered(recovery: Recovery | None) -> str:
    """ "recovered after 1.8 s (+-0.25)"."""
    if recovery is None:
        return ""
    if recovery.seconds is None:
        return "NOT RECOVERED while it was watched"
    return f"recovered after {recovery.seconds:.1f} s (±{recovery.resolution_seconds:.2g})"


def in_force_still(result: Result) -> list[InjectionRecord]:
    """Injections that may be in force at this moment."""
    return [injection for injection in result.injections if injection.undo in IN_FORCE_STILL]


def put_back(result: Result) -> str:
    """Whether anything was injected, and whether all of it is away."""
    if in_force_still(result) or result.run.status == "undo-failed":
        return "A fault may still be in force."
    if not result.injections:
        # A run that was cut off may have injected something that its record does not know.
        sure = result.run.status in ("refused", "invalid") or "fault" not in result.timeline.marks
        return (
            "Nothing was injected." if sure else f"What was injected is not recorded; see: {STATUS_COMMAND}"
        )
    left_alone = [i for i in result.injections if i.undo in ("superseded", "waived")]
    return "Not everything was put back by this run: see above." if left_alone else "Everything was put back."


def cut_short(abort: Abort) -> str:
    """Why the run was ended early, and how fast everything was put back."""
    restored = (
        "" if abort.latency_ms is None else f", everything put back {seconds(abort.latency_ms / 1000)} later"
    )
    return f"cut short: {abort.condition}{restored}"


def remarks(result: Result) -> list[str]:
    """Sentences below the table: whole costs, what to expect of the next run, where, other verdicts, notes."""
    objectives = worst_first(result)
    sentences = [text for objective in objectives if (text := more_than_caused(objective))]
    sentences += [f"Would it hold again? {o.name}: {o.would_hold_again}." for o in objectives if _promised(o)]
    sentences += [f"Where: {text}." for text in where(result)]
    if toolkit := toolkit_disagrees(result):
        sentences.append(toolkit)
    return [*sentences, *(f"Note: {note}" for note in result.notes)]


def _promised(objective: ObjectiveResult) -> bool:
    """Whether the next run is of interest: only a floor can hold again, a cost is a count of this run."""
    return bool(objective.would_hold_again) and objective.rule.hold is not None


def toolkit_disagrees(result: Result) -> str:
    """Chaos Toolkit's own verdict, where it is not simply `completed`."""
    verdict = result.chaos_toolkit
    if verdict is None or (verdict.status == "completed" and not verdict.deviated):
        return ""
    deviated = ", its hypothesis deviated" if verdict.deviated else ""
    return f"Chaos Toolkit's own verdict: {verdict.status}{deviated}."


def where(result: Result) -> list[str]:
    """Which part of the system the bad events came from, for each objective that had some; worst first."""
    sentences = []
    for objective in worst_first(result):
        bad = _bad_events(objective)
        shares = [
            f"{percent(min(1.0, c.bad / bad))} had {', '.join(f'{k}={v}' for k, v in sorted(c.labels.items()))}"
            for c in objective.top_contributors[:2]
            if bad and c.bad and c.labels
        ]
        if shares:
            sentences.append(f"of the bad events of {objective.name}, {'; '.join(shares)}")
    return sentences


def _bad_events(objective: ObjectiveResult) -> int:
    counted = sum(contributor.bad for contributor in objective.top_contributors)
    return max(counted, objective.charge.bad_gross if objective.charge else 0)


def next_step(result: Result, report: str = "") -> str:
    """What to do now. The runner's own hint comes first; else by how the run ended."""
    run = result.run
    see = f"open {report}" if report else f"slochaos show {run.id} --format json"
    again = f", then run it again: {result.command}" if result.command else ", then run it again"
    if in_force_still(result) or run.status == "undo-failed":
        return f"remove the fault now, by the command above or with: slochaos recover --run {run.id}"
    if run.hint:
        return run.hint
    return {
        "passed": f"nothing has to be done; for the details: {see}",
        "failed": f"to see when and where it broke: {see}",
        "inconclusive": f"give it more time or more traffic{again}",
        "aborted": f"to see what had happened: {see}{again}",
        "interrupted": f"nothing is left to clean up{again}",
        "error": f"the run's folder has the logs; {see}",
        "refused": f"clear the reason above{again}",
        "invalid": f"correct what is named above{again}",
    }.get(run.status, see)
