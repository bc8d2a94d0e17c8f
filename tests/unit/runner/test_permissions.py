"""By whose leave a run does what it does, read from files alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from slochaos.runner.permissions import limits, locks, permissions
from slochaos.spec.environment import Caps, Environment
from slochaos.spec.experiment import Experiment, PlannedFault
from slochaos.spec.targets import AllowedProxy, Targets

PROXY = AllowedProxy("http://toxiproxy:8474", "database", "10.0.0.1:5432", "10.0.0.2:5432")
ENVIRONMENT = Environment("production", Path("environments/production.yaml"), targets=Targets((PROXY,)))
OUTAGE = PlannedFault(
    name="database unreachable",
    kind="toxiproxy",
    target="database",
    parameters={"server": PROXY.server, "proxy": "database", "enabled": False},
    duration_s=20.0,
    background=False,
    where="e.json:1",
)
EXPERIMENT = Experiment(
    name="outage",
    path=Path("e.json"),
    title="Outage",
    document={},
    rules=(),
    faults=(OUTAGE,),
    foreign_actions=(),
    baseline_s=15,
    recovery_s=60,
    method_s=20,
)


def test_a_fault_is_allowed_by_the_entry_of_its_proxy() -> None:
    """File, name, listen and upstream: what the guard will compare."""
    [found] = permissions(EXPERIMENT, ENVIRONMENT, ())
    assert (found.what, found.target) == ("database unreachable", "database")
    assert "production.yaml" in found.entry
    assert "10.0.0.1:5432 to 10.0.0.2:5432" in found.entry
    assert permissions(EXPERIMENT, replace(ENVIRONMENT, targets=Targets(())), ())[0].entry == ""


def test_an_action_of_others_is_allowed_by_name_or_not_at_all() -> None:
    """The environment's entry is shown, patterns as they stand; then the command line; else nothing."""
    experiment = replace(EXPERIMENT, faults=(), foreign_actions=("chaosk8s.pod.kill",))
    listed = replace(ENVIRONMENT, allow_foreign=("chaosk8s.*",))
    assert permissions(experiment, listed, ())[0].entry == "allow_foreign in production.yaml: chaosk8s.*"
    assert permissions(experiment, ENVIRONMENT, ("chaosk8s.pod.kill",))[0].entry == "the command line"
    assert permissions(experiment, ENVIRONMENT, ())[0].entry == ""


def test_caps_and_protection_are_said() -> None:
    """With the longest fault beside its limit."""
    [caps] = limits(EXPERIMENT, replace(ENVIRONMENT, caps=Caps(1, 30.0)))
    assert "at most 1 fault at once, each at most 30 s (the longest here: 20 s)" in caps
    assert any("protected" in limit for limit in limits(EXPERIMENT, replace(ENVIRONMENT, protected=True)))


def test_the_locks_are_named_and_none_is_asked_for() -> None:
    """One per target, at its server, though nobody listens there."""
    [lock] = locks(replace(EXPERIMENT, faults=(OUTAGE, OUTAGE)), ENVIRONMENT)
    assert (lock.target, lock.lock, lock.where) == ("database", "slochaos-lock-database", PROXY.server)
