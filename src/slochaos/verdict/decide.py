"""The decision on one objective: its rule against what was counted.

Two different questions. What the run cost is a census: it was counted, and is compared exactly. Whether a
floor holds is inferred from the events of the fault, by one-sided bounds. Slices are always a census.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from slochaos.verdict.advice import way_out
from slochaos.verdict.bounds import CONFIDENCE, at_least, at_most
from slochaos.verdict.counts import Counted, Missing, Promise, Spent, Tally
from slochaos.verdict.power import needed_events
from slochaos.wording import count, exact_percent, percent, seconds, window_name

Verdict = Literal["kept", "exceeded", "breached", "unproven", "observed"]

_WORST_FIRST: tuple[Verdict, ...] = ("breached", "exceeded", "unproven", "kept", "observed")


@dataclass(frozen=True)
class Decision:
    """What is established about one objective. `word` is stable, for machines; `reason` is a sentence.

    Words: `held`, `within-cost`, `below-floor`, `over-cost`, `too-few-events`, `no-events`,
    `baseline-noise`, `counting-uncertain`, `no-rule`, and the reason of missing data as the source gave it.
    `way_out` says what to do where the evidence, and not too little of it, stands in the way.
    """

    verdict: Verdict
    word: str
    reason: str
    way_out: str = ""


def decide_objective(
    objective: Promise,
    *,
    fault: Counted | Missing,
    with_drain: Counted | Missing,
    spent: Spent | Missing | None = None,
    hold: Fraction | None = None,
    cost: Fraction | None = None,
    objectives: int = 1,
    rate_per_s: float = 0.0,
) -> Decision:
    """Judge one objective by its rule: `hold` (floor of the good share) and `cost` (share of the budget).

    `fault` is [S0, S1), `with_drain` the fault plus the clients' timeouts. `objectives` is how many have a
    floor in this run; `rate_per_s` turns missing events into seconds. Without a rule: "observed".
    """
    found: list[Decision] = []
    if hold is not None:
        floor = _Floor(objective, hold, objectives, rate_per_s)
        found.append(_decide_hold(floor, fault, with_drain))
    if cost is not None:
        found.append(_decide_cost(objective, cost, spent))
    if not found:
        return _observe(objective, fault)
    worst = min(found, key=lambda decision: _WORST_FIRST.index(decision.verdict))
    alike = dict.fromkeys(decision.reason for decision in found if decision.verdict == worst.verdict)
    advice = way_out(_causes(worst, fault, with_drain, spent)) if worst.verdict == "unproven" else ""
    return Decision(worst.verdict, worst.word, "; ".join(alike), advice)


def _causes(
    worst: Decision, fault: Counted | Missing, with_drain: Counted | Missing, spent: Spent | Missing | None
) -> Iterator[str]:
    """The words of what was missing or in doubt; none where events are all that lacks."""
    if worst.word in ("too-few-events", "baseline-noise"):
        return
    yield worst.word
    if isinstance(spent, Missing):
        yield spent.reason
    elif spent is not None:
        yield from (word.partition(":")[0] for word in spent.window_doubts)
    for phase in (fault, with_drain):
        words = (phase.reason,) if isinstance(phase, Missing) else phase.reasons
        yield from (word.partition(":")[0] for word in words)


@dataclass(frozen=True)
class _Floor:
    """A `hold` of one objective, and how sure to be."""

    objective: Promise
    hold: Fraction
    objectives: int
    rate_per_s: float

    @property
    def allowed(self) -> Fraction:
        return 1 - self.hold

    @property
    def strict(self) -> bool:
        """The objective's own target keeps its operator; any other floor may be touched."""
        return self.objective.operator == "lt" and self.allowed == self.objective.allowed

    @property
    def census(self) -> bool:
        return self.objective.method != "Occurrences"

    @property
    def breach_confidence(self) -> float:
        """Several objectives, each with a chance of a false alarm: alpha / m on the breach side."""
        return 1 - (1 - CONFIDENCE) / max(self.objectives, 1)

    def permits(self, share: float | Fraction) -> bool:
        return share < self.allowed if self.strict else share <= self.allowed

    def permits_count(self, bad: float | Fraction, total: float) -> bool:
        if math.isinf(bad):
            return False
        return self.permits(Fraction(bad) / Fraction(total)) if total else True


