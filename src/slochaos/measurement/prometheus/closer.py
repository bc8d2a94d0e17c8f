"""Targets that restarted within a long window: where, at a grid of instants, and there in all detail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.fetching import Asking
from slochaos.measurement.prometheus.plan import BATCH, Address, Ask, alternation
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.samples import Series
from slochaos.measurement.selection import PROCESS_START
from slochaos.spec.selectors import Matcher, Selector

GRID_POINTS = 500
SHORTEST_STEP_S = 60.0

DETAILS_MOST = 40
"""Steps of the grid that are fetched in all detail; of further ones counts at least what the grid shows."""


def look_closer(
    asking: Asking, asks: Iterable[Ask], addresses: Iterable[Address], window: Window
) -> list[RawSeries]:
    """The series of `asks` (and process starts) at these addresses: enough samples to see each restart."""
    step_s = max(window.length_s / GRID_POINTS, SHORTEST_STEP_S)
    narrowed = list(narrow(asks, addresses))
    wanted = (each for ask in narrowed for each in of_these_processes(ask))
    grids = asking.ranges((text, window, step_s) for text in wanted)
    begun_anew = _restarts(asking, narrowed, window, step_s)
    details = asking.raw(
        (str(ask), Window(at - step_s, at)) for ask in narrowed for at in begun_anew[:DETAILS_MOST]
    )
    return _together([*grids.values(), *details.values()])


def narrow(asks: Iterable[Ask], addresses: Iterable[Address]) -> Iterator[Ask]:
    """Only these jobs' instances, with their process starts."""
    instances: dict[str, list[str]] = {}
    for job, instance in sorted(addresses):
        instances.setdefault(job, []).append(instance)
    for job, found in instances.items():
        for begin in range(0, len(found), BATCH):
            where = {alternation("job", [job]), alternation("instance", found[begin : begin + BATCH])}
            yield from (Ask(ask.names, ask.matchers | where) for ask in asks)
            yield Ask(frozenset({PROCESS_START}), frozenset(where))


def of_these_processes(ask: Ask) -> Iterator[str]:
    """The series of an ask without what former processes said last, a question for each name.

    The server shows a series for five minutes after its last sample where nothing marks its end: backfilled, or
    lost with a target that went down while the server itself did. What stood on no page since the process start that
    is shown beside it, and is older than that start, is no value of that process.
    """
    start = Selector(PROCESS_START, _addressed(ask))
    newest = "on (job, instance) group_left () max by (job, instance)"
    for name in sorted(ask.names):
        text = str(ask.only(name))
        older = f"timestamp({text}) < {newest} (timestamp({start})) < {newest} ({start})"
        yield text if name == PROCESS_START else f"{text} unless ({older})"


def _addressed(ask: Ask) -> tuple[Matcher, ...]:
    return tuple(
        sorted((each for each in ask.matchers if each.label in ("job", "instance")), key=lambda m: m.label)
    )


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
