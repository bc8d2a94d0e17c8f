"""May this run spend what it may cost? One policy for runs, schedules and releases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Literal, Protocol

from slochaos.wording import Share, percent, window_name

Step = Literal["normal", "notify", "restricted", "frozen"]

STEPS: tuple[tuple[Fraction, Step], ...] = (
    (Fraction(1), "frozen"),
    (Fraction(8, 10), "restricted"),
    (Fraction(5, 10), "notify"),
)
"""From which consumed share on which step applies."""

_RESTRICTED_SHARE_OF_REST = Fraction(1, 100)


@dataclass(frozen=True)
class Outlook:
    """One objective before the run. Shares of its budget (1 = all of it).

    `refund_at`: RFC 3339, when its consumption will have fallen enough, if that is known.
    """

    objective: str
    consumed: Share
    worst: Share
    window_s: int
    refund_at: str = ""


class Override(Protocol):
    """A person who lets runs go on for a reason until a time (epoch seconds); `spec.overrides.Override` is one.

    It is about one objective, or about all where `objective` is empty.
    """

    @property
    def by(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def until(self) -> float: ...
    @property
    def objective(self) -> str: ...


@dataclass(frozen=True)
class Overridden:
    """What the policy had against the run because of one objective, and who overrode that."""

    objective: str
    objection: str
    override: Override


@dataclass(frozen=True)
class PolicyDecision:
    """What the policy says. `allowed` is False only when it enforces; in `advise` mode `reason` still stands.

    `notices` are sentences worth telling at 50 % and above and of what was `overridden`, also when the run is allowed.
    """

    allowed: bool
    step: Step
    reason: str = ""
    way_out: str = ""
    notices: tuple[str, ...] = ()
    overridden: tuple[Overridden, ...] = ()


def decide(
    outlooks: Iterable[Outlook],
    *,
    scope: Literal["run", "rolling"],
    mode: Literal["enforce", "advise"],
    random_faults: bool = False,
    overrides: Sequence[Override] = (),
    at: float = 0.0,
) -> PolicyDecision:
    """50 % consumed: say so; 80 %: only runs whose worst is within 1 % of what is left, none at random; 100 %: none.

    At any step a run is refused whose worst case exceeds what is left. Scope `run` starts with a full budget.
    The most consumed objective gives the step. Objections are overridden by `overrides` that last beyond `at`
    (epoch seconds), objective by objective.
    """
    ranked = sorted((_scoped(outlook, scope) for outlook in outlooks), key=lambda o: -o.consumed)
    step = step_of(ranked[0].consumed) if ranked else "normal"
    notices = [_consumed_text(o) for o in ranked if step_of(o.consumed) != "normal"]
    overridden: list[Overridden] = []
    for outlook in ranked:
        objection = _objection(outlook, random_faults)
        if objection is None:
            continue
        reason, way_out = objection
        about = [each for each in overrides if each.objective in ("", outlook.objective)]
        last = max(about, key=lambda each: each.until, default=None)
        if last is None or last.until <= at:
            way_out = f"{way_out}{_ended(last)}"
            return PolicyDecision(mode == "advise", step, reason, way_out, tuple(notices), tuple(overridden))
        overridden.append(Overridden(outlook.objective, reason, last))
        notices.append(_overridden_text(overridden[-1]))
    return PolicyDecision(True, step, notices=tuple(notices), overridden=tuple(overridden))


def step_of(consumed: Share) -> Step:
    """The policy's step for a consumed share."""
    return next((step for limit, step in STEPS if consumed >= limit), "normal")


def _scoped(outlook: Outlook, scope: Literal["run", "rolling"]) -> Outlook:
    return Outlook(outlook.objective, 0, outlook.worst, outlook.window_s) if scope == "run" else outlook


def _objection(outlook: Outlook, random_faults: bool) -> tuple[str, str] | None:
    """(reason, way out) where this objective's budget forbids the run."""
    step, left = step_of(outlook.consumed), 1 - outlook.consumed
    if step == "frozen":
        return f"{_consumed_text(outlook)}: no chaos until it refills", _wait(outlook)
    if step == "restricted" and random_faults:
        return f"{_consumed_text(outlook)}: no faults at random above 80 %", "name the target, or " + _wait(
            outlook
        )
    most = left * _RESTRICTED_SHARE_OF_REST if step == "restricted" else left
    if outlook.worst <= most:
        return None
    worst = f"{outlook.objective} may cost {percent(outlook.worst, unlike=most)} of its {_window(outlook)}"
    if step == "restricted":
        limit = f"of which {percent(outlook.consumed)} is used: at most {percent(most)} may be spent"
    else:
        limit = f"{percent(left)} is left"
    return f"{worst}, {limit}", f"a shorter fault, or a cost rule below {percent(most)}"


def _consumed_text(outlook: Outlook) -> str:
    return f"{outlook.objective} has used {percent(outlook.consumed)} of its {_window(outlook)}"


def _overridden_text(overridden: Overridden) -> str:
    override = overridden.override
    return (
        f"the budget policy was overridden by {override.by} until {_moment(override.until)}"
        f" ({override.reason}): {overridden.objection}"
    )


def _ended(override: Override | None) -> str:
    return "" if override is None else f" (the override by {override.by} ended {_moment(override.until)})"


def _moment(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _window(outlook: Outlook) -> str:
    return window_name(outlook.window_s)


def _wait(outlook: Outlook) -> str:
    return (
        f"wait until {outlook.refund_at}" if outlook.refund_at else "wait until old errors leave the window"
    )
