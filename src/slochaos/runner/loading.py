"""From the command line's options to an experiment that is admitted to a resolved environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slochaos import faults
from slochaos.errors import InvalidInput, Refused, TargetNotAllowed
from slochaos.faults.fault import Ticket
from slochaos.runner.ports import choose_ports
from slochaos.runner.request import RunRequest
from slochaos.spec import environment as environments
from slochaos.spec import experiment as experiments
from slochaos.spec.admission import admit
from slochaos.spec.documents import Document
from slochaos.spec.environment import Environment, EnvironmentFile
from slochaos.spec.experiment import Experiment
from slochaos.spec.nearest import did_you_mean
from slochaos.spec.nodes import Node


@dataclass(frozen=True)
class Loaded:
    """What the files say; nothing is resolved, started or opened yet."""

    experiment: Experiment
    file: EnvironmentFile


def load(request: RunRequest) -> Loaded:
    """Read the experiment and the environment's file. Raises InvalidInput, Refused."""
    experiment = _experiment(request)
    if request.given is not None:
        return Loaded(experiment, _unwritten(request.given))
    name = request.environment or os.environ.get("SLOCHAOS_ENVIRONMENT", "") or "local"
    file = environments.read(environments.find(name, request.experiment))
    if file.protected and not request.environment:
        raise Refused(
            f"the environment {file.name} is protected, so it has to be named on the command line",
            hint=f"--environment {file.name}",
            reason="protected",
        )
    return Loaded(experiment, file)


def _experiment(request: RunRequest) -> Experiment:
    if request.measured is not None:
        return request.measured.experiment()
    experiment = experiments.load(
        request.experiment, configuration_variables(request), describe=faults.traits, seed=request.seed
    )
    _check_variables(request, experiment)
    return experiment


def _unwritten(given: Environment) -> EnvironmentFile:
    """The form of an environment that stands in no file."""
    document = Document(str(given.path), Node({}, 0))
    return EnvironmentFile(given.path, given.name, given.protected, (), {}, document)


def resolve(
    file: EnvironmentFile, overrides: Mapping[str, str], run_id: str, run_dir: Path, secret: str
) -> Environment:
    """Choose ports and fill the environment for one run. Raises InvalidInput, ServiceError.

    Its `variables` then hold the ports too, so that the experiment's process can fill the file again
    (`refilled`); the run's secret stays here and with the services.
    """
    known = {"run_id": run_id, "run_dir": str(run_dir), **choose_ports(file.ports, overrides)}
    resolved = environments.resolve(file, {**known, "secret": secret}, overrides)
    return replace(resolved, variables={**known, **resolved.variables})


def refilled(path: Path, variables: Mapping[str, str]) -> Environment:
    """The environment of a run that goes on, from its file and the variables of `resolve`. Its secret is not known."""
    file = environments.read(path)
    own = {name: value for name, value in variables.items() if name in file.variables}
    return environments.resolve(file, {**environments.placeholders(file), **variables}, own)


def admitted(loaded: Loaded, environment: Environment, request: RunRequest) -> Experiment:
    """The experiment, bound to the environment. Raises InvalidInput, Refused."""
    foreign = loaded.experiment.foreign_actions
    if request.placebo and foreign:
        raise InvalidInput(
            f"--placebo: {loaded.experiment.path} has actions that slochaos cannot leave out: {', '.join(foreign)}",
            hint="run it without --placebo, or an experiment with faults of slochaos only",
        )
    experiment = admit(
        loaded.experiment,
        environment,
        allow_foreign=request.allowed_actions(foreign),
        allow_lasting=request.allow_lasting,
    )
    for number, each in enumerate(experiment.faults):
        try:
            faults.prepare(each.kind, each.parameters, environment, Ticket("plan", number, 0))
        except TargetNotAllowed as refusal:
            raise TargetNotAllowed(
                f"{each.where}: {refusal.message}", hint=refusal.hint, reason=refusal.reason
            ) from refusal
    return experiment


def _check_variables(request: RunRequest, experiment: Experiment) -> None:
    """A `--var` that nothing takes would be dropped without a word; files may serve several experiments.

    Experiments without faults or rules of ours run as under `chaos run`, which takes any name.
    """
    if not experiment.faults and not experiment.rules:
        return
    known = [
        str(name)
        for section in (experiment.document.get("configuration"), *_secrets(experiment))
        for name in section or ()
    ]
    for text in request.variables:
        name = text.partition("=")[0].rpartition(":")[0] or text.partition("=")[0]
        if name not in known:
            hint = did_you_mean(name, known) or "its configuration and its secrets are empty"
            raise InvalidInput(f"--var {name}: {experiment.path} has no variable of that name", hint=hint)


def _secrets(experiment: Experiment) -> list[Any]:
    """The experiment's groups of secrets, and their members where they are written as such."""
    groups = experiment.document.get("secrets")
    if not isinstance(groups, dict):
        return []
    return [groups, *(group for group in groups.values() if isinstance(group, dict))]


def configuration_variables(request: RunRequest) -> Mapping[str, Any]:
    """`--var` and `--var-file` as Chaos Toolkit reads them: name to value. Raises InvalidInput."""
    if not request.variables and not request.variable_files:
        return {}
    for path in request.variable_files:
        if not path.is_file():
            raise InvalidInput(f"--var-file: there is no file {path}")
    from chaoslib import convert_vars, merge_vars

    try:
        converted = convert_vars(list(request.variables))
    except ValueError as error:
        raise InvalidInput(f"--var: {error}", hint="name=value, or name:type=value") from error
    values, _ = merge_vars(converted, [str(path) for path in request.variable_files])
    return dict(values)
