"""Whether an experiment may run in an environment: every check that needs both, before anything starts."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection
from dataclasses import replace
from fractions import Fraction

from slochaos.errors import InvalidInput, Refused, TargetNotAllowed
from slochaos.spec.durations import format_duration
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import Experiment, PlannedFault, Rule
from slochaos.spec.nearest import did_you_mean, nearest


def admit(
    experiment: Experiment,
    environment: Environment,
    *,
    allow_foreign: Collection[str] = (),
    allow_lasting: Collection[str] = (),
) -> Experiment:
    """The experiment bound to the environment: `hold: true` becomes the objective's target, faults name a server.

    `allow_foreign` adds to the environment's list (`--allow-foreign`); an entry that ends in `*` matches what
    begins so. `allow_lasting` names faults (the activity's name, or the proxy) that may stay in force after this
    host's death in a protected environment. A name of either that the experiment does not have is a mistake:
    whoever gave it believes that something is allowed which is not.

    Raises InvalidInput (2) for unknown objectives, TargetNotAllowed and Refused (4; reasons
    `target-not-allowed`, `foreign-action`, `caps`, `protected`) for the rest.
    """
    _check_names("--allow-lasting", "fault", allow_lasting, _names_of_faults(experiment))
    _check_names("--allow-foreign", "action of others", allow_foreign, experiment.foreign_actions)
    rules = tuple(_bound_rule(rule, environment) for rule in experiment.rules)
    for name, where in experiment.asked_objectives:
        _objective_target(name, where, environment)
    faults = tuple(_bound_fault(fault, environment) for fault in experiment.faults)
    _check_caps(faults, environment)
    _check_lasting(faults, environment, allow_lasting)
    _check_foreign(experiment, environment, allow_foreign)
    return replace(experiment, rules=rules, faults=faults)


def _names_of_faults(experiment: Experiment) -> list[str]:
    return list(dict.fromkeys(name for fault in experiment.faults for name in (fault.name, fault.target)))


def _check_names(option: str, what: str, given: Collection[str], known: Collection[str]) -> None:
    """Raise InvalidInput for a name that the experiment does not have. A pattern may stand for nothing."""
    for name in given:
        if name not in known and not name.endswith("*"):
            hint = did_you_mean(name, known) or f"leave {option} out"
            raise InvalidInput(f"{option} {name}: the experiment has no {what} of that name", hint=hint)


def is_listed(code: str, entries: Collection[str]) -> bool:
    """Whether an allow-list names this code; `chaosk8s.*` names all that begins with `chaosk8s.`."""
    return any(code == each or (each.endswith("*") and code.startswith(each[:-1])) for each in entries)


def _bound_rule(rule: Rule, environment: Environment) -> Rule:
    target = _objective_target(rule.objective, rule.where, environment)
    return replace(rule, hold=target) if rule.hold_target else rule


def _objective_target(name: str, where: str, environment: Environment) -> Fraction:
    targets = {objective.name: objective.target for objective in environment.objectives}
    if name not in targets:
        _refuse_composite(name, where, environment)
        hint = did_you_mean(name, targets) or f"{environment.path} lists no SLO files"
        raise InvalidInput(
            f"{where}: the environment {environment.name!r} has no objective {name!r}", hint=hint
        )
    return targets[name]


def _refuse_composite(name: str, where: str, environment: Environment) -> None:
    """Raises InvalidInput for the name of a composite: rules are for what is counted."""
    for composite in environment.composites:
        if composite.name == name:
            parts = ", ".join(part.objective.name for part in composite.parts)
            raise InvalidInput(
                f"{where}: {name!r} is a composite, rules are for objectives", hint=f"name its parts: {parts}"
            )


def _bound_fault(fault: PlannedFault, environment: Environment) -> PlannedFault:
    """The fault with the server of its proxy, which the environment has to list."""
    if fault.kind != "toxiproxy":
        return fault
    wanted = str(fault.parameters.get("server", "")).rstrip("/")
    proxies = [proxy for proxy in environment.targets.proxies if proxy.name == fault.target]
    found = [proxy for proxy in proxies if not wanted or proxy.server == wanted]
    if not found:
        raise _not_listed(fault, wanted, environment)
    if len(found) > 1:
        servers = " and ".join(proxy.server for proxy in found)
        raise InvalidInput(
            f"{fault.where}: the proxy {fault.target!r} is on {servers}",
            hint=f'add "server": "{found[0].server}" to the toxic preset',
        )
    return replace(fault, parameters={**fault.parameters, "server": found[0].server})


def _not_listed(fault: PlannedFault, server: str, environment: Environment) -> TargetNotAllowed:
    place = f"{fault.target!r} on {server}" if server else repr(fault.target)
    near = nearest(fault.target, [proxy.name for proxy in environment.targets.proxies])
    add = f"add to targets in {environment.path}: {{name: {fault.target}, listen: HOST:PORT, upstream: HOST:PORT}}"
    return TargetNotAllowed(
        f"{fault.where}: the environment {environment.name!r} does not list the proxy {place}",
        hint=near if near and not server else add,
    )


def _check_caps(faults: Collection[PlannedFault], environment: Environment) -> None:
    caps = environment.caps
    for fault in faults:
        if fault.duration_s > caps.max_duration_s:
            raise Refused(
                f"{fault.where}: {fault.name!r} lasts {format_duration(fault.duration_s)}, "
                f"{environment.name!r} allows {format_duration(caps.max_duration_s)}",
                hint=f"shorten it, or raise caps.max_duration in {environment.path}",
                reason="caps",
            )
        at_once = [each for each in faults if _overlaps(each, fault.starts_s)]
        if len(at_once) > caps.max_faults:
            names = ", ".join(repr(each.name) for each in at_once)
            raise Refused(
                f"{fault.where}: {len(at_once)} faults at once ({names}), "
                f"{environment.name!r} allows {caps.max_faults}",
                hint=f"overlap fewer, or raise caps.max_faults in {environment.path}",
                reason="caps",
            )


def _overlaps(fault: PlannedFault, instant_s: float) -> bool:
    """Whether the fault may be in force at this instant of the method."""
    return fault.starts_s <= instant_s < fault.starts_s + fault.duration_s


def _check_lasting(
    faults: Collection[PlannedFault], environment: Environment, allowed: Collection[str]
) -> None:
    """Protected environments take only faults that end without us, unless named."""
    for fault in faults if environment.protected else ():
        if fault.lasting and not {fault.name, fault.target} & set(allowed):
            raise Refused(
                f"{fault.where}: {fault.name!r} stays in force if this host dies, "
                f"and {environment.name!r} is protected",
                hint=f"use a fault that expires by itself, or add --allow-lasting {shlex.quote(fault.name)}",
                reason="protected",
            )


def _check_foreign(experiment: Experiment, environment: Environment, allow_foreign: Collection[str]) -> None:
    listed = (*environment.allow_foreign, *allow_foreign)
    missing = [code for code in experiment.foreign_actions if not is_listed(code, listed)]
    if not missing:
        return
    flags = " ".join(f"--allow-foreign {shlex.quote(code)}" for code in missing)
    line = (
        f"allow_foreign: [{', '.join(json.dumps(code) for code in (*environment.allow_foreign, *missing))}]"
    )
    raise Refused(
        f"{experiment.path}: actions that slochaos cannot undo and {environment.name!r} does not list: "
        + ", ".join(missing),
        hint=f"add {flags}\n     or, in {environment.path}: {line}",
        reason="foreign-action",
    )
