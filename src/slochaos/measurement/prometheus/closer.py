"""Targets that restarted within a long window: where, at a grid of instants, and there in all detail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.fetching import Asking
from slochaos.measurement.prometheus.plan import BATCH, Address, Ask, alternation
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.samples import Series
from slochaos.measurement.selection import PROCESS_START

GRID_POINTS = 500
SHORTEST_STEP_S = 60.0

DETAILS_MOST = 40
"""Steps of the grid that are fetched in all detail; of further ones counts at least what the grid shows."""


def look_closer(
    asking: Asking, asks: Iterable[Ask], addresses: Iterable[Address], window: Window
) -> list[RawSeries]:
    """The series of `asks` (and process starts) at these addresses: enough samples to see each restart."""
    step_s = max(window.length_s / GRID_POINTS, SHORTEST_STEP_S)
    narrowed = list(_narrowed(asks, addresses))
    grids = asking.ranges((str(ask), window, step_s) for ask in narrowed)
    begun_anew = _restarts(asking, narrowed, window, step_s)
    details = asking.raw(
        (str(ask), Window(at - step_s, at)) for ask in narrowed for at in begun_anew[:DETAILS_MOST]
    )
    return _together([*grids.values(), *details.values()])


def _narrowed(asks: Iterable[Ask], addresses: Iterable[Address]) -> Iterator[Ask]:
    """Only these jobs' instances, with their process starts."""
    instances: dict[str, list[str]] = {}
    for job, instance in sorted(addresses):
        instances.setdefault(job, []).append(instance)
    for job, found in instances.items():
        for begin in range(0, len(found), BATCH):
            where = {alternation("job", [job]), alternation("instance", found[begin : begin + BATCH])}
            yield from (Ask(ask.names, ask.matchers | where) for ask in asks)
            yield Ask(frozenset({PROCESS_START}), frozenset(where))


def _restarts(asking: Asking, asks: Iterable[Ask], window: Window, step_s: float) -> list[float]:
    """The instants of the grid before which a counter fell or a process start changed."""
    questions = []
    for ask in asks:
        for name in ask.counters:
            function = "changes" if name == PROCESS_START else "resets"
            questions.append((f"{function}({ask.only(name)}[{round(step_s * 1000)}ms]) > 0", window, step_s))
    answers = asking.ranges(questions)
    return sorted({at for found in answers.values() for each in found for at in each.times})


def _together(answers: Iterable[Iterable[RawSeries]]) -> list[RawSeries]:
    samples: dict[Series, dict[float, float]] = {}
    labels: dict[Series, Mapping[str, str]] = {}
    for answer in answers:
        for each in answer:
            labels[each.series] = each.labels
            samples.setdefault(each.series, {}).update(zip(each.times, each.values, strict=True))
    return [
        RawSeries(series[0], labels[series], sorted(found), [found[at] for at in sorted(found)])
        for series, found in samples.items()
    ]
