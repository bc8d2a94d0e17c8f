"""Raw samples fetched for many objectives and windows at once, and picked for one of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from slochaos.measurement.phases import History
from slochaos.measurement.prometheus import parsing
from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.fetching import Answered, ask_all, raw_in_parts
from slochaos.measurement.prometheus.pages import DURATION, LOOK_S, UP, compose
from slochaos.measurement.prometheus.plan import Ask, Found, alternation, ask_of, merged
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.selection import PROCESS_START
from slochaos.spec.objectives import Indicator

TARGET_SERIES = frozenset({UP, DURATION, PROCESS_START})
JOBS_AT_ONCE = 100

Asked = Sequence[tuple[Indicator, Window]]
Address = tuple[str, str]


@dataclass
class _Stretch:
    """A stretch of time, what is wanted of it, and what came."""

    window: Window
    asks: set[Ask] = field(default_factory=set)
    found: Found = field(default_factory=lambda: Found(()))
    targets: dict[Address, list[RawSeries]] = field(default_factory=dict)
    failing: dict[str, list[RawSeries]] = field(default_factory=dict)
    """By job the `up` of targets that did not answer every time."""


class Evidence:
    """What the server has of all that was asked. `now`: its clock; `warnings`: what it said about its answers."""

    def __init__(self, stretches: Sequence[_Stretch], now: float, warnings: tuple[str, ...]) -> None:
        self.now = now
        self.warnings = warnings
        self._stretches = stretches

    def of(self, indicator: Indicator, window: Window) -> tuple[list[RawSeries], list[RawSeries]]:
        """The series of an indicator and their targets' (`up` and the like), around a window.

        Second: the `up` of targets of the same jobs that did not answer even once around it.
        """
        stretch = next(
            each for each in self._stretches if each.window.start <= window.start <= each.window.end
        )
        series = _cut(
            {each.series: each for ask in _asks(indicator) for each in stretch.found.of(ask)}.values(), window
        )
        addresses = {_address(each) for each in series}
        targets = _cut((each for address in addresses for each in stretch.targets.get(address, ())), window)
        jobs = {job for job, _ in addresses}
        if any(each.name == UP for each in series):
            return series, []  # `up` as an indicator: each scrape is an event, a failed one too
        failing = _cut((each for job in jobs for each in stretch.failing.get(job, ())), window)
        answered = {_address(each) for each in series}
        return [*series, *targets], [
            up for up in failing if not any(up.values) and _address(up) not in answered
        ]

    def history(self, window: Window) -> History:
        """Everything fetched, as pages."""
        known = [each for stretch in self._stretches for each in stretch.found]
        targets = [
            each for stretch in self._stretches for found in stretch.targets.values() for each in found
        ]
        return compose([*known, *targets], window, self.now)


def gather(server: PrometheusServer, asked: Asked) -> Evidence:
    """Fetch what these indicators need over their windows. Raises SourceError."""
    stretches = _stretches(asked)
    warnings = _fetch_series(server, stretches) + _fetch_targets(server, stretches)
    now = server.now() if stretches else 0.0
    return Evidence(stretches, now, tuple(dict.fromkeys(warnings)))


def _stretches(asked: Asked) -> list[_Stretch]:
    """Windows that overlap share what is fetched for them."""
    stretches: list[_Stretch] = []
    for indicator, window in sorted(asked, key=lambda each: each[1].start):
        start, end = window.start - LOOK_S, window.end + LOOK_S
        if stretches and start <= stretches[-1].window.end:
            last = stretches[-1]
            last.window = Window(last.window.start, max(last.window.end, end))
        else:
            stretches.append(_Stretch(Window(start, end)))
        stretches[-1].asks.update(_asks(indicator))
    return stretches


def _fetch_series(server: PrometheusServer, stretches: Sequence[_Stretch]) -> list[str]:
    questions = {id(each): [(str(ask), each.window) for ask in merged(each.asks)] for each in stretches}
    answers = ask_all(server, (q for asked in questions.values() for q in asked), _raw(server))
    for stretch in stretches:
        stretch.found = Found(each for q in questions[id(stretch)] for each in answers[q].value)
    return _warnings(answers.values())


def _fetch_targets(server: PrometheusServer, stretches: Sequence[_Stretch]) -> list[str]:
    """The targets of the jobs that series were found of."""
    questions = {
        id(each): [
            (ask, each.window) for ask in target_asks(series.labels.get("job", "") for series in each.found)
        ]
        for each in stretches
    }
    answers = ask_all(server, (q for asked in questions.values() for q in asked), _raw(server))
    for stretch in stretches:
        for each in (each for q in questions[id(stretch)] for each in answers[q].value):
            stretch.targets.setdefault(_address(each), []).append(each)
            if each.name == UP and not all(each.values):
                stretch.failing.setdefault(each.labels.get("job", ""), []).append(each)
    return _warnings(answers.values())


def _raw(server: PrometheusServer) -> Callable[[tuple[str, Window]], tuple[RawSeries, ...]]:
    return lambda question: raw_in_parts(server, question[0], question[1].start, question[1].end)


def target_asks(jobs: Iterable[str], names: frozenset[str] = TARGET_SERIES) -> Iterator[str]:
    """Selectors of what the server and the targets of these jobs say of themselves."""
    known = sorted({job for job in jobs if job})
    for begin in range(0, len(known), JOBS_AT_ONCE):
        yield str(Ask(names, frozenset({alternation("job", known[begin : begin + JOBS_AT_ONCE])})))


def _warnings(answers: Iterable[Answered[tuple[RawSeries, ...]]]) -> list[str]:
    return [warning for answer in answers for warning in answer.warnings]


def _asks(indicator: Indicator) -> list[Ask]:
    return [ask for metric in (indicator.total, indicator.part) if (ask := ask_of(metric)) is not None]


def _cut(series: Iterable[RawSeries], window: Window) -> list[RawSeries]:
    """As far as a window needs them."""
    cut = (parsing.within(each, window.start - LOOK_S, window.end + LOOK_S) for each in series)
    return [each for each in cut if each.times]


def _address(series: RawSeries) -> Address:
    return series.labels.get("job", ""), series.labels.get("instance", "")
