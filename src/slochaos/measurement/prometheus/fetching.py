"""Many questions to one server, a few at a time, each of them once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.transport import AnswerTooLarge

AT_ONCE = 4
"""Questions that are on their way at the same time."""

SHORTEST_S = 60.0
"""A range is not asked for in smaller parts than this."""

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True)
class Answered(Generic[T]):
    """An answer and what the server warned of with it."""

    value: T
    warnings: tuple[str, ...]


def ask_all(server: PrometheusServer, keys: Iterable[K], ask: Callable[[K], T]) -> Mapping[K, Answered[T]]:
    """Each different key asked once, at most AT_ONCE at a time. Raises the first failure in the keys' order."""
    distinct = tuple(dict.fromkeys(keys))

    def heard(key: K) -> Answered[T]:
        with server.listening() as warnings:
            value = ask(key)
        return Answered(value, tuple(dict.fromkeys(warnings)))

    if len(distinct) == 1:
        return {distinct[0]: heard(distinct[0])}
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="prometheus") as threads:
        try:
            return dict(zip(distinct, threads.map(heard, distinct), strict=True))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise


def raw_in_parts(server: PrometheusServer, selector: str, start: float, end: float) -> tuple[RawSeries, ...]:
    """Raw samples, in halves of the time where one answer would be too large. Raises SourceError."""
    try:
        return server.raw(selector, start, end)
    except AnswerTooLarge:
        if end - start <= SHORTEST_S:
            raise
    middle = (start + end) / 2
    earlier = raw_in_parts(server, selector, start, middle)
    return joined(earlier, raw_in_parts(server, selector, middle + 0.001, end))


def joined(earlier: Iterable[RawSeries], later: Iterable[RawSeries]) -> tuple[RawSeries, ...]:
    """Both, where the samples of `later` follow those of `earlier`."""
    known = {each.series: each for each in earlier}
    for each in later:
        before = known.get(each.series)
        known[each.series] = each if before is None else _appended(before, each)
    return tuple(known.values())


def _appended(before: RawSeries, after: RawSeries) -> RawSeries:
    times, values = [*before.times, *after.times], [*before.values, *after.values]
    return RawSeries(before.name, before.labels, times, values)
