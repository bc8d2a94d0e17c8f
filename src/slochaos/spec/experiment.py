"""Chaos Toolkit experiments, read statically: no module of theirs is imported, no URL opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slochaos.errors import InvalidInput
from slochaos.spec import documents, toxics
from slochaos.spec.activities import Activity, control_modules, read_activities
from slochaos.spec.configuration import plain, seconds_or_zero, static_values, substituted
from slochaos.spec.fields import Field, Section
from slochaos.spec.rules import Rule, read_settings

__all__ = ["MAX_DURATION_S", "Describe", "Experiment", "FaultTraits", "PlannedFault", "Rule", "load"]

MAX_DURATION_S = 86_400.0
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

    `starts_s` is its earliest start, in seconds from the method's; `preset` is the toxic's name, where there is one.
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


def load(path: Path, variables: Mapping[str, Any] | None = None, *, describe: Describe) -> Experiment:
    """Read an experiment and the toxic presets that it names. `variables` are those of `--var`, `--var-file`.

    `describe` knows the faults. Raises InvalidInput. Nothing of the experiment is imported, run or fetched.
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
    faults, method_s = _schedule(path, activities, known, describe)
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
    )


def _required_text(root: Section) -> str:
    """The title. Chaos Toolkit wants a description and a method too, which may be empty."""
    title = root["title"].scalar()
    if not title:
        raise root["title"].error("is empty")
    root["description"].scalar()
    root["method"].items()
    return title


def _schedule(
    path: Path, activities: list[Activity], known: Mapping[str, str], describe: Describe
) -> tuple[list[PlannedFault], float]:
    """Faults with their earliest starts, and the least time that the method takes."""
    faults: list[PlannedFault] = []
    method_s = now_s = 0.0
    for place in ("method", "rollbacks"):
        ends_s = now_s
        for each in [activity for activity in activities if activity.place == place]:
            starts_s = now_s + seconds_or_zero(each.pauses, "before", known)
            fault = _fault(path, each, starts_s, known, describe)
            faults += [fault] if fault else []
            over_s = (
                starts_s + (fault.duration_s if fault else 0) + seconds_or_zero(each.pauses, "after", known)
            )
            ends_s = max(ends_s, over_s)
            now_s = now_s if each.background else over_s
        now_s = ends_s
        method_s = now_s if place == "method" else method_s
    return faults, method_s


def _fault(
    path: Path, activity: Activity, starts_s: float, known: Mapping[str, str], describe: Describe
) -> PlannedFault | None:
    """The fault that one of our actions asks for; None for any other activity."""
    if not activity.is_ours or activity.type != "action" or activity.function == "end_faults":
        return None
    arguments = activity.arguments()
    duration_s = substituted(arguments["duration"], known).seconds(least=_SHORTEST_S, most=MAX_DURATION_S)
    asked = _asked_for(path, activity.function, arguments, known)
    try:
        traits = describe(asked.kind, asked.parameters)
    except InvalidInput as problem:
        raise asked.place.error(problem.message, problem.hint) from problem
    return PlannedFault(
        name=activity.name,
        kind=asked.kind,
        target=traits.target,
        parameters=asked.parameters,
        duration_s=duration_s,
        background=activity.background,
        where=activity.field.where,
        starts_s=starts_s,
        preset=asked.preset,
        lasting=traits.lasting,
    )


@dataclass(frozen=True)
class _Asked:
    """Which fault an action asks for, and the value that says so."""

    kind: str
    parameters: dict[str, Any]
    preset: str
    place: Field


def _asked_for(path: Path, function: str, arguments: Mapping[str, Field], known: Mapping[str, str]) -> _Asked:
    if function == "toxiproxy":
        name, preset = substituted(arguments["toxic"], known).parsed(
            lambda name: (name, toxics.load(toxics.find(name, path)))
        )
        return _Asked("toxiproxy", preset.parameters, name, arguments["toxic"])
    if function == "inject":
        fault = substituted(arguments["fault"], known)
        values = {
            name: plain(value, known)
            for name, value in arguments.items()
            if name not in ("fault", "duration")
        }
        return _Asked(fault.text(), values, "", fault)
    return _Asked(function, {}, function, arguments["duration"])


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
