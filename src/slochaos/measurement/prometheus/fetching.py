"""Many questions to one server, a few at a time, each of them once."""

from __future__ import annotations

import threading
from array import array
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from slochaos.measurement.prometheus.answers import RawSeries, Value
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.transport import AnswerTooLarge
from slochaos.measurement.prometheus.windows import Window

AT_ONCE = 4
"""Questions that are on their way at the same time."""

SPLITS_MOST = 4
"""A range is asked for in 2^4 parts at most: more samples than those have would not do anybody good in memory."""

Instant = tuple[str, float]
"""Expression and instant."""

Range = tuple[str, Window, float]
"""Expression, window and step (seconds)."""

Raw = tuple[str, Window]
"""Selector and window."""

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


@dataclass(frozen=True)
class Answered(Generic[T]):
    """An answer and what the server warned of with it."""

    value: T
    warnings: tuple[str, ...]


def ask_all(server: PrometheusServer, keys: Iterable[K], ask: Callable[[K], T]) -> Mapping[K, Answered[T]]:
    """Each different key asked once, at most AT_ONCE at a time. Raises the first failure, and asks nothing more."""
    distinct = tuple(dict.fromkeys(keys))

    def heard(key: K) -> Answered[T]:
        with server.listening() as warnings:
            value = ask(key)
        return Answered(value, tuple(dict.fromkeys(warnings)))

    if len(distinct) == 1:
        return {distinct[0]: heard(distinct[0])}
    return _Round(distinct, heard).answers()


class _Round(Generic[K, T]):
    """Questions that are on their way together. Nobody waits for the others once one has failed, or at Ctrl-C.

    The threads are daemons, unlike an executor's: those that wait for a server that hangs must not hold up the end.
    """

    def __init__(self, keys: Sequence[K], ask: Callable[[K], T]) -> None:
        self._keys, self._ask = keys, ask
        self._ahead = deque(keys)
        self._answers: dict[K, T] = {}
        self._failure: BaseException | None = None
        self._changed = threading.Condition()

    def answers(self) -> Mapping[K, T]:
        """One of each key, in the keys' order. Raises what the first failure was."""
        for _ in range(min(AT_ONCE, len(self._keys))):
            threading.Thread(target=self._work, name="prometheus", daemon=True).start()
        try:
            with self._changed:
                self._changed.wait_for(lambda: self._failure or len(self._answers) == len(self._keys))
        finally:
            self._ahead.clear()
        if self._failure is not None:
            raise self._failure
        return {key: self._answers[key] for key in self._keys}

    def _work(self) -> None:
        while True:
            try:
                key = self._ahead.popleft()
            except IndexError:
                return
            self._keep(key)

    def _keep(self, key: K) -> None:
        try:
            answer = self._ask(key)
        except BaseException as error:  # noqa: BLE001 - the border of a thread: it is raised where one waits for it
            self._ahead.clear()
            with self._changed:
                self._failure = self._failure or error
                self._changed.notify_all()
        else:
            with self._changed:
                self._answers[key] = answer
                self._changed.notify_all()


class Asking:
    """Questions of one evaluation: each at most once at a time, with the server's warnings about all of them."""

    def __init__(self, server: PrometheusServer) -> None:
        self.server = server
        self.warnings: dict[str, None] = {}

    def instants(self, questions: Iterable[Instant]) -> Mapping[Instant, tuple[Value, ...]]:
        """Instant queries. Raises SourceError."""
        return self._all(questions, lambda question: self.server.query(*question))

    def ranges(self, questions: Iterable[Range]) -> Mapping[Range, tuple[RawSeries, ...]]:
        """Queries at equal distances. Raises SourceError."""
        return self._all(questions, lambda each: range_in_parts(self.server, *each))

    def raw(self, questions: Iterable[Raw]) -> Mapping[Raw, tuple[RawSeries, ...]]:
        """Raw samples of selectors. Raises SourceError."""
        return self._all(
            questions, lambda each: raw_in_parts(self.server, each[0], each[1].start, each[1].end)
        )

    def _all(self, questions: Iterable[K], ask: Callable[[K], T]) -> Mapping[K, T]:
        answers = ask_all(self.server, questions, ask)
        for answer in answers.values():
            self.warnings.update(dict.fromkeys(answer.warnings))
        return {question: answer.value for question, answer in answers.items()}


def raw_in_parts(
    server: PrometheusServer, selector: str, start: float, end: float, splits: int = SPLITS_MOST
) -> tuple[RawSeries, ...]:
    """Raw samples, in halves of the time where one answer would be too large. Raises SourceError."""
    try:
        return server.raw(selector, start, end)
    except AnswerTooLarge:
        if not splits:
            raise
    middle = (start + end) / 2
    earlier = raw_in_parts(server, selector, start, middle, splits - 1)
    return joined(earlier, raw_in_parts(server, selector, middle + 0.001, end, splits - 1))


def range_in_parts(
    server: PrometheusServer, expression: str, window: Window, step_s: float
) -> tuple[RawSeries, ...]:
    """A range query, in halves of its steps where one answer would be too large. Raises SourceError."""
    try:
        return server.query_range(expression, window.start, window.end, step_s)
    except AnswerTooLarge:
        steps = int(window.length_s / step_s)
        if steps < 1:
            raise
    middle = window.start + (steps // 2 + 1) * step_s
    earlier = range_in_parts(server, expression, Window(window.start, middle - step_s / 2), step_s)
    return joined(earlier, range_in_parts(server, expression, Window(middle, window.end), step_s))


def joined(earlier: Iterable[RawSeries], later: Iterable[RawSeries]) -> tuple[RawSeries, ...]:
    """Both, where the samples of `later` follow those of `earlier`."""
    known = {each.series: each for each in earlier}
    for each in later:
        before = known.get(each.series)
        known[each.series] = each if before is None else _appended(before, each)
    return tuple(known.values())


def _appended(before: RawSeries, after: RawSeries) -> RawSeries:
    times = array("d", [*before.times, *after.times])
    values = array("d", [*before.values, *after.values])
    return RawSeries(before.name, before.labels, times, values)
