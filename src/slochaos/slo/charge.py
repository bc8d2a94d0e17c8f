"""What an interval cost each objective: asks a Prometheus server, injects nothing, keeps nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from slochaos.budget.refund import Spent
from slochaos.clock import timestamp
from slochaos.incident import Asked, Incident, PricedObjective
from slochaos.measurement.prometheus.evaluation import evaluate
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.samples import Count
from slochaos.slo import pricing
from slochaos.slo.evidence import Evidence, windows_of
from slochaos.spec.composites import Composite
from slochaos.spec.objectives import Objective
from slochaos.wording import seconds

_SKEW_S = 2.0
"""A clock further away from this host's than this is worth a word."""
_NOTIFY_PERCENT = 50
_PARTS = 24
"""Into how many parts the window is cut to see when which errors leave it."""


@dataclass(frozen=True)
class Order:
    """What is to be priced. `baseline_s` is how long before the interval shows what is usual.

    `composites` are those whose parts are all among the objectives.
    """

    objectives: Sequence[Objective]
    interval: Window
    baseline_s: float
    composites: Sequence[Composite] = ()
    environment: str = ""
    incident: str = ""

    @property
    def before(self) -> Window:
        """The baseline, just before the interval."""
        return Window(self.interval.start - self.baseline_s, self.interval.start)


def price_interval(server: PrometheusServer, order: Order, now: float, notes: Sequence[str] = ()) -> Incident:
    """Price the interval for each objective, worst first; `now` is this host's epoch second.

    Raises SourceError for a server that does not answer. An objective without data is in the document, with
    the reason.
    """
    found = _evidence(server, order)
    priced = {each.name: pricing.price(each, found[each.name]) for each in order.objectives}
    priced = _with_refunds(server, order, priced, now)
    asked = Asked(
        id=order.incident,
        from_=timestamp(order.interval.start),
        to=timestamp(order.interval.end),
        baseline_from=timestamp(order.before.start),
        environment=order.environment,
        server=server.source.url,
        priced=timestamp(now),
    )
    said = (*notes, *_about_clocks(server), *_about_retention(server, order, priced.values(), now))
    return Incident(
        incident=asked,
        objectives=tuple(sorted(priced.values(), key=_worst)),
        composites=pricing.composites(order.composites, priced),
        notes=said,
    )


def _worst(priced: PricedObjective) -> tuple[bool, float, str]:
    """Dearest first; what could not be priced comes last."""
    return priced.charge is None, -priced.charge.cost_percent if priced.charge else 0.0, priced.name


def _evidence(server: PrometheusServer, order: Order) -> dict[str, Evidence]:
    """All windows of all objectives, in one plan of queries."""
    windows = [windows_of(each, order.interval, order.before) for each in order.objectives]
    asked = [(each, one) for each, all_ in zip(order.objectives, windows, strict=True) for one in all_.each]
    answers = iter(evaluate(server, asked))
    return {
        each.name: Evidence(all_, next(answers), next(answers), next(answers))
        for each, all_ in zip(order.objectives, windows, strict=True)
    }


def _with_refunds(
    server: PrometheusServer, order: Order, priced: Mapping[str, PricedObjective], now: float
) -> dict[str, PricedObjective]:
    """The same with the times at which the budgets of those that have spent much of it come back."""
    tight = [each for each in order.objectives if _is_tight(priced[each.name])]
    rolling = [each for each in tight if each.calendar is None]
    spent = _spent_by_part(server, order, rolling, now)
    steps = {
        each.name: pricing.steps_back(each, priced[each.name], spent.get(each.name), now) for each in tight
    }
    return {
        name: each.model_copy(update={"refund": each.refund.model_copy(update={"back_above": steps[name]})})
        if name in steps and each.refund
        else each
        for name, each in priced.items()
    }


def _is_tight(priced: PricedObjective) -> bool:
    return priced.charge is not None and priced.charge.consumed_after_percent >= _NOTIFY_PERCENT


def _spent_by_part(
    server: PrometheusServer, order: Order, objectives: Sequence[Objective], now: float
) -> dict[str, list[Spent]]:
    """Each objective's bad events of the window that ends now, by part of it."""
    asked = [
        (each, part)
        for each in objectives
        for part in _parts(Window(now - each.window_s, now), order.interval)
    ]
    spent: dict[str, list[Spent]] = {each.name: [] for each in objectives}
    for (objective, part), measured in zip(asked, evaluate(server, asked) if asked else (), strict=True):
        if isinstance(measured.count, Count):
            spent[objective.name].append((float(measured.count.bad), part.end))
    return spent


def _parts(window: Window, interval: Window) -> list[Window]:
    """Equal parts of the window, cut at the interval's ends too: when that comes back has to be right."""
    step = window.length_s / _PARTS
    cuts = {window.start + number * step for number in range(_PARTS)} | {window.end}
    cuts |= {at for at in (interval.start, interval.end) if window.start < at < window.end}
    return [Window(start, end) for start, end in pairwise(sorted(cuts))]


def _about_clocks(server: PrometheusServer) -> Iterator[str]:
    clock = server.clock()
    if abs(clock.skew_s) > _SKEW_S + clock.uncertainty_s:
        way = "ahead of" if clock.skew_s > 0 else "behind"
        yield f"the server's clock is {seconds(abs(clock.skew_s))} {way} this host's; the times here are the server's"


def _about_retention(
    server: PrometheusServer, order: Order, priced: Iterable[PricedObjective], now: float
) -> Iterator[str]:
    """Only where data is missing: the server may have thrown it away."""
    if any(each.charge is None for each in priced):
        yield from outside_retention(server, order.interval, now)


def outside_retention(server: PrometheusServer, interval: Window, now: float) -> Iterator[str]:
    """A sentence where the server cannot have all samples of the interval any more."""
    kept_s = server.retention_s()
    if kept_s is not None and interval.start < now - kept_s:
        yield f"the server keeps samples for {seconds(kept_s)}, the interval began before that"
