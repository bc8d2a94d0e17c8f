"""Objectives that a server's metrics suggest, for those who have written none yet: presets know their names."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace

from slochaos.measurement.prometheus.fetching import ask_all
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.windows import Window
from slochaos.slo.copies import REPLICA_LABELS, without_copies
from slochaos.slo.presets import PRESETS, Preset
from slochaos.slo.suggestions import Found, Group, Kind, ServiceSeries, suggest
from slochaos.spec.selectors import Matcher


def discover(server: PrometheusServer, window: Window) -> tuple[Found, ...]:
    """Objectives of everything that had samples in the window, also of what is gone at its end.

    Raises SourceError. Empty where no preset knows a metric of this server.
    """
    asked = {
        (preset, kind): _question(preset, kind, window)
        for preset in PRESETS
        for kind in Kind
        if kind.names(preset)
    }
    answers = ask_all(server, asked.values(), lambda question: server.query(question, at=window.end))
    owners: dict[tuple[str, str], Preset] = {}
    found: list[Found] = []
    length_s = _length_s(window)
    for (preset, kind), question in asked.items():
        groups = [{label: text for label, text in v.labels.items() if text} for v in answers[question].value]
        own = [group for group in groups if owners.setdefault(_family(group), preset) is preset]
        found += [
            without_copies(server, each, members, window.end, length_s)
            for each, members in _of_each_service(preset, kind, own)
        ]
    return _with_names_of_their_own(found)


def has_samples(server: PrometheusServer, window: Window) -> bool:
    """Whether anything was scraped in the window. Raises SourceError."""
    return bool(server.query(f"count(last_over_time(up[{_length_s(window)}s]))", at=window.end))


def _question(preset: Preset, kind: Kind, window: Window) -> str:
    """Which series there are, without those labels that only multiply them."""
    outcome = preset.outcome.labels if preset.outcome else ()
    by = (
        "__name__",
        "job",
        "le",
        *REPLICA_LABELS,
        *outcome,
        *(name for slot in preset.service for name in slot),
    )
    names = [Matcher("__name__", "=~", kind.names(preset))]
    if preset.not_these:
        names.append(Matcher("__name__", "!~", preset.not_these))
    series = ",".join(map(str, (*names, *_only(preset, kind))))
    return f"count by ({', '.join(dict.fromkeys(by))}) (last_over_time({{{series}}}[{_length_s(window)}s]))"


def _only(preset: Preset, kind: Kind) -> tuple[Matcher, ...]:
    return preset.durations_only if kind is Kind.DURATIONS else preset.requests_only


def _length_s(window: Window) -> int:
    return max(math.ceil(window.length_s), 1)


def _family(group: Group) -> tuple[str, str]:
    name = group["__name__"].removesuffix("_bucket").removesuffix("_count")
    return name, group.get("job", "")


def _of_each_service(
    preset: Preset, kind: Kind, groups: Sequence[Group]
) -> Iterator[tuple[Found, Sequence[Group]]]:
    """What the groups of each metric and service suggest, in the order of these."""
    services: dict[tuple[tuple[str, ...], str], list[Group]] = {}
    told: dict[tuple[str, ...], tuple[Matcher, ...]] = {}
    used = {(label, group.get("job", "")) for group in groups for label in group}
    for group in groups:
        matchers = _service(preset, group, used)
        told[service := tuple(map(str, matchers))] = matchers
        services.setdefault((service, group["__name__"]), []).append(group)
    stems: set[tuple[tuple[str, ...], str]] = set()
    # Counters before the counts of histograms, which are taken only where there is no counter.
    for (service, name), members in sorted(
        services.items(), key=lambda i: (i[0][1].endswith("_count"), i[0])
    ):
        stem = service, name.partition("request")[0]
        if name.endswith("_count") and stem in stems:
            continue
        matchers = (*told[service], *_only(preset, kind))
        if made := suggest(kind, ServiceSeries(preset, name, matchers, members)):
            stems.add(stem)
            yield made, members


def _service(preset: Preset, group: Group, used: Container[tuple[str, str]]) -> tuple[Matcher, ...]:
    """The conditions that select a group's service: its job, and what the preset tells services apart by.

    `used`: labels that series have, with their jobs. A service without a label that others of its job have is
    selected by not having it, so as not to count those again.
    """
    job = group.get("job", "")
    labels = ["job"]
    for slot in preset.service:
        own = (name for name in slot if name in group)
        labels.append(next(own, "") or next((name for name in slot if (name, job) in used), ""))
    return tuple(Matcher(label, "=", group.get(label, "")) for label in labels if (label, job) in used)


def _with_names_of_their_own(found: Iterable[Found]) -> tuple[Found, ...]:
    """Two jobs may read the same as names: `api_v1` and `api-v1`."""
    taken: dict[str, Found] = {}
    for each in found:
        name, number = each.objective.name, 2
        while name in taken:
            name, number = f"{each.objective.name}-{number}", number + 1
        taken[name] = replace(each, objective=replace(each.objective, name=name))
    return tuple(taken.values())
