"""Lints: what is valid and still will not do what its author means. Static: files only, nothing is opened.

Each lint is a small generator of Findings with a stable id; `rules.py` says in a sentence what each is about.
"""

from __future__ import annotations

from collections.abc import Iterator

from slochaos.spec.environment import Environment
from slochaos.spec.experiment import Experiment
from slochaos.spec.findings import Finding
from slochaos.spec.lint import experiments, hypotheses, indicators, minutes, policies, pools
from slochaos.spec.openslo import Catalogue
from slochaos.spec.toxics import ToxicPreset


def lint_catalogue(catalogue: Catalogue | Environment) -> Iterator[Finding]:
    """What the SLO documents say by themselves."""
    for objective in catalogue.objectives:
        yield from minutes.minutes_disagree(objective)
        yield from indicators.client_errors_counted(objective)
        yield from indicators.fast_failures_counted(objective)
    for promise in policies.promises(catalogue):
        for policy in promise.alerts:
            yield from policies.burn_unreachable(promise, policy)
            yield from policies.alert_reversed(policy)
            yield from policies.alert_silent(policy)
            yield from policies.page_on_course(policy)


def lint_environment(environment: Environment) -> Iterator[Finding]:
    """SLO documents together with the sources that they are measured from."""
    for promise in policies.promises(environment):
        for policy in promise.alerts:
            yield from policies.few_scrapes(policy, environment)
    for objective in environment.objectives:
        yield from experiments.few_scrapes_in_slice(objective, environment)


def lint_experiment(experiment: Experiment, environment: Environment | None = None) -> Iterator[Finding]:
    """An experiment by itself, and against the environment that it was admitted to."""
    yield from hypotheses.vacuous(experiment)
    if environment is not None:
        yield from hypotheses.disagrees(experiment, environment)
        yield from experiments.blind_to_fault(experiment, environment)
        yield from experiments.alerts_stay_silent(experiment, environment)


def lint_toxic(preset: ToxicPreset) -> Iterator[Finding]:
    """A toxic preset."""
    yield from pools.small_pool(preset)
