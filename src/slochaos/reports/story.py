"""The words of a whole run: its faults and their ends, remarks, what to do next. Pure.

Everything here survives a record that is incomplete: a refused run has no objectives, one whose supervisor
was killed may have no end, no injection's end, no recovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from slochaos.record import (
    Abort,
    CompositeResult,
    InjectionRecord,
    MeasuredCommand,
    ObjectiveResult,
    Priced,
    Recovery,
    Result,
)
from slochaos.reports.phrases import more_than_caused, worst_first
from slochaos.wording import percent, seconds

STATUS_WORDS = {"undo-failed": "UNDO FAILED"}
STATUS_STYLES = {
    "passed": "bold green",
    "failed": "bold red",
    "error": "bold red",
    "undo-failed": "bold white on red",
}
"""Rich's styles of the statuses in the terminal; yellow for the others."""
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
    marks = [name for name in ("placebo", "provisional") if getattr(result.run, name)]
    return f"{word} ({', '.join(marks)})" if marks else word


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


def fault_name(injection: InjectionRecord) -> str:
    """What the experiment calls the fault; else its target and kind."""
    if injection.name or injection.kind in injection.target:
        return injection.name or injection.target
    return f"{injection.target} ({injection.kind})"


def what_happened(result: Result, injection: InjectionRecord) -> str:
    """One injection in a line: what, for how long, how it ended; of a placebo, what was left out."""
    name, ended = fault_name(injection), how_it_ended(injection)
    if result.run.placebo:
        held_s = seconds_between(injection.applied, injection.undone)
        waited = "" if held_s is None else f", its {held_s:.1f} s went by"
        return f"placebo: nothing was injected for {name}{waited}"
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


def recovered(result: Result) -> str:
    """ "recovered after 1.8 s (+-0.25)"; nothing after a placebo, from which there is nothing to recover."""
    recovery = result.recovery
    if recovery is None or result.run.placebo:
        return ""
    if recovery.seconds is None:
        return _not_seen_to_recover(result, recovery)
    return f"recovered after {recovery.seconds:.1f} s (±{recovery.resolution_seconds:.2g})"


def _not_seen_to_recover(result: Result, recovery: Recovery) -> str:
    """What did not recover, apart from what nobody could see; names only where others did."""
    failed, unknown = recovery.not_recovered, recovery.unknown
    if unknown and not failed:
        which = "it" if len(unknown) == len(result.objectives) else _listed(unknown)
        return f"whether {which} recovered is not known"
    which = "" if len(failed) in (0, len(result.objectives)) else f": {_listed(failed)}"
    doubt = f" (not known of {_listed(unknown)})" if unknown else ""
    return f"NOT RECOVERED while it was watched{which}{doubt}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def evidence(result: Result) -> list[tuple[str, str]]:
    """(fault, what showed it in force) of each injection, those that nothing showed first; none of a placebo."""
    if result.run.placebo:
        return []
    ranked = sorted(result.injections, key=lambda injection: bool(injection.evidence))
    return [(fault_name(each), each.evidence) for each in ranked]


def in_force_still(result: Result) -> list[InjectionRecord]:
    """Injections that may be in force at this moment; never those of a placebo."""
    if result.run.placebo:
        return []
    return [injection for injection in result.injections if injection.undo in IN_FORCE_STILL]


def put_back(result: Result) -> str:
    """Whether anything was injected, and whether all of it is away."""
    if in_force_still(result) or result.run.status == "undo-failed":
        return "A fault may still be in force."
    if result.run.placebo:
        return "Nothing was injected."
    if result.measured is not None:
        return _of_command(result.measured)
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
    sentences += [f"{composed(each)}." for each in result.composites]
    sentences += [f"Where: {text}." for text in where(objectives)]
    if toolkit := toolkit_disagrees(result):
        sentences.append(toolkit)
    return [*sentences, *(f"Note: {note}" for note in result.notes)]


def composed(composite: CompositeResult) -> str:
    """ "checkout (reads 75 %, writes 25 %): 98.2 % good in the fault, caused cost 3.1 % of its week"."""
    parts = ", ".join(f"{name} {percent(weight)}" for name, weight in composite.parts.items())
    if composite.sli is None:
        return f"{composite.name} ({parts}) is not known: {composite.reason}"
    said = f"{percent(composite.sli, unlike=composite.target_fraction)} good during the fault"
    if composite.attributed_percent is not None:
        said += (
            f", cost {percent(max(composite.attributed_percent, 0.0) / 100)} of its {composite.window} budget"
        )
    return f"{composite.name} ({parts}): {said}"


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


def where(objectives: Iterable[Priced]) -> list[str]:
    """Which part of the system the bad events came from, for each objective that had some."""
    sentences = []
    for objective in objectives:
        bad = _bad_events(objective)
        shares = [
            f"{percent(min(1.0, c.bad / bad))} had {', '.join(f'{k}={v}' for k, v in sorted(c.labels.items()))}"
            for c in objective.top_contributors[:2]
            if bad and c.bad and c.labels
        ]
        if shares:
            sentences.append(f"of the bad events of {objective.name}, {'; '.join(shares)}")
    return sentences


def _bad_events(objective: Priced) -> float:
    counted = sum(contributor.bad for contributor in objective.top_contributors)
    return max(counted, objective.charge.bad_gross if objective.charge else 0)


def _more(result: Result, again: str) -> str:
    if result.measured is not None and result.measured.exit_status:
        return f"see what the command said of its failure{again}"
    return f"give it more time or more traffic{again}"


def _of_command(measured: MeasuredCommand) -> str:
    """How the command ended; what it changed is its own business."""
    if measured.exit_status is None:
        return "The command was not started."
    took = "" if measured.seconds is None else f" after {seconds(measured.seconds)}"
    ended = "succeeded" if not measured.exit_status else f"ended with status {measured.exit_status}"
    return f"The command {ended}{took}; what it changed stays."


def next_step(result: Result, report: str = "") -> str:
    """What to do now. The runner's own hint comes first; else by how the run ended."""
    run = result.run
    see = f"open {report}" if report else f"slochaos show {run.id} --format json"
    again = f", then run it again: {result.command}" if result.command else ", then run it again"
    if in_force_still(result) or run.status == "undo-failed":
        return f"remove the fault now, by the command above or with: slochaos recover --run {run.id}"
    if run.provisional:
        return f"if it does not run any more, it was killed at its very end: see its verdicts above{again}"
    if run.hint:
        return run.hint
    return {
        "passed": f"nothing has to be done; for the details: {see}",
        "failed": f"to see when and where it broke: {see}",
        "inconclusive": _more(result, again),
        "aborted": f"to see what had happened: {see}{again}",
        "interrupted": f"nothing is left to clean up{again}",
        "error": f"the run's folder has the logs; {see}",
        "refused": f"clear the reason above{again}",
        "invalid": f"correct what is named above{again}",
    }.get(run.status, see)
