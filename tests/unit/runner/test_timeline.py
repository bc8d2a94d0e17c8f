"""What the guard's and the child's events add up to."""

from __future__ import annotations

from typing import Any

from slochaos.guard.connection import GuardEvent
from slochaos.runner.executor import ChildEvent
from slochaos.runner.timeline import Injections, Toolkit, fault_span
from slochaos.spec.experiment import PlannedFault


def told(*events: tuple[str, float]) -> Injections:
    """Injections after events of injection 1."""
    injections = Injections()
    for kind, at in events:
        injections.take(GuardEvent(kind, at, 1000 + at, "1", {"name": "down"}))
    return injections


def planned(name: str, preset: str, duration_s: float) -> PlannedFault:
    """A fault of the experiment."""
    return PlannedFault(name, "toxiproxy", "shop", {}, duration_s, False, "x:1", preset=preset)


def said(*events: tuple[str, float, dict[str, Any]]) -> Toolkit:
    """The toolkit's side after events of the child."""
    toolkit = Toolkit()
    for name, at, payload in events:
        toolkit.take(ChildEvent(at, 1000 + at, name, payload))
    return toolkit


def test_the_fault_lasts_from_the_first_intent_to_the_last_undo() -> None:
    """Before anything is sent, until everything is verified to be gone."""
    injections = told(("intended", 5.0), ("sent", 5.1), ("applied", 5.2), ("undone", 9.0))
    assert fault_span(injections, Toolkit(), foreign=False) == (5.0, (9.0, 1009.0))


def test_settling_is_the_undo() -> None:
    """With a lost answer the first clean look counts; what follows only makes sure."""
    injections = told(("intended", 5.0), ("sent", 5.1), ("settling", 6.0), ("undone", 9.0))
    assert injections.last_undone == (6.0, 1006.0)


def test_nothing_injected_has_no_span() -> None:
    """A refusal is remembered, and is no fault."""
    injections = Injections()
    injections.take(GuardEvent("injection-refused", 1.0, 1001.0, "", {"name": "down", "message": "no"}))
    assert fault_span(injections, Toolkit(), foreign=False) is None
    assert len(injections.refused) == 1


def test_names_tell_what_is_in_force() -> None:
    """In force while applied; open until the undo is verified."""
    assert told(("intended", 1.0), ("applied", 2.0)).in_force == ("down",)
    undoing = told(("intended", 1.0), ("applied", 2.0), ("undoing", 3.0))
    assert (undoing.in_force, undoing.open) == ((), ("down",))
    assert told(("intended", 1.0), ("undone", 3.0)).open == ()


def test_faults_are_called_what_the_experiment_calls_them() -> None:
    """The guard tells the preset; the first injection of it is the first activity with it, and so on."""
    injections = Injections((planned("cut off", "down", 5.0), planned("cut off again", "down", 9.0)))
    for number in ("1", "2"):
        for kind in ("intended", "applied"):
            injections.take(GuardEvent(kind, 10.0, 1010.0, number, {"name": "down"}))
    assert injections.in_force == ("cut off", "cut off again")
    assert injections.name_of("2", "down") == "cut off again"
    assert injections.name_of("unheard of", "down") == "cut off"
    assert injections.name_of("3", "nothing") == "nothing"


def test_a_placebos_faults_are_told_as_what_they_are() -> None:
    """Whoever watches reads that nothing is injected; the record has the plain name."""
    injections = Injections((planned("cut off", "down", 5.0),), placebo=True)
    injections.take(GuardEvent("applied", 1.0, 1001.0, "1", {"name": "down"}))
    assert injections.in_force == ("cut off (placebo: nothing is injected)",)
    assert injections.name_of("1", "down") == "cut off"


def test_time_left_is_that_of_the_fault_in_force_that_ends_last() -> None:
    """From the instant at which it was applied; none before that, and none when it is undone."""
    injections = Injections((planned("short", "slow", 5.0), planned("long", "down", 9.0)))
    until = []
    for kind, at, number, preset in (
        ("intended", 1.0, "1", "slow"),
        ("applied", 2.0, "1", "slow"),
        ("applied", 4.0, "2", "down"),
        ("undoing", 8.0, "2", "down"),
        ("undone", 8.5, "1", "slow"),
    ):
        injections.take(GuardEvent(kind, at, 1000 + at, number, {"name": preset}))
        until.append(injections.in_force_until)
    assert until == [None, 7.0, 13.0, 7.0, None]


def test_foreign_faults_last_as_long_as_method_and_rollbacks() -> None:
    """Nobody else knows when others' actions act, and their undo is a rollback."""
    toolkit = said(
        ("method-started", 3.0, {}), ("method-completed", 7.0, {}), ("rollbacks-completed", 8.0, {})
    )
    assert fault_span(Injections(), toolkit, foreign=True) == (3.0, (8.0, 1008.0))
    assert fault_span(Injections(), toolkit, foreign=False) is None


def test_rollbacks_without_a_method_are_no_fault() -> None:
    """A hypothesis that did not hold lets the rollbacks run, and nothing was done before."""
    toolkit = said(("rollbacks-completed", 8.0, {}))
    assert fault_span(Injections(), toolkit, foreign=True) is None


def test_the_childs_own_words_are_not_chaos_toolkits() -> None:
    """`child-...` are between child and supervisor; the rest is passed on."""
    toolkit = Toolkit()
    assert not toolkit.take(ChildEvent(1.0, 1.0, "child-ready", {}))
    assert toolkit.ready
    assert toolkit.take(ChildEvent(1.0, 1.0, "hypothesis-completed", {"phase": "before", "met": False}))
    assert toolkit.met_before is False
