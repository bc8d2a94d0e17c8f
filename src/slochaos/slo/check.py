"""How objectives stand: each over several windows and against its budget, as of one time. Injects nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import get_args

from slochaos.clock import timestamp
from slochaos.measurement.prometheus.evaluation import evaluate_with
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.slo.excuses import excuses
from slochaos.slo.refunds import NOTIFY, Tight, back_above
from slochaos.slo.stand import Found, Span, by_policy, checked, only_shares
from slochaos.spec.composites import Composite
from slochaos.spec.environment import BudgetPolicy
from slochaos.spec.objectives import Histogram, Objective
from slochaos.standing import Asked, CheckedComposite, CheckedObjective, CompositeWindow, Standing, Status

WITHIN, USED_UP, UNDECIDED = 0, 1, 3
"""Exit codes: budget is left everywhere; somewhere none is; somewhere it cannot be told."""

_WORST_FIRST: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True)
class Order:
    """What is to be checked, as of `at` (epoch seconds of the server's clock).

    `composites` are those whose parts are all among the objectives.
    """

    objectives: Sequence[Objective]
    spans: Sequence[Span]
    at: float
    composites: Sequence[Composite] = ()
    environment: str = ""
    fail_at_percent: float = 100.0
    policy: BudgetPolicy = field(default_factory=BudgetPolicy)


def check(server: PrometheusServer, order: Order, notes: Sequence[str] = ()) -> Standing:
    """Check each objective, worst first.

    Raises SourceError for a server that does not answer. An objective without data is in the document, with the
    reason.
    """
    found = _measured(server, order)
    stands = {each.name: checked(each, found[each.name]) for each in order.objectives}
    stands |= _with_refunds(server, order, stands)
    composites = tuple(_composite(each, order.spans, stands) for each in order.composites)
    failed, excused = _failed((*stands.values(), *composites), order)
    asked = Asked(
        at=timestamp(order.at),
        windows=tuple(span.name for span in order.spans),
        environment=order.environment,
        server=server.source.url,
        exit_code=USED_UP if failed else _unfailed((*stands.values(), *composites)),
    )
    return Standing(
        check=asked,
        objectives=tuple(sorted(stands.values(), key=_worst)),
        composites=composites,
        notes=(*notes, *excused),
    )


def _measured(server: PrometheusServer, order: Order) -> dict[str, Found]:
    """All windows of all objectives and their latencies, in one plan of questions."""
    wholes = {each.name: Window(*each.window_at(order.at)) for each in order.objectives}
    passed = {name: Window(whole.start, min(whole.end, order.at)) for name, whole in wholes.items()}
    windows = {span: span.before(order.at) for span in order.spans}
    counts, buckets = evaluate_with(
        server,
        [(each, window) for each in order.objectives for window in (*windows.values(), passed[each.name])],
        [
            (histogram, window)
            for each in order.objectives
            if (histogram := _latency(each))
            for window in windows.values()
        ],
    )
    measured, observed = iter(counts), iter(buckets)
    return {
        each.name: Found(
            at=order.at,
            over={span: next(measured) for span in order.spans},
            passed=next(measured),
            latencies={span: next(observed) for span in order.spans} if _latency(each) else {},
            whole=wholes[each.name],
        )
        for each in order.objectives
    }


def _latency(objective: Objective) -> Histogram | None:
    """The histogram whose quantiles tell about the objective: of the requests that its threshold is about."""
    part = objective.indicator.part
    return Histogram(part.selector) if isinstance(part, Histogram) else None


def _with_refunds(
    server: PrometheusServer, order: Order, stands: Mapping[str, CheckedObjective]
) -> dict[str, CheckedObjective]:
    """Those that have spent much of their budget, with the times at which it comes back."""
    tight = [budget for each in order.objectives if (budget := _tight(each, stands[each.name]))]
    steps = back_above(server, tight, order.at)
    return {
        name: each.model_copy(update={"budget": each.budget.model_copy(update={"back_above": steps[name]})})
        for name, each in stands.items()
        if name in steps and each.budget
    }


def _tight(objective: Objective, stands: CheckedObjective) -> Tight | None:
    if stands.budget is None or stands.budget.spent_percent < 100 * NOTIFY:
        return None
    return Tight(objective, Fraction(stands.budget.size), Fraction(stands.budget.spent_percent) / 100)


def _composite(
    composite: Composite, spans: Sequence[Span], stands: Mapping[str, CheckedObjective]
) -> CheckedComposite:
    """What the parts' figures are of the whole's."""
    parts = [stands[part.objective.name] for part in composite.parts]
    spent = composite.spent(
        {each.name: Fraction(each.budget.spent_percent) / 100 for each in parts if each.budget}
    )
    undecided = any(each.status == "inconclusive" for each in parts)
    status: Status = "no-data" if spent is None else "inconclusive" if undecided else by_policy(spent)
    return CheckedComposite(
        name=composite.name,
        display_name=composite.display_name,
        target=f"{float(100 * composite.target):.10g}%",
        target_fraction=float(composite.target),
        window=composite.parts[0].objective.window,
        parts={part.objective.name: float(part.weight) for part in composite.parts},
        status=status,
        windows=tuple(_mean(composite, number, span, parts) for number, span in enumerate(spans)),
        spent_percent=None if spent is None else float(100 * spent),
        left_percent=None if spent is None else float(100 * (1 - spent)),
    )


def _mean(
    composite: Composite, number: int, span: Span, parts: Sequence[CheckedObjective]
) -> CompositeWindow:
    bad = composite.bad_share(only_shares({each.name: each.windows[number] for each in parts}))
    return CompositeWindow(
        window=span.name,
        sli=None if bad is None else float(1 - bad),
        burn_rate=None if bad is None else float(bad / composite.allowed),
    )


def _worst(stands: CheckedObjective) -> tuple[int, float, str]:
    spent = stands.budget.spent_percent if stands.budget else 0.0
    return _WORST_FIRST.index(stands.status), -spent, stands.name


def _failed(
    all_: Iterable[CheckedObjective | CheckedComposite], order: Order
) -> tuple[list[str], tuple[str, ...]]:
    """The names of those that fail the check, and why others do not. A --fail-at below all of it knows no excuse."""
    failed = [one.name for one in all_ if _is_failed(one, order.fail_at_percent)]
    if order.fail_at_percent < 100:
        return failed, ()
    excused = excuses(failed, order.policy, order.at)
    return [name for name in failed if name not in excused], tuple(excused.values())


def _unfailed(all_: Iterable[CheckedObjective | CheckedComposite]) -> int:
    return UNDECIDED if any(one.status in ("no-data", "inconclusive") for one in all_) else WITHIN


def _is_failed(stands: CheckedObjective | CheckedComposite, fail_at_percent: float) -> bool:
    if stands.status == "used-up":
        return True
    if isinstance(stands, CheckedComposite):
        spent = stands.spent_percent
    else:
        spent = stands.budget.spent_percent if stands.budget else None
    return stands.status != "inconclusive" and spent is not None and spent >= fail_at_percent
