"""What an interval cost each objective: asks a Prometheus server, injects nothing, keeps nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from slochaos.clock import timestamp
from slochaos.incident import Asked, Incident, PricedObjective
from slochaos.measurement.prometheus.evaluation import evaluate
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.slo import pricing, scraping
from slochaos.slo.evidence import Evidence, windows_of
from slochaos.slo.refunds import NOTIFY, Tight, back_above
from slochaos.spec.composites import Composite
from slochaos.spec.objectives import Objective
from slochaos.wording import seconds

_SKEW_S = 2.0
"""A clock further away from this host's than this is worth a word."""


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
    tight = [budget for each in order.objectives if (budget := _tight(each, priced[each.name]))]
    steps = back_above(server, tight, now, cuts=(order.interval.start, order.interval.end))
    return {
        name: each.model_copy(update={"refund": each.refund.model_copy(update={"back_above": steps[name]})})
        if name in steps and each.refund
        else each
        for name, each in priced.items()
    }


def _tight(objective: Objective, priced: PricedObjective) -> Tight | None:
    """None unless much of the budget is spent."""
    if priced.charge is None:
        return None
    consumed = Fraction(priced.charge.consumed_after_percent) / 100
    size = objective.allowed * Fraction(priced.charge.window_events)
    return Tight(objective, size, consumed) if consumed >= NOTIFY else None


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
    kept_s = scraping.retention_s(server)
    if kept_s is not None and interval.start < now - kept_s:
        yield f"the server keeps samples for {seconds(kept_s)}, the interval began before that"
