"""What has to be asked so that objectives can be counted: as few and as narrow questions as possible. Pure.

Selectors that another one covers are not asked by themselves, and those that differ in the value of one label
become one question with an alternation. Whoever counts picks the series of each selector from the answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.selection import created_name, family, series_names
from slochaos.spec.objectives import Indicator, Metric, Query
from slochaos.spec.selectors import Matcher, Selector

BATCH = 100
"""Values of an alternation at most."""

Address = tuple[str, str]
"""The labels `job` and `instance`."""


@dataclass(frozen=True)
class Ask:
    """Series of these names that fulfil these matchers. `str()` is their selector."""

    names: frozenset[str]
    matchers: frozenset[Matcher]

    def __str__(self) -> str:
        names = sorted(self.names)
        if len(names) == 1:
            return str(Selector(names[0], tuple(sorted(self.matchers, key=str))))
        matchers = (alternation("__name__", names), *sorted(self.matchers, key=str))
        return f"{{{','.join(map(str, matchers))}}}"

    @property
    def counters(self) -> list[str]:
        """The names without those that only tell when a series was made."""
        return sorted(name for name in self.names if not name.endswith("_created"))

    def only(self, name: str) -> Ask:
        """The same with one name."""
        return Ask(frozenset({name}), self.matchers)


def address_of(labels: Mapping[str, str]) -> Address:
    """Whose series this is."""
    return labels.get("job", ""), labels.get("instance", "")


def job_asks(jobs: Iterable[str], names: Iterable[str]) -> Iterator[Ask]:
    """Series of these names of all targets of some jobs."""
    found = sorted({job for job in jobs if job})
    for begin in range(0, len(found), BATCH):
        yield Ask(frozenset(names), frozenset({alternation("job", found[begin : begin + BATCH])}))


def alternation(label: str, values: Iterable[str]) -> Matcher:
    """One of these values of a label."""
    found = sorted(set(values))
    return (
        Matcher(label, "=", found[0])
        if len(found) == 1
        else Matcher(label, "=~", "|".join(map(re.escape, found)))
    )


def asks_of(indicator: Indicator) -> list[Ask]:
    """What counting this indicator needs."""
    return [ask for metric in (indicator.total, indicator.part) if (ask := ask_of(metric)) is not None]


def ask_of(metric: Metric) -> Ask | None:
    """What counting this metric needs; None for PromQL, which is asked as it is."""
    if isinstance(metric, Query):
        return None
    names = frozenset({*series_names(metric), created_name(family(metric))})
    return Ask(names, frozenset(metric.selector.matchers))


def merged(asks: Iterable[Ask]) -> tuple[Ask, ...]:
    """As few that bring as much."""
    return tuple(_alternated(_without_covered(_by_matchers(asks))))


def _by_matchers(asks: Iterable[Ask]) -> dict[frozenset[Matcher], frozenset[str]]:
    names: dict[frozenset[Matcher], frozenset[str]] = {}
    for ask in asks:
        names[ask.matchers] = names.get(ask.matchers, frozenset()) | ask.names
    return names


def _without_covered(names: dict[frozenset[Matcher], frozenset[str]]) -> list[Ask]:
    """Without those that a question with some of their matchers covers."""
    kept = []
    for matchers, wanted in names.items():
        fewer = (frozenset(some) for size in range(len(matchers)) for some in combinations(matchers, size))
        if not any(names.get(some, frozenset()) >= wanted for some in fewer):
            kept.append(Ask(wanted, matchers))
    return kept


def _alternated(asks: list[Ask]) -> Iterator[Ask]:
    """Those alike but for one label's value become one, label by label: the one with most values first."""
    values: dict[str, set[str]] = {}
    for ask in asks:
        for matcher in ask.matchers:
            if matcher.operator == "=":
                values.setdefault(matcher.label, set()).add(matcher.value)
    label = max(values, key=lambda name: len(values[name]), default="")
    groups: dict[tuple[frozenset[str], frozenset[Matcher]], list[str]] = {}
    for ask in asks:
        varying = [m for m in ask.matchers if m.label == label and m.operator == "="]
        if len(varying) != 1:
            yield ask
            continue
        groups.setdefault((ask.names, ask.matchers - {varying[0]}), []).append(varying[0].value)
    for (names, rest), found in groups.items():
        for begin in range(0, len(found), BATCH):
            yield Ask(names, rest | {alternation(label, found[begin : begin + BATCH])})


class Found:
    """Series by name and by labels, so that a selector's are found without looking at all."""

    def __init__(self, series: Iterable[RawSeries]) -> None:
        self._by_name: dict[str, dict[tuple[tuple[str, str], ...], RawSeries]] = {}
        for each in series:
            self._by_name.setdefault(each.name, {})[each.series[1]] = each
        self._by_address: dict[str, dict[Address, list[RawSeries]]] = {}
        self._by_label: dict[tuple[str, str], dict[str, list[RawSeries]]] = {}

    def of(self, ask: Ask) -> list[RawSeries]:
        """The series that this one would have brought."""
        return [
            each
            for name in ask.names
            for each in self._candidates(name, ask.matchers)
            if all(matcher.matches(each.labels) for matcher in ask.matchers)
        ]

    def at(self, name: str, addresses: Iterable[Address]) -> list[RawSeries]:
        """The series of this name at these addresses."""
        if name not in self._by_address:
            index: dict[Address, list[RawSeries]] = {}
            for each in self._by_name.get(name, {}).values():
                index.setdefault(address_of(each.labels), []).append(each)
            self._by_address[name] = index
        return [each for address in addresses for each in self._by_address[name].get(address, ())]

    def __iter__(self) -> Iterator[RawSeries]:
        return (each for known in self._by_name.values() for each in known.values())

    def _candidates(self, name: str, matchers: Iterable[Matcher]) -> Iterable[RawSeries]:
        known = self._by_name.get(name, {})
        equal = [m for m in matchers if m.operator == "=" and m.value]
        if not equal or not known:
            return known.values()
        return min((self._with(name, m.label).get(m.value, []) for m in equal), key=len)

    def _with(self, name: str, label: str) -> dict[str, list[RawSeries]]:
        """The series of a name by their value of a label."""
        if (name, label) not in self._by_label:
            index: dict[str, list[RawSeries]] = {}
            for each in self._by_name[name].values():
                index.setdefault(each.labels.get(label, ""), []).append(each)
            self._by_label[name, label] = index
        return self._by_label[name, label]