def _decide_hold(floor: _Floor, fault: Counted | Missing, with_drain: Counted | Missing) -> Decision:
    """Both the fault and the fault plus drain have to be shown to hold; the worse of them is reported.

    A breach that one of them shows stands, also where the other has no data.
    """
    return min((_judge(floor, phase) for phase in (fault, with_drain)), key=lambda judged: judged[:2])[2]


def _judge(floor: _Floor, phase: Counted | Missing) -> tuple[int, float, Decision]:
    """The decision with its rank, worst first: by verdict, then by bad share; no data ranks before a share."""
    if isinstance(phase, Missing):
        return _WORST_FIRST.index("unproven"), -math.inf, _unproven_without_data(floor.objective, phase)
    decision = _judge_slices(floor, phase) if floor.census else _judge_events(floor, phase)
    share = float(phase.bad / phase.total) if phase.total else 0.0
    return _WORST_FIRST.index(decision.verdict), -share, decision


def _judge_events(floor: _Floor, seen: Counted) -> Decision:
    name, needed = floor.objective.name, f"{exact_percent(floor.hold)} has to hold"
    if not seen.total:
        return Decision(
            "unproven", "no-events", f"{name} saw no events, {needed}{_what_it_takes(floor, seen)}"
        )
    least, most = at_least(seen, floor.breach_confidence), at_most(seen)
    observed = f"{name} held {_share_text(seen, floor.hold)}"
    if least > floor.allowed:
        return Decision("breached", "below-floor", f"{observed}, {needed}")
    if floor.permits(most):
        return Decision("kept", "held", f"{observed}, {needed}")
    if seen.reasons and _doubtful(seen) and _decided_by_point(floor, seen):
        return Decision("unproven", "counting-uncertain", f"{observed}, {needed}{_doubts(seen)}")
    shown = f"which shows no more than {percent(1 - most, unlike=floor.hold)}"
    return Decision(
        "unproven", "too-few-events", f"{observed}, {shown}: {needed}{_what_it_takes(floor, seen)}"
    )


def _judge_slices(floor: _Floor, seen: Counted) -> Decision:
    observed = (
        f"{floor.objective.name} had {count(seen.bad)} bad of {_slices(seen.total)}, "
        f"{exact_percent(floor.hold)} has to hold"
    )
    if not seen.total:
        return Decision("unproven", "no-events", observed)
    if floor.permits_count(seen.bad_high, seen.total):
        return Decision("kept", "held", observed)
    if not floor.permits_count(seen.bad_low, seen.total):
        return Decision("breached", "below-floor", observed)
    return Decision("unproven", "counting-uncertain", observed + _doubts(seen))


def _decide_cost(objective: Promise, cost: Fraction, spent: Spent | Missing | None) -> Decision:
    if spent is None or isinstance(spent, Missing):
        return _unproven_without_data(objective, spent)
    low, high = spent.gross_share_interval
    span = window_name(objective.window_s)
    allowed = f"allowed {exact_percent(cost)}"
    observed = f"{objective.name} cost {percent(spent.gross_share, unlike=cost)} of its {span}, {allowed}"
    if high <= cost:
        return Decision("kept", "within-cost", observed)
    caused = spent.attributed_share_interval[0]
    if caused > cost:
        return Decision("exceeded", "over-cost", observed)
    if low <= cost:
        between = (
            f"at least {percent(low)}" if math.isinf(high) else f"between {percent(low)} and {percent(high)}"
        )
        reason = f"{objective.name} cost {between} of its {span}, {allowed}{_why_between(spent)}"
        return Decision("unproven", "counting-uncertain", reason)
    noise = f"but only {percent(caused, unlike=cost)} is shown to come from the fault, the rest may be usual"
    return Decision(
        "unproven", "baseline-noise", f"{observed}, {noise}: run again, or with a longer baseline"
    )


