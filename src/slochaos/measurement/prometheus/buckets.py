"""A latency histogram over a window, bucket by bucket: what quantiles come from. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

from slochaos.measurement.counters import Tally
from slochaos.measurement.counting import period_of
from slochaos.measurement.findings import first_problem, notes_of
from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.evidence import Picked
from slochaos.measurement.prometheus.exact import Source, partial
from slochaos.measurement.prometheus.middles import without_middle
from slochaos.measurement.prometheus.pages import LOOK_S, bracket, compose
from slochaos.measurement.prometheus.windows import Buckets, Window
from slochaos.measurement.reading import MetricReader, Values, Vector
from slochaos.measurement.replicas import replica_label
from slochaos.measurement.samples import NoData
from slochaos.measurement.selection import Child, bound_of
from slochaos.spec.objectives import Histogram, Indicator


def measure(evidence: Source, histogram: Histogram, window: Window) -> Buckets | NoData:
    """The observations of all its series in the window, by upper bound."""
    observations = Histogram(histogram.selector)
    picked = without_middle(evidence.of(Indicator(observations, good=observations), window), window)
    bounds = _bounds(picked.series, histogram.unit_s)
    if not bounds:
        return NoData("no-series", f"no series matches {histogram.selector}")
    tallies = _tallies(_Reader(histogram, bounds), picked, window, evidence.now)
    problem = first_problem(tallies, frozenset(tallies))
    label = replica_label({child for tally in tallies.values() for child in tally.children})
    if label:
        problem = NoData("replica-label", f"series differ in the label {label} only: name one value of it")
    untold = (
        f"source-down: {len(picked.silent)} targets of the same job never answered" if picked.silent else ""
    )
    whys = [why for why in (picked.lost, untold, partial(evidence.warnings)) if why]
    return problem or _sums(bounds, tallies, window, whys)


class _Reader:
    """Per child: all observations, then at least and at most how many were within each bound."""

    coarse = ""

    def __init__(self, histogram: Histogram, bounds: Iterable[Fraction]) -> None:
        self._readers = [MetricReader(Histogram(histogram.selector, bound)) for bound in bounds]
        self._all = MetricReader(Histogram(histogram.selector))

    @property
    def width(self) -> int:
        """Numbers of a child."""
        return 1 + 2 * len(self._readers)

    def read(self, values: Values) -> dict[Child, Vector]:
        """Raises Unreadable for values that are no histogram."""
        within = [reader.read(values) for reader in self._readers]
        return {
            child: (total[0], *(part for each in within for part in each[child]))
            for child, total in self._all.read(values).items()
        }


def _bounds(series: Iterable[RawSeries], unit_s: Fraction) -> tuple[Fraction, ...]:
    found = {bound_of(each.series[1]) for each in series if each.name.endswith("_bucket")}
    return tuple(sorted(bound * unit_s for bound in found if isinstance(bound, Fraction)))


def _tallies(reader: _Reader, picked: Picked, window: Window, now: float) -> dict[str, Tally]:
    history = compose(picked.series, window, now, slack_s=None if picked.period_s is None else LOOK_S)
    start, end = bracket(history, window)
    tallies = {}
    for name, samples in history.items():
        tally = Tally(
            reader, start.samples[name], picked.period_s or picked.quiet_s or period_of(samples), reader.width
        )
        for sample in samples:
            if start.samples[name].started < sample.started <= end.samples[name].started:
                tally.add(sample)
        tallies[name] = tally
    return tallies


def _sums(
    bounds: tuple[Fraction, ...], tallies: dict[str, Tally], window: Window, whys: Sequence[str]
) -> Buckets:
    """`whys`: reasons for which there is no upper end, whatever the samples say."""
    steps = [step for tally in tallies.values() if tally.seen for step in tally.steps]
    inside = [s for s in steps if s.before.started >= window.start and s.after.finished <= window.end]
    lost = math.inf if whys or any(tally.vanished() for tally in tallies.values()) else 0.0
    notes = notes_of(tallies.values())
    least = [1 + 2 * index for index in range(len(bounds))]
    pairs = [(index, index + 1) for index in least] + [(0, 0)]
    return Buckets(
        bounds=(*map(float, bounds), math.inf),
        points=tuple(sum(step.point[low] for step in steps) for low, _ in pairs),
        counts=tuple(
            (sum(s.low[low] for s in inside), sum(s.high[high] for s in steps) + lost) for low, high in pairs
        ),
        reasons=(*(f"{word}: {text}" for word, text in sorted(notes.items())), *whys),
    )
