"""The exit-code table, top down."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.verdict.status import RunFacts, Status, run_status

WHY = ("because",)
EVERYTHING = RunFacts(WHY, "because", "because", 15, WHY, WHY, WHY, WHY, WHY, WHY, WHY, WHY, True)
NAMES = [f.name for f in fields(RunFacts)]


@pytest.mark.parametrize(
    ("facts", "status", "code"),
    [
        (RunFacts(undo_failed=WHY), "undo-failed", 6),
        (RunFacts(invalid="because"), "invalid", 2),
        (RunFacts(refused="because"), "refused", 4),
        (RunFacts(signal=1), "interrupted", 129),
        (RunFacts(signal=2), "interrupted", 130),
        (RunFacts(signal=15), "interrupted", 143),
        (RunFacts(breached=WHY), "failed", 1),
        (RunFacts(exceeded=WHY), "failed", 1),
        (RunFacts(slow_recovery=WHY), "failed", 1),
        (RunFacts(aborted_by_rule=WHY), "failed", 1),
        (RunFacts(aborted=WHY), "aborted", 5),
        (RunFacts(errors=WHY), "error", 7),
        (RunFacts(unproven=WHY), "inconclusive", 3),
        (RunFacts(not_in_force=WHY), "inconclusive", 3),
        (RunFacts(host_suspended=True), "inconclusive", 3),
        (RunFacts(), "passed", 0),
    ],
)
def test_each_fact_alone(facts: RunFacts, status: Status, code: int) -> None:
    """One fact alone gives its status and its exit code, and nothing besides."""
    found = run_status(facts)
    assert (found.status, found.exit_code, found.also) == (status, code, ())


def test_everything_at_once() -> None:
    """A fault that may still be in force outranks all; the rest is listed in the order of the table."""
    found = run_status(EVERYTHING)
    assert found.exit_code == 6
    assert found.also == ("invalid", "refused", "interrupted", "failed", "aborted", "error", "inconclusive")


def test_a_breach_outranks_a_later_error() -> None:
    """What was established stays, and the error is named beside it."""
    found = run_status(RunFacts(breached=("api-success-rate held 12 %",), errors=("the prober died",)))
    assert (found.status, found.exit_code, found.reason) == ("failed", 1, "api-success-rate held 12 %")
    assert found.also == ("error",)


def test_an_operator_does_not_hide_a_breach() -> None:
    """A run that was stopped by hand after a breach has failed."""
    assert run_status(RunFacts(breached=WHY, aborted=WHY)).also == ("aborted",)


def test_all_reasons_of_a_status_are_given() -> None:
    """Every breached and exceeded objective is named."""
    found = run_status(RunFacts(breached=("a broke",), exceeded=("b cost too much",)))
    assert found.reason == "a broke; b cost too much"


def test_a_signal_is_named() -> None:
    """The reason says which signal it was, also for numbers without a name."""
    assert run_status(RunFacts(signal=15)).reason == "interrupted by SIGTERM"
    assert run_status(RunFacts(signal=99)).reason == "interrupted by signal 99"


@given(st.sets(st.sampled_from(NAMES)))
def test_adding_facts_never_makes_a_run_look_better(names: set[str]) -> None:
    """Any fact on top of others leaves the status as it is or raises it in the table."""
    order = ("undo-failed", *run_status(EVERYTHING).also, "passed")
    some = replace(RunFacts(), **{name: getattr(EVERYTHING, name) for name in names})
    for name in NAMES:
        more = replace(some, **{name: getattr(EVERYTHING, name)})
        assert order.index(run_status(more).status) <= order.index(run_status(some).status)
