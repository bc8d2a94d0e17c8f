"""Raw samples fetched for many objectives and windows at once, and picked for one of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from slochaos.measurement.phases import History
from slochaos.measurement.prometheus import parsing
from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.fetching import Asking
from slochaos.measurement.prometheus.pages import DURATION, LOOK_S, UP, compose
from slochaos.measurement.prometheus.plan import Address, Ask, Found, address_of, asks_of, job_asks, merged
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.samples import Series
from slochaos.measurement.selection import PROCESS_START
from slochaos.spec.objectives import Indicator

TARGET_SERIES = frozenset({UP, DURATION, PROCESS_START})

Asked = Sequence[tuple[Indicator, Window]]


@dataclass
class _Stretch:
    """A stretch of time, what is wanted of it, and what came."""

    window: Window
    asks: set[Ask] = field(default_factory=set)
    found: Found = field(default_factory=lambda: Found(()))
    targets: dict[Address, list[RawSeries]] = field(default_factory=dict)
    failing: dict[str, list[RawSeries]] = field(default_factory=dict)
    """By job the `up` of targets that did not answer every time."""


@dataclass(frozen=True)
class Picked:
    """What one indicator is counted from: its series and those of its targets, `up` and the like.

    `silent`: the `up` of targets of the same jobs that never answered. Of thin evidence, `period_s` is the longest
    time between two samples, `lost` why there may be more than samples show, `gap` where the server has nothing.
    `quiet_s`: the longest stretch of which the samples were left out, since nothing happened in it (middles.py).
    """

    series: list[RawSeries]
    silent: list[RawSeries]
    period_s: float | None = None
    lost: str = ""
    gap: str = ""
    quiet_s: float | None = None


class Evidence:
    """What the server has of all that was asked. `now`: its clock; `warnings`: what it said about its answers."""

    def __init__(self, stretches: Sequence[_Stretch], now: float, warnings: tuple[str, ...]) -> None:
        self.now = now
        self.warnings = warnings
        self._stretches = stretches

    def of(self, indicator: Indicator, window: Window) -> Picked:
        """What there is of an indicator around a window."""
        asks = asks_of(indicator)
        found: dict[Series, RawSeries] = {}
        for ask in asks:
            found |= {each.series: each for each in self._stretch(ask, window).found.of(ask)}
        series = _cut(found.values(), window)
        stretch = self._stretch(asks[0], window)  # the total's, whose targets are all that matter
        if any(each.name == UP for each in series):
            return Picked(series, [])  # `up` as an indicator: each scrape is an event, a failed one too
        addresses = {address_of(each.labels) for each in series}
        targets = _cut((each for address in addresses for each in stretch.targets.get(address, ())), window)
        failing = (up for job in {job for job, _ in addresses} for up in stretch.failing.get(job, ()))
        silent = [
            up
            for up in _cut(failing, window)
            if not any(up.values) and address_of(up.labels) not in addresses
        ]
        return Picked([*series, *targets], silent)

    def _stretch(self, ask: Ask, window: Window) -> _Stretch:
        return next(
            each
            for each in self._stretches
            if ask in each.asks and each.window.start <= window.start <= each.window.end
        )

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
    asking = Asking(server)
    _fetch_series(asking, stretches)
    _fetch_targets(asking, stretches)
    return Evidence(stretches, server.now() if stretches else 0.0, tuple(asking.warnings))


def _stretches(asked: Asked) -> list[_Stretch]:
    """Windows of one selector that overlap are fetched as one; selectors of the same stretch are fetched together."""
    windows: dict[Ask, list[Window]] = {}
    for indicator, window in sorted(asked, key=lambda each: each[1].start):
        for ask in asks_of(indicator):
            known = windows.setdefault(ask, [])
            start, end = window.start - LOOK_S, window.end + LOOK_S
            if known and start <= known[-1].end:
                start, end = known[-1].start, max(known.pop().end, end)
            known.append(Window(start, end))
    stretches: dict[Window, _Stretch] = {}
    for ask, found in windows.items():
        for window in found:
            stretches.setdefault(window, _Stretch(window)).asks.add(ask)
    return list(stretches.values())


def _fetch_series(asking: Asking, stretches: Sequence[_Stretch]) -> None:
    questions = {id(each): [(str(ask), each.window) for ask in merged(each.asks)] for each in stretches}
    answers = asking.raw(q for asked in questions.values() for q in asked)
    for stretch in stretches:
        stretch.found = Found(each for q in questions[id(stretch)] for each in answers[q])


def _fetch_targets(asking: Asking, stretches: Sequence[_Stretch]) -> None:
    """The targets of the jobs that series were found of."""
    questions = {}
    for stretch in stretches:
        jobs = {series.labels.get("job", "") for series in stretch.found}
        questions[id(stretch)] = [(str(ask), stretch.window) for ask in job_asks(jobs, TARGET_SERIES)]
    answers = asking.raw(q for asked in questions.values() for q in asked)
    for stretch in stretches:
        for each in (each for q in questions[id(stretch)] for each in answers[q]):
            stretch.targets.setdefault(address_of(each.labels), []).append(each)
            if each.name == UP and not all(each.values):
                stretch.failing.setdefault(each.labels.get("job", ""), []).append(each)


def _cut(series: Iterable[RawSeries], window: Window) -> list[RawSeries]:
    """As far as a window needs them."""
    cut = (parsing.within(each, window.start - LOOK_S, window.end + LOOK_S) for each in series)
    return [each for each in cut if each.times]
