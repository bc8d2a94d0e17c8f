"""Long windows: what the server can say of them without handing over every sample.

Per series, the samples around the window's ends, and whether it ever fell in between: a counter that did not has
counted the difference, exactly. Targets that restarted are looked at more closely (closer.py). What comes out are
raw samples, only fewer, and they are counted as all others are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from slochaos.measurement.prometheus.answers import RawSeries, Value
from slochaos.measurement.prometheus.closer import look_closer, narrow, of_these_processes
from slochaos.measurement.prometheus.coverage import Coverage, coverage
from slochaos.measurement.prometheus.evidence import Picked
from slochaos.measurement.prometheus.fetching import Asking
from slochaos.measurement.prometheus.pages import EARLY_S, UP
from slochaos.measurement.prometheus.plan import Address, Ask, Found, address_of, asks_of, job_asks, merged
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.measurement.samples import Series
from slochaos.measurement.selection import PROCESS_START
from slochaos.spec.objectives import Indicator

READ_S = 2 * EARLY_S
"""A sample that stands closer to an end of the window may have been read beyond it: the one before is asked for."""

NEXT_S = 60.0
"""So long after an end of the window its next sample is looked for."""

BEFORE, FIRST, BORN, ENDED, LAST, AFTER = range(6)
"""The places of a series' samples: around the window's start, where it appears and ends within, around its end."""

Places = dict[int, float]


@dataclass(frozen=True)
class ThinEvidence:
    """A few samples of all that was asked of one long window; in use like evidence.Evidence."""

    window: Window
    now: float
    warnings: tuple[str, ...]
    found: Found
    silent: tuple[RawSeries, ...]
    restarted: frozenset[Address]
    gap: str

    def of(self, indicator: Indicator, window: Window) -> Picked:
        """The samples of one indicator and its targets. `window` is this one."""
        series = {each.series: each for ask in asks_of(indicator) for each in self.found.of(ask)}
        addresses = {address_of(each.labels) for each in series.values()}
        starts = self.found.at(PROCESS_START, addresses)
        return Picked(
            series=[*series.values(), *starts, *self.found.at(UP, addresses)],
            silent=[up for up in self.silent if up.labels.get("job", "") in {job for job, _ in addresses}],
            period_s=window.length_s,
            lost=self._lost(addresses, {address_of(each.labels) for each in starts}),
            gap=self.gap,
        )

    def _lost(self, addresses: set[Address], tell_start: set[Address]) -> str:
        """Why more may have been counted than any sample shows; empty if nothing speaks for it."""
        again = len(addresses & self.restarted)
        if again:
            return f"reset: {again} targets were restarted, and what they counted last is lost"
        if self.gap and addresses - tell_start:
            return f"{self.gap}, and a restart in it could not be told"
        return ""


def thin(server: PrometheusServer, indicators: Iterable[Indicator], window: Window) -> ThinEvidence:
    """Ask what these indicators need over a long window. Raises SourceError."""
    thinner = _Thinner(Asking(server), window, server.now())
    asks = merged(ask for indicator in indicators for ask in asks_of(indicator))
    thinner.take(asks)
    targets = [*job_asks({dict(labels).get("job", "") for _, labels in thinner.places}, {PROCESS_START})]
    concerned = {address_of(dict(labels)) for _, labels in thinner.places}
    thinner.take(targets)
    thinner.take_ups(job_asks({job for job, _ in concerned}, {UP}))
    return thinner.evidence(asks, concerned)


@dataclass
class _Thinner:
    """Collects the samples of one window, by their places."""

    asking: Asking
    window: Window
    now: float
    places: dict[Series, Places] = field(default_factory=dict)
    restarted: set[Address] = field(default_factory=set)
    ups: dict[Address, Mapping[str, str]] = field(default_factory=dict)
    silent: list[RawSeries] = field(default_factory=list)
    stamps: dict[int, dict[Address, float]] = field(default_factory=dict)
    failed: dict[Address, set[float]] = field(default_factory=dict)
    coverage: Coverage = field(init=False)

    @property
    def _instants(self) -> dict[int, float]:
        start, end = self.window.start, self.window.end
        instants = {
            BEFORE: start - READ_S,
            FIRST: start + NEXT_S,
            LAST: end - READ_S,
            AFTER: end + NEXT_S,
        }
        return {place: min(at, self.now) for place, at in instants.items()}

    @property
    def _length(self) -> str:
        return f"{round(self.window.length_s * 1000)}ms"

    def take(self, asks: Iterable[Ask]) -> None:
        """The samples around the ends, then of series that appear or end within the window their first or last."""
        asked = list(asks)
        instants = self._instants
        answers = self.asking.instants((str(ask), at) for ask in asked for at in instants.values())
        for ask in asked:
            for place, at in instants.items():
                for value in answers[str(ask), at]:
                    self._place(value, place)
        self._take_within([(ask.only(name), name) for ask in asked for name in ask.counters])

    def _take_within(self, asked: list[tuple[Ask, str]]) -> None:
        end = self.window.end
        falls = {each: (f"{_falls_function(each[1])}({each[0]}[{self._length}])", end) for each in asked}
        found = self.asking.instants(falls.values())
        wanted: dict[tuple[str, float], tuple[str, int, int]] = {}
        for (ask, name), question in falls.items():
            known = [self.places.setdefault(_series(value, name), {}) for value in found[question]]
            self.restarted |= {address_of(value.labels) for value in found[question] if value.value > 0}
            for place, function, beside in ((BORN, "min", BEFORE), (ENDED, "max", LAST)):
                if not all(beside in places for places in known):
                    wanted[f"{function}_over_time({ask}[{self._length}])", end] = (name, place, beside)
        for question, values in self.asking.instants(wanted).items():
            name, place, beside = wanted[question]
            for value in values:
                if beside not in self.places.setdefault(_series(value, name), {}):
                    self._place(value, place, name)

    def _place(self, value: Value, place: int, name: str = "") -> None:
        self.places.setdefault(_series(value, name), {})[place] = value.value

    def take_ups(self, asks: Iterable[Ask]) -> None:
        """When targets were scraped: around the ends, and whether at all; and how far all together reach."""
        asked = [str(ask) for ask in asks]
        end = self.window.end
        ever = self.asking.instants((f"max_over_time({text}[{self._length}])", end) for text in asked)
        for value in (value for found in ever.values() for value in found):
            self.ups[address_of(value.labels)] = value.labels
            if value.value == 0:
                self.silent.append(RawSeries(UP, value.labels, [end - 0.001], [0.0]))
        for place, at in self._instants.items():
            stamps = self.asking.instants((f"timestamp({text})", at) for text in asked)
            found = (value for values in stamps.values() for value in values)
            self.stamps[place] = {address_of(value.labels): value.value for value in found}
            failing = self.asking.instants((f"{text} == 0", at) for text in asked)
            for value in (value for values in failing.values() for value in values):
                address = address_of(value.labels)
                self.failed.setdefault(address, set()).add(self._stamp(place, address))
        self.coverage = coverage(self.asking, asked, self.window)

    def evidence(self, asks: Iterable[Ask], concerned: set[Address]) -> ThinEvidence:
        """All of it as raw samples, with more of them for restarted targets."""
        asks = list(asks)
        fell = {address_of(dict(key[1])) for key, places in self.places.items() if _falls(_in_order(places))}
        restarted = (self.restarted | fell) & concerned
        self._forget_former(asks, restarted)
        series = {key: self._raw(key, places) for key, places in self.places.items() if places}
        for each in look_closer(self.asking, asks, restarted, self.window) if restarted else ():
            if address_of(each.labels) in restarted:
                series[each.series] = self._with_ends(each)
        return ThinEvidence(
            self.window,
            self.now,
            tuple(self.asking.warnings),
            Found([*series.values(), *self._ups(series.values())]),
            tuple(self.silent),
            frozenset(restarted),
            self.coverage.gap,
        )

    def _forget_former(self, asks: Iterable[Ask], restarted: set[Address]) -> None:
        """Take nothing around the ends that only the former process of a restarted target has said."""
        texts = [text for ask in narrow(asks, restarted) for text in of_these_processes(ask)]
        instants = self._instants
        answers = self.asking.instants((text, at) for text in texts for at in instants.values())
        said = {
            (_series(value), place)
            for place, at in instants.items()
            for text in texts
            for value in answers[text, at]
        }
        for series, places in self.places.items():
            if address_of(dict(series[1])) in restarted:
                for place in [each for each in instants if (series, each) not in said]:
                    places.pop(place, None)

    def _raw(self, series: Series, places: Places) -> RawSeries:
        """The samples of a series at the times that its places stand for."""
        name, pairs = series
        labels = dict(pairs)
        times = dict(zip(self._times(places, address_of(labels)), _in_order(places), strict=True))
        return RawSeries(name, labels, sorted(times), [times[at] for at in sorted(times)])

    def _with_ends(self, closer: RawSeries) -> RawSeries:
        """The samples of a closer look, and those around the window's ends."""
        ends = {
            place: value for place, value in self.places[closer.series].items() if place not in (BORN, ENDED)
        }
        around = self._raw(closer.series, ends)
        times = dict(zip([*closer.times, *around.times], [*closer.values, *around.values], strict=True))
        return RawSeries(closer.name, closer.labels, sorted(times), [times[at] for at in sorted(times)])

    def _times(self, places: Iterable[int], address: Address) -> list[float]:
        """When the samples of these places were taken. Of the two within the window only the order is known."""
        known = {place: self._stamp(place, address) for place in places if place not in (BORN, ENDED)}
        middle = (self.window.start + self.window.end) / 2
        if BORN in places:
            born = self.coverage.first if self.coverage.begins else middle
            known[BORN] = min([born, *known.values()])
        if ENDED in places:
            ended = self.coverage.last if self.coverage.ends else middle + 1.0
            before = [at for place, at in known.items() if place < ENDED]
            known[ENDED] = max([ended, *before])
        return [known[place] for place in sorted(known)]

    def _stamp(self, place: int, address: Address) -> float:
        """When a sample was taken; a second earlier than asked, where the series has no `up` that tells."""
        return self.stamps.get(place, {}).get(address, self._instants[place] - 1)

    def _ups(self, series: Iterable[RawSeries]) -> Iterator[RawSeries]:
        times: dict[Address, set[float]] = {}
        for each in series:
            times.setdefault(address_of(each.labels), set()).update(each.times)
        for address, found in times.items():
            if address in self.ups:
                failed = self.failed.get(address, set()) - found
                instants = sorted(found | failed)
                yield RawSeries(UP, self.ups[address], instants, [float(at in found) for at in instants])


def _series(value: Value, name: str = "") -> Series:
    labels = {key: text for key, text in value.labels.items() if key != "__name__"}
    return name or value.labels.get("__name__", ""), tuple(sorted(labels.items()))


def _in_order(places: Places) -> list[float]:
    return [places[place] for place in sorted(places)]


def _falls(values: Sequence[float]) -> bool:
    return any(later < earlier for earlier, later in pairwise(values))


def _falls_function(name: str) -> str:
    return "changes" if name == PROCESS_START else "resets"
