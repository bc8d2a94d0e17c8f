"""By whose leave a run does what it does: allow-list entries, caps, protection, and the locks it takes. Static."""

from __future__ import annotations

from collections.abc import Collection

from slochaos import faults
from slochaos.errors import SlochaosError
from slochaos.faults.fault import Ticket
from slochaos.record import LockRecord, PermissionRecord
from slochaos.spec.admission import is_listed
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import Experiment
from slochaos.wording import seconds

COMMAND_LINE = "the command line"


def permissions(
    experiment: Experiment, environment: Environment, named: Collection[str]
) -> tuple[PermissionRecord, ...]:
    """Each fault and each action of others with the entry that allows it; `named` are those of the command line."""
    ours = [
        PermissionRecord(
            what=each.name, target=each.target, entry=faults.entry(each.kind, each.parameters, environment)
        )
        for each in experiment.faults
    ]
    others = [
        PermissionRecord(what=code, target="", entry=_foreign_entry(code, environment, named))
        for code in experiment.foreign_actions
    ]
    return (*ours, *others)


def _foreign_entry(code: str, environment: Environment, named: Collection[str]) -> str:
    for each in environment.allow_foreign:
        if is_listed(code, [each]):
            return f"allow_foreign in {environment.path.name}: {each}"
    return COMMAND_LINE if is_listed(code, named) else ""


def limits(experiment: Experiment, environment: Environment) -> tuple[str, ...]:
    """What bounds the blast radius, a sentence each."""
    longest_s = max((each.duration_s for each in experiment.faults), default=0.0)
    caps = environment.caps
    found = [
        f"at most {caps.max_faults} fault{'s' * (caps.max_faults > 1)} at once, each at most "
        f"{seconds(caps.max_duration_s)} (the longest here: {seconds(longest_s)})"
    ]
    if environment.protected:
        found.append(
            f"{environment.name} is protected: it has to be named, and faults have to end by themselves"
        )
    return tuple(found)


def locks(experiment: Experiment, environment: Environment) -> tuple[LockRecord, ...]:
    """The locks that are held at the targets while the run lasts. Nothing is asked whether they are free."""
    found: dict[LockRecord, None] = {}
    for number, each in enumerate(experiment.faults):
        try:
            injection = faults.prepare(each.kind, each.parameters, environment, Ticket("plan", number, 0))
        except SlochaosError:
            continue  # not allowed: the refusals say so
        if injection.lock_name:
            where = "" if environment.self_contained else injection.lock_place
            found[LockRecord(target=each.target, lock=injection.lock_name, where=where)] = None
    return tuple(found)
