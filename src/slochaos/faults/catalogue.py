"""Which faults there are, and the closed set of operations that an undo log may hold.

A fault's module is imported when it is first asked for, with the libraries that reach its targets: a run
pays for the faults that it injects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from slochaos.errors import InvalidInput, StateError
from slochaos.faults.fault import Fault, Ticket
from slochaos.faults.injection import Injection
from slochaos.faults.operation import Operation
from slochaos.spec.environment import Environment
from slochaos.spec.experiment import FaultTraits
from slochaos.spec.nearest import did_you_mean

FAULTS = {
    "docker.cpu": "slochaos.faults.docker.cpu",
    "docker.disconnect": "slochaos.faults.docker.disconnect",
    "docker.io": "slochaos.faults.docker.io",
    "docker.kill": "slochaos.faults.docker.kill",
    "docker.limits": "slochaos.faults.docker.limits",
    "docker.memory": "slochaos.faults.docker.memory",
    "docker.pause": "slochaos.faults.docker.pause",
    "docker.restart": "slochaos.faults.docker.restart",
    "docker.stop": "slochaos.faults.docker.stop",
    "host.cpu": "slochaos.faults.host.cpu",
    "host.disk": "slochaos.faults.host.disk",
    "host.io": "slochaos.faults.host.io",
    "host.memory": "slochaos.faults.host.memory",
    "network.bandwidth": "slochaos.faults.network.bandwidth",
    "network.blackhole": "slochaos.faults.network.blackhole",
    "network.latency": "slochaos.faults.network.latency",
    "network.loss": "slochaos.faults.network.loss",
    "nothing": "slochaos.faults.nothing",
    "process.kill": "slochaos.faults.process.kill",
    "process.pause": "slochaos.faults.process.pause",
    "toxiproxy": "slochaos.faults.toxiproxy.fault",
}
"""By kind of fault the module that has its `FAULT`, and its `OPERATIONS`, each of kind "KIND" or "KIND.x"."""

SHARED = {
    "docker.lock": "slochaos.faults.docker.lock",
    "host.lock": "slochaos.faults.host_lock",
    "network.rules": "slochaos.faults.network.packet_rules",
    "toxiproxy.lock": "slochaos.faults.toxiproxy.lock",
}
"""By kind the module of an operation that several faults share, in its `OPERATIONS`."""


def fault(kind: str) -> Fault:
    """The fault called `kind`. Raises InvalidInput with the kinds that exist."""
    if kind not in FAULTS:
        hint = did_you_mean(kind, FAULTS) or f"kinds: {', '.join(sorted(FAULTS))}"
        raise InvalidInput(f"there is no fault of kind {kind!r}", hint=hint)
    found: Fault = import_module(FAULTS[kind]).FAULT
    return found


def load(kinds: Iterable[str]) -> None:
    """Import now what injecting and undoing these faults takes."""
    for kind in kinds:
        fault(kind).load()


def traits(kind: str, parameters: Mapping[str, Any]) -> FaultTraits:
    """What plans and checks have to know of a fault. Raises InvalidInput unless `parameters` fit it."""
    return fault(kind).traits(parameters)


def prepare(kind: str, parameters: Mapping[str, Any], environment: Environment, ticket: Ticket) -> Injection:
    """The injection that `kind` with `parameters` means in this environment. Touches nothing.

    Raises InvalidInput, TargetNotAllowed.
    """
    chosen = fault(kind)
    chosen.traits(parameters)
    return chosen.prepare(parameters, environment, ticket)


def entry(kind: str, parameters: Mapping[str, Any], environment: Environment) -> str:
    """The allow-list's entry that allows the fault, as a plan shows it; empty when there is none."""
    return fault(kind).entry(parameters, environment)


def if_host_dies(kind: str, parameters: Mapping[str, Any], within_s: float) -> str:
    """What becomes of the fault if this host dies: "gone after 25 s" or "stays until recovered"."""
    return fault(kind).if_host_dies(parameters, within_s)


def operation_from_json(data: Mapping[str, Any]) -> Operation:
    """An operation of the closed set, read from an undo log. Raises StateError for any other."""
    kind = data.get("kind")
    module = _module_of(kind) if isinstance(kind, str) else None
    known: tuple[type[Operation], ...] = getattr(import_module(module), "OPERATIONS", ()) if module else ()
    for operation in known:
        if operation.kind == kind:
            return operation.from_json(data)
    raise StateError(
        f"the undo log holds an operation of an unknown kind: {kind!r}",
        hint="was it written by a newer slochaos?",
    )


def _module_of(operation: str) -> str | None:
    tables = {**FAULTS, **SHARED}
    return tables.get(operation) or tables.get(operation.rpartition(".")[0])
