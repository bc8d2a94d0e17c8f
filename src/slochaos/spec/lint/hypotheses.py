"""Hypotheses that nothing can refute, or that ask for something else than the objectives' rules."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from slochaos.spec import documents
from slochaos.spec.activities import PROBES
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import Experiment
from slochaos.spec.findings import Finding
from slochaos.wording import exact_percent

_HYPOTHESIS = "steady-state-hypothesis"
_ANYTHING = (".*", ".+", "^.*$", "(.*)", "")


@dataclass(frozen=True)
class _Probe:
    """A probe of the hypothesis, as written, and where."""

    where: str
    name: str
    function: str
    arguments: dict[str, Any]
    tolerance: Any


def vacuous(experiment: Experiment) -> Iterator[Finding]:
    """`hypothesis-vacuous`: nothing is asked, or any answer will do."""
    probes = _probes(experiment)
    floors = [rule for rule in experiment.rules if rule.cost is not None or rule.hold != 0]
    if not probes and not floors:
        yield _vacuous(
            f"{experiment.path}:1",
            "nothing can fail: neither a rule for an objective nor a probe in the hypothesis",
            'extensions: [{"name": "slochaos", "objectives": {NAME: {"cost": "5%"}}}]',
        )
    for rule in experiment.rules:
        if rule.hold == 0:
            yield _vacuous(rule.where, f"{rule.objective}: every run holds 0 %", "a floor above 0 %, or true")
    for probe in probes:
        if _takes_anything(probe):
            yield _vacuous(
                probe.where,
                f"{probe.name!r} is satisfied by any answer: tolerance {probe.tolerance!r}",
                "a tolerance that a failure does not meet",
            )


def disagrees(experiment: Experiment, environment: Environment) -> Iterator[Finding]:
    """`hypothesis-disagrees`: a probe that passes where the rule fails, or fails where the target is met."""
    rules = {rule.objective: rule for rule in experiment.rules}
    objectives = {each.name: each for each in environment.objectives}
    for probe in _probes(experiment):
        name = probe.arguments.get("objective")
        if name not in objectives:
            continue
        if probe.function == "objective_holds" and probe.tolerance is False:
            yield _disagrees(probe, f"wants {name} to be broken", "tolerance: true")
        floor = _least(probe)
        if floor is None:
            continue
        rule, target = rules.get(str(name)), objectives[str(name)].target
        asked = rule.hold if rule and rule.hold is not None else target
        if floor < asked:
            said = (
                f"is content with {exact_percent(floor)} of {name}, where {exact_percent(asked)} has to hold"
            )
            yield _disagrees(probe, said, f"at least {float(asked):g}, or objective_holds")
        elif floor > target:
            said = f"asks for {exact_percent(floor)} of {name}, whose target is {exact_percent(target)}"
            yield _disagrees(probe, said, f"at least {float(target):g}, or objective_holds")


def _probes(experiment: Experiment) -> list[_Probe]:
    """The hypothesis' own probes; references to others are left to those."""
    document = documents.load(experiment.path, types="pyyaml")
    hypothesis = experiment.document.get(_HYPOTHESIS) or {}
    found = []
    for number, probe in enumerate(hypothesis.get("probes") or []):
        provider = probe.get("provider") or {}
        if "tolerance" not in probe:
            continue
        ours = provider.get("module") == PROBES
        found.append(
            _Probe(
                where=document.where((_HYPOTHESIS, "probes", number, "tolerance")),
                name=str(probe.get("name", "")),
                function=str(provider.get("func", "")) if ours else "",
                arguments=provider.get("arguments") or {} if ours else {},
                tolerance=probe["tolerance"],
            )
        )
    return found


def _takes_anything(probe: _Probe) -> bool:
    tolerance = probe.tolerance
    if isinstance(tolerance, dict) and tolerance.get("type") == "regex":
        return tolerance.get("pattern") in _ANYTHING
    if probe.function == "objective_holds":
        return isinstance(tolerance, list) and {True, False} <= {
            each for each in tolerance if isinstance(each, bool)
        }
    if probe.function == "good_ratio":
        floor = _least(probe)
        return floor is not None and floor <= 0
    return False


def _least(probe: _Probe) -> Fraction | None:
    """The lowest good ratio that satisfies a `good_ratio` probe; None if its tolerance is of another kind."""
    if probe.function != "good_ratio":
        return None
    tolerance = probe.tolerance
    if isinstance(tolerance, dict) and tolerance.get("type") == "range":
        tolerance = tolerance.get("range")
    if isinstance(tolerance, list) and len(tolerance) == 2:
        tolerance = tolerance[0]
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not math.isfinite(tolerance):
        return None
    return Fraction(str(tolerance))


def _vacuous(where: str, message: str, fix: str) -> Finding:
    return Finding.at(where, "hypothesis-vacuous", "warning", message, fix)


def _disagrees(probe: _Probe, said: str, fix: str) -> Finding:
    return Finding.at(probe.where, "hypothesis-disagrees", "warning", f"{probe.name!r} {said}", fix)
