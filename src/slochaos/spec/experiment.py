"""Chaos Toolkit experiments, read statically: no module of theirs is imported, no URL opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slochaos.errors import InvalidInput
from slochaos.spec import documents, toxics
from slochaos.spec.activities import Activity, control_modules, read_activities
from slochaos.spec.configuration import plain, seconds_or_zero, static_values, substituted
from slochaos.spec.draws import read_pool
from slochaos.spec.fields import Field, Section
from slochaos.spec.rules import Rule, read_settings

__all__ = ["MAX_DURATION_S", "Describe", "Experiment", "FaultTraits", "PlannedFault", "Rule", "load"]

MAX_DURATION_S = 86_400.0
RANDOM = "random_failures"
_SHORTEST_S = 0.001


@dataclass(frozen=True)
class FaultTraits:
    """What plans and checks have to know of a fault: its target's name, and whether it outlives this host."""

    target: str
    lasting: bool = False


Describe = Callable[[str, Mapping[str, Any]], FaultTraits]
"""From a fault's kind and parameters to its traits; raises InvalidInput for what does not fit (`faults.traits`)."""


@dataclass(frozen=True)
class PlannedFault:
    """One fault that the method or the rollbacks will ask for: `kind` and `parameters` are those of `faults/`.

    `starts_s` is its earliest start, in seconds from the method's; `preset` is what the action calls it: the
    toxic's name, else its kind.
    """

    name: str
    kind: str
    target: str
    parameters: dict[str, Any]
    duration_s: float
    background: bool
    where: str
    starts_s: float = 0.0
    preset: str = ""
    lasting: bool = False


@dataclass(frozen=True)
class Experiment:
    """A Chaos Toolkit experiment with slochaos's settings beside it.

    `document` is the experiment as written, for chaoslib. `foreign_actions` are `module.func`
    (`process:PATH`, `http:URL`, `control:MODULE`) of actions and controls that are not ours, outside
    the undo promise. `other_code` names what else the experiment runs: its probes and dynamic
    configuration, which are its author's promise not to change anything.
    `method_s` is the least time that the method takes: its faults and pauses.
    """

    name: str
    path: Path
    title: str
    document: dict[str, Any]
    rules: tuple[Rule, ...]
    faults: tuple[PlannedFault, ...]
    foreign_actions: tuple[str, ...]
    baseline_s: float
    recovery_s: float
    method_s: float
    other_code: tuple[str, ...] = ()
    asked_objectives: tuple[tuple[str, str], ...] = ()
    """Objectives that `slochaos.extension.probes` are asked about, each with its file:line."""
    seed: int | None = None
    """By what its random failures were drawn; None where it has none."""


def load(
    path: Path, variables: Mapping[str, Any] | None = None, *, describe: Describe, seed: int = 0
) -> Experiment:
    """Read an experiment and the toxic presets that it names. `variables` are those of `--var`, `--var-file`.

    `describe` knows the faults; random failures are drawn by `seed`. Raises InvalidInput. Nothing of the
    experiment is imported, run or fetched.
    """
    document = documents.load(path, types="pyyaml")
    root = Field.of(document).open_section()
    title = _required_text(root)
    settings = read_settings(root)
    known = static_values(root, variables or {})
    activities = read_activities(root)
    controls = [f"control:{module}" for module, _ in control_modules(root, activities)]
    for each in activities:
        if each.is_ours:
            each.arguments()
    faults, method_s = _schedule(activities, known, _Reading(path, describe, seed))
    draws = any(each.is_ours and each.function == RANDOM for each in activities)
    return Experiment(
        name=path.stem,
        path=path,
        title=title,
        document=document.data,
        rules=settings.rules,
        faults=tuple(faults),
        foreign_actions=_unique([_code(each, known) for each in activities if _is_foreign(each)] + controls),
        baseline_s=settings.baseline_s,
        recovery_s=settings.recovery_s,
        method_s=method_s,
        other_code=_unique([_code(each, known) for each in activities if _is_foreign(each, "probe")]),
        asked_objectives=tuple(_asked(activities, known)),
        seed=seed if draws else None,
    )


def _required_text(root: Section) -> str:
    """The title. Chaos Toolkit wants a description and a method too, which may be empty."""
    title = root["title"].scalar()
    if not title:
        raise root["title"].error("is empty")
    root["description"].scalar()
    root["method"].items()
    return title


@dataclass(frozen=True)
class _Reading:
    """What reading a fault takes beside its activity."""

    path: Path
    describe: Describe
    seed: int


