"""Samples that change no count: those between a window's ends at which nothing happens to a target. Pure.

A counter that is on every page and never falls has counted the difference of its ends, however many samples lie
between them. So of a target without failed scrapes and gaps only the samples around the window's ends are counted, and
those around each restart, and where a series appears or ends. Looking for these is much cheaper than counting.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from operator import sub
from statistics import median

from slochaos.measurement.counters import GAP_PERIODS
from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.evidence import Picked
from slochaos.measurement.prometheus.pages import DURATION, UP
from slochaos.measurement.prometheus.plan import Address, address_of
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.selection import PROCESS_START

_KEPT = 2
"""Samples kept on either side of each end, and of each event: a page may be read across the end."""

_WORTH = 4 * _KEPT + 4
"""Fewer samples than this are counted as fast."""

_ALIKE = (UP, DURATION)
"""Gauges: what they do is no event."""


def without_middle(picked: Picked, window: Window) -> Picked:
    """The samples that matter to the window's counts if that can be told; else all of them."""
    if max((len(each.times) for each in picked.series), default=0) < _WORTH:
        return picked
    is_thin = picked.period_s is not None
    targets: dict[Address, list[RawSeries]] = {}
    for each in picked.series:
        targets.setdefault(address_of(each.labels), []).append(each)
    kept: list[RawSeries] = []
    for series in targets.values():
        some = _thinned(series, window, may_gap=is_thin)
        if some is None:
            return picked
        kept += some
    return replace(picked, series=kept, quiet_s=None if is_thin else window.length_s)


def _thinned(series: Sequence[RawSeries], window: Window, *, may_gap: bool) -> list[RawSeries] | None:
    """The samples that matter of one target's series; None where that cannot be told."""
    ups = [each for each in series if each.name == UP]
    if len(ups) != 1 or not all(ups[0].values) or (not may_gap and _has_gap(ups[0].times)):
        return None
    times = ups[0].times
    keep = {bisect_left(times, window.start), bisect_left(times, window.end)}
    for each in series:
        events = _events(each, times)
        if events is None:
            return None
        keep |= events
    kept = {at for place in keep for at in range(place - _KEPT, place + _KEPT) if 0 <= at < len(times)}
    instants = [times[at] for at in sorted(kept)]
    return [some for each in series if (some := _only(each, instants)).times]


def _has_gap(times: Sequence[float]) -> bool:
    apart = list(map(sub, times[1:], times))
    return not apart or max(apart) > GAP_PERIODS * median(apart)


def _events(series: RawSeries, times: Sequence[float]) -> set[int] | None:
    """The places among `times` at which a series appears, ends, falls, or changes when it never should.

    None for one that has no numbers, or times of its own.
    """
    values = list(series.values)
    if not math.isfinite(sum(values)):
        return None
    events: set[int] = set()
    places: Sequence[int] = range(len(times))
    if series.times != times:
        known = {at: place for place, at in enumerate(times)}
        if not known.keys() >= set(series.times):
            return None
        places = [known[at] for at in series.times]
        apart = (place for before, place in pairwise(places) if place != before + 1)
        events = {places[0], places[-1] + 1, *(edge for place in apart for edge in (place - 1, place))}
    if series.name == PROCESS_START or series.name.endswith("_created"):
        return events | {places[n] for n in range(1, len(values)) if values[n] != values[n - 1]}
    if series.name in _ALIKE or values == sorted(values):
        return events
    return events | {places[n] for n in range(1, len(values)) if values[n] < values[n - 1]}


def _only(series: RawSeries, instants: Sequence[float]) -> RawSeries:
    times = series.times
    found = [
        place for at in instants if (place := bisect_left(times, at)) < len(times) and times[place] == at
    ]
    return RawSeries(
        series.name,
        series.labels,
        [times[place] for place in found],
        [series.values[place] for place in found],
    )