def _why_between(spent: Spent) -> str:
    """The count, or the traffic from which the window's events are projected: whichever is in doubt."""
    if not spent.window_doubts:
        return ": the count is not exact"
    return f": how many events the window has is not certain ({', '.join(spent.window_doubts)})"


def _observe(objective: Promise, fault: Counted | Missing) -> Decision:
    if isinstance(fault, Missing):
        return Decision("observed", fault.reason, f"{objective.name}: {_missing_text(fault)}")
    if objective.method != "Occurrences":
        seen = f"{count(fault.bad)} bad of {_slices(fault.total)}"
    else:
        seen = _share_text(fault)
    return Decision("observed", "no-rule", f"{objective.name}: {seen}")


def _unproven_without_data(objective: Promise, missing: Missing | None) -> Decision:
    if missing is None:
        return Decision("unproven", "no-data", f"{objective.name}: nothing was counted")
    return Decision("unproven", missing.reason, f"{objective.name}: {_missing_text(missing)}")


def _missing_text(missing: Missing) -> str:
    return missing.detail or f"no data ({missing.reason})"


def _share_text(seen: Counted, unlike: Fraction | None = None) -> str:
    if not seen.total:
        return "no events"
    good = Fraction(seen.total - seen.bad, seen.total)
    return f"{percent(good, unlike=unlike)} ({count(seen.bad)} bad of {count(seen.total)})"


def _slices(total: int) -> str:
    return f"{count(total)} slice" + ("" if total == 1 else "s")


def _doubtful(seen: Counted) -> bool:
    return seen.bad_low < seen.bad_high or seen.total_low < seen.total_high


def _doubts(seen: Counted) -> str:
    return ": the count is not exact" + (f" ({', '.join(seen.reasons)})" if seen.reasons else "")


def _decided_by_point(floor: _Floor, seen: Counted) -> bool:
    """Whether the point values alone would have decided, so that only the doubt stands in the way."""
    point = Tally.exactly(int(seen.bad), seen.total)
    return at_least(point, floor.breach_confidence) > floor.allowed or floor.permits(at_most(point))


def _what_it_takes(floor: _Floor, seen: Counted) -> str:
    """The further clean events, and seconds, after which the same bad ones would be shown to be few enough."""
    if floor.allowed <= 0:
        return "; no number of events shows 100 %"
    missing = needed_events(int(seen.bad), floor.allowed) - math.floor(seen.total_low)
    if missing <= 0:
        return ""
    longer = f" (about {seconds(missing / floor.rate_per_s)})" if floor.rate_per_s > 0 else ""
    return f"; takes {count(missing)} more without a failure{longer}"


def baseline_refusal(
    objective: Promise, baseline: Counted | Missing, *, required: bool, objectives: int = 1
) -> str | None:
    """Why nothing may be injected, or None: the objective is breached already, or a rule needs data it lacks.

    Anything less than a shown breach lets the run go on: a baseline is too short to prove health.
    """
    if isinstance(baseline, Missing):
        return f"{objective.name}: {_missing_text(baseline)}" if required else None
    target = _Floor(objective, 1 - objective.allowed, objectives, 0.0)
    if _judge(target, baseline)[2].verdict != "breached":
        return None
    if target.census:
        seen = f"{count(baseline.bad)} bad of {_slices(baseline.total)}"
    else:
        seen = _share_text(baseline, target.hold)
    return f"{objective.name} is broken before any fault: {seen}, its target is {exact_percent(target.hold)}"