def _schedule(
    activities: list[Activity], known: Mapping[str, str], reading: _Reading
) -> tuple[list[PlannedFault], float]:
    """Faults with their earliest starts, and the least time that the method takes."""
    faults: list[PlannedFault] = []
    method_s = now_s = 0.0
    for place in ("method", "rollbacks"):
        ends_s = now_s
        for each in [activity for activity in activities if activity.place == place]:
            starts_s = now_s + seconds_or_zero(each.pauses, "before", known)
            asked, lasts_s = _asked_for(each, starts_s, known, reading)
            faults += asked
            over_s = starts_s + lasts_s + seconds_or_zero(each.pauses, "after", known)
            ends_s = max(ends_s, over_s)
            now_s = now_s if each.background else over_s
        now_s = ends_s
        method_s = now_s if place == "method" else method_s
    return faults, method_s


def _asked_for(
    activity: Activity, starts_s: float, known: Mapping[str, str], reading: _Reading
) -> tuple[list[PlannedFault], float]:
    """The faults that one of our actions asks for, and how long it takes; none for any other activity."""
    if not activity.is_ours or activity.type != "action" or activity.function == "end_faults":
        return [], 0.0
    arguments = activity.arguments()
    duration_s = substituted(arguments["duration"], known).seconds(least=_SHORTEST_S, most=MAX_DURATION_S)
    if activity.function == RANDOM:
        return _drawn(activity, arguments, starts_s, known, reading), duration_s
    place = arguments.get("toxic") or arguments.get("fault") or arguments["duration"]
    given = {name: plain(value, known) for name, value in arguments.items() if name != "duration"}
    if activity.function == "nothing":
        given = {"fault": "nothing"}
    fault = _planned(activity, place, given, reading)
    return [replace(fault, duration_s=duration_s, starts_s=starts_s)], duration_s


def _drawn(
    activity: Activity,
    arguments: Mapping[str, Field],
    starts_s: float,
    known: Mapping[str, str],
    reading: _Reading,
) -> list[PlannedFault]:
    """Every fault of the pool is checked; those that the seed draws are planned."""
    given = {name: plain(value, known) for name, value in arguments.items()}
    try:
        pool = read_pool(given)
    except InvalidInput as problem:
        raise arguments["pool"].error(problem.message, problem.hint) from problem
    written = arguments["pool"].items()
    faults = [
        _planned(activity, place, item, reading) for place, item in zip(written, pool.items, strict=True)
    ]
    return [
        replace(
            faults[each.item],
            name=f"{activity.name}, round {each.round}: {faults[each.item].preset}",
            duration_s=pool.lasts_s,
            starts_s=starts_s + each.starts_s,
        )
        for each in pool.draws(reading.seed)
    ]


def _planned(activity: Activity, place: Field, given: Mapping[str, Any], reading: _Reading) -> PlannedFault:
    """The fault that `given` asks for: a toxic preset, or a kind with its parameters. Raises InvalidInput."""
    try:
        if "toxic" in given:
            if set(given) != {"toxic"}:
                raise InvalidInput("a toxic takes no parameters: they stand in its preset")
            preset = str(given["toxic"])
            kind, parameters = "toxiproxy", toxics.load(toxics.find(preset, reading.path)).parameters
        else:
            kind = preset = str(given["fault"])
            parameters = {name: value for name, value in given.items() if name != "fault"}
        traits = reading.describe(kind, parameters)
    except InvalidInput as problem:
        if problem.message.startswith("/") or ".json:" in problem.message:
            raise  # about another file, with its line
        raise place.error(problem.message, problem.hint) from problem
    return PlannedFault(
        name=activity.name,
        kind=kind,
        target=traits.target,
        parameters=parameters,
        duration_s=0.0,
        background=activity.background,
        where=activity.field.where,
        preset=preset,
        lasting=traits.lasting,
    )


def _asked(activities: list[Activity], known: Mapping[str, str]) -> list[tuple[str, str]]:
    """Objectives that our probes are asked about, with their windows checked."""
    asked = []
    for each in activities:
        if each.is_ours and each.type == "probe":
            arguments = each.arguments()
            for name in arguments.keys() - {"objective"}:
                substituted(arguments[name], known).seconds()
            asked.append((substituted(arguments["objective"], known).text(), arguments["objective"].where))
    return asked


def _is_foreign(activity: Activity, kind: str = "action") -> bool:
    return not activity.is_ours and activity.type == kind


def _code(activity: Activity, known: Mapping[str, str]) -> str:
    """What the activity runs; a URL with its known variables filled, since those decide where it goes."""
    if activity.provider["type"].node.value != "http":
        return activity.code
    try:
        return f"http:{substituted(activity.provider['url'], known).text()}"
    except InvalidInput:
        return activity.code


def _unique(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
