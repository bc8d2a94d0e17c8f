"""What a Toxiproxy fault takes, where it may go, and what its undo record holds."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from slochaos import faults
from slochaos.errors import InvalidInput, StateError, TargetNotAllowed
from slochaos.faults.catalogue import FAULTS, SHARED, operation_from_json
from slochaos.faults.fault import Ticket
from slochaos.faults.toxiproxy.api import same_address
from slochaos.faults.toxiproxy.lock import LOCK_UPSTREAM, lock_holder
from slochaos.faults.toxiproxy.proxy import TOXIC_NAME
from slochaos.spec.environment import Environment
from slochaos.spec.targets import AllowedProxy, Targets
from tests.guarded import changes_of

ALLOWED = AllowedProxy("http://127.0.0.1:8474", "database", "127.0.0.1:1", "127.0.0.1:2")
ENVIRONMENT = Environment("test", Path("test.yaml"), targets=Targets((ALLOWED,)))
LATENCY = {"type": "latency", "attributes": {"latency": 100}}


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "names no proxy"),
        ({"proxy": "database"}, "either"),
        ({"proxy": "database", "enabled": True}, "either"),
        ({"proxy": "database", "enabled": False, "toxics": [LATENCY]}, "either"),
        ({"proxy": "database", "toxics": []}, "1 to 26"),
        ({"proxy": "database", "toxics": [{"type": "packet_loss"}]}, "no toxic of type 'packet_loss'"),
        ({"proxy": "database", "toxics": [{**LATENCY, "toxicity": 0}]}, "above 0"),
        ({"proxy": "database", "toxics": [{**LATENCY, "toxicity": True}]}, "above 0"),
        ({"proxy": "database", "toxics": [{**LATENCY, "stream": "both"}]}, "upstream or downstream"),
        ({"proxy": "database", "toxics": [LATENCY, {**LATENCY, "toxicity": 0.5}]}, "one toxic only"),
        ({"proxy": "database", "enabled": False, "command": "rm"}, "does not take"),
    ],
)
def test_parameters_that_cannot_be_are_refused(parameters: dict[str, Any], message: str) -> None:
    """Every mistake in a preset is named before anything is touched."""
    with pytest.raises(InvalidInput, match=message):
        faults.traits("toxiproxy", parameters)


def test_an_unknown_kind_names_those_that_exist() -> None:
    """A fault of another kind is a mistake in the experiment."""
    with pytest.raises(InvalidInput, match=r"no fault of kind 'earthquake'\n.*docker\.kill"):
        faults.traits("earthquake", {})


def test_a_proxy_outside_the_allow_list_is_refused() -> None:
    """The refusal says what is allowed and where to list more."""
    with pytest.raises(
        TargetNotAllowed, match=r"allowed: database; list it under targets\.toxiproxy in test\.yaml"
    ):
        faults.prepare("toxiproxy", {"proxy": "billing", "enabled": False}, ENVIRONMENT, Ticket("r", 1, 100))


def test_a_proxy_on_several_servers_needs_the_server() -> None:
    """The same name on two servers is not guessed."""
    other = AllowedProxy("http://127.0.0.1:9999", "database", "127.0.0.1:1", "127.0.0.1:2")
    both = Environment("test", Path("test.yaml"), targets=Targets((ALLOWED, other)))
    parameters: dict[str, Any] = {"proxy": "database", "enabled": False}
    with pytest.raises(TargetNotAllowed, match="several servers"):
        faults.prepare("toxiproxy", parameters, both, Ticket("r", 1, 100))
    chosen = faults.prepare(
        "toxiproxy", {**parameters, "server": other.server + "/"}, both, Ticket("r", 1, 100)
    )
    assert chosen.queue == "http://127.0.0.1:9999 database"


def test_names_carry_owner_number_and_expiry() -> None:
    """A sweep that knows nothing reads them back."""
    several = {"proxy": "database", "toxics": [LATENCY, {"type": "bandwidth", "attributes": {"rate": 1}}]}
    injection = faults.prepare("toxiproxy", several, ENVIRONMENT, Ticket("7f3a-91c2", 4, 1795500000))
    data = changes_of(injection)[0].to_json()
    assert [toxic["name"] for toxic in data["toxics"]] == [
        "slochaos-7f3a-91c2-4a-x1795500000",
        "slochaos-7f3a-91c2-4b-x1795500000",
    ]
    match = TOXIC_NAME.match("slochaos-7f3a-91c2-4-down-x1795500000")
    assert match is not None
    assert match.groupdict() == {"run": "7f3a-91c2", "number": "4", "down": "-down", "expires": "1795500000"}
    lock = LOCK_UPSTREAM.match(lock_holder("7f3a-91c2", 1795500000, "ci-7.example"))
    assert lock is not None
    assert (lock["run"], lock["host"]) == ("7f3a-91c2", "ci-7.example")


@pytest.mark.parametrize("parameters", [{"enabled": False}, {"toxics": [LATENCY]}])
def test_an_undo_record_is_read_back_as_it_was(parameters: dict[str, Any]) -> None:
    """What is stored before the injection is enough to undo it from another process."""
    injection = faults.prepare(
        "toxiproxy", {"proxy": "database", **parameters}, ENVIRONMENT, Ticket("r", 1, 100)
    )
    for operation in changes_of(injection):
        assert operation_from_json(operation.to_json()) == operation


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "shell", "command": "rm -rf /"},
        {"kind": ["toxiproxy.lock"]},
        {"kind": "toxiproxy.lock", "server": "http://x"},
        {"kind": "toxiproxy.lock", "server": "a", "proxy": "b", "holder": "c", "command": "d"},
    ],
)
def test_the_set_of_undo_operations_is_closed(record: dict[str, Any]) -> None:
    """A log cannot make slochaos do anything but undo its own kinds of faults."""
    with pytest.raises(StateError):
        operation_from_json(record)


def _is_found(kind: str) -> bool:
    """Whether the undo log knows the kind: it complains of the missing fields only."""
    try:
        return operation_from_json({"kind": kind}).kind == kind
    except StateError as error:
        return "unknown kind" not in error.message


def test_every_operation_has_its_kind() -> None:
    """Two operations under one kind would be undone as one another, and one that is not found, not at all."""
    operations = {
        operation
        for module in (*FAULTS.values(), *SHARED.values())
        for operation in getattr(import_module(module), "OPERATIONS", ())
    }
    kinds = [operation.kind for operation in operations]
    assert len(kinds) == len(set(kinds))
    assert [kind for kind in kinds if not _is_found(kind)] == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("localhost:5432", "127.0.0.1:5432", True),
        (":5432", "[::]:5432", True),
        ("127.0.0.1:5432", "127.0.0.1:5433", False),
        ("10.0.0.1:5432", "10.0.0.2:5432", False),
        ("[::1]:80", "::1:80", True),
    ],
)
def test_addresses_are_compared_by_what_they_mean(one: str, other: str, same: bool) -> None:
    """A proxy is recognised however loopback is spelled, and never by its port alone."""
    assert same_address(one, other) is same
