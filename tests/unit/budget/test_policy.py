"""The budget policy's steps."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.budget.policy import Outlook, PolicyDecision, Step, decide, step_of
from slochaos.spec.overrides import Override
from slochaos.wording import Share


def outlook(
    consumed: Share = 0, worst: Share = 0.001, name: str = "api-success-rate", refund: str = ""
) -> Outlook:
    """A weekly objective."""
    return Outlook(name, consumed, worst, 604_800, refund)


def rolling(*outlooks: Outlook, random_faults: bool = False) -> PolicyDecision:
    """The policy of a shared system, enforced."""
    return decide(outlooks, scope="rolling", mode="enforce", random_faults=random_faults)


@pytest.mark.parametrize(
    ("consumed", "step"),
    [
        (0, "normal"),
        (0.499, "normal"),
        (0.5, "notify"),
        (0.8, "restricted"),
        (0.999, "restricted"),
        (1, "frozen"),
        (3, "frozen"),
        (-0.1, "normal"),
    ],
)
def test_steps(consumed: float, step: Step) -> None:
    """50, 80 and 100 %, each from its limit on."""
    assert step_of(consumed) == step


def test_a_fresh_budget_allows_what_fits() -> None:
    """Nothing consumed, 92 % at worst: go."""
    assert rolling(outlook(0.0, 0.92)) == PolicyDecision(True, "normal")


def test_more_than_is_left_is_refused_at_any_step() -> None:
    """92 % at worst with 70 % left: refused, with the way out."""
    found = rolling(outlook(0.3, 0.92, "database-error-rate"))
    assert (found.allowed, found.step) == (False, "normal")
    assert found.reason == "database-error-rate may cost 92 % of its week, 70 % is left"
    assert found.way_out == "a shorter fault, or a cost rule below 70 %"


def test_at_half_people_are_told() -> None:
    """Allowed, with a notice."""
    found = rolling(outlook(0.55, 0.2))
    assert found.allowed
    assert found.notices == ("api-success-rate has used 55 % of its week",)


def test_at_four_fifths_only_small_experiments_go_on() -> None:
    """10 % left: at most 0.1 % may be spent."""
    assert rolling(outlook(Fraction("0.9"), Fraction("0.001"))).allowed
    found = rolling(outlook(Fraction("0.9"), 0.02))
    assert not found.allowed
    assert found.reason == (
        "api-success-rate may cost 2 % of its week, of which 90 % is used: at most 0.1 % may be spent"
    )


def test_at_four_fifths_nothing_is_left_to_chance() -> None:
    """Random faults are refused though they would fit."""
    assert not rolling(outlook(0.85, 0.0001), random_faults=True).allowed
    assert rolling(outlook(0.75, 0.0001), random_faults=True).allowed


def test_an_exhausted_budget_freezes() -> None:
    """No chaos, and the reason says until when if that is known."""
    found = rolling(outlook(1.2, 0.0, refund="2026-03-01T00:00:00Z"))
    assert (found.allowed, found.step) == (False, "frozen")
    assert found.reason == "api-success-rate has used 120 % of its week: no chaos until it refills"
    assert found.way_out == "wait until 2026-03-01T00:00:00Z"
    assert rolling(outlook(1.2)).way_out == "wait until old errors leave the window"


def test_the_most_consumed_objective_decides() -> None:
    """One exhausted budget freezes all."""
    found = rolling(outlook(0.1), outlook(1.0, name="availability"))
    assert found.step == "frozen"
    assert found.reason.startswith("availability")


def test_a_less_consumed_objective_can_object_too() -> None:
    """The most consumed one would allow it, another one cannot afford it."""
    found = rolling(outlook(0.5, 0.1), outlook(0.2, 0.95, "database-error-rate"))
    assert not found.allowed
    assert found.reason.startswith("database-error-rate may cost")


def test_advice_does_not_forbid() -> None:
    """In `advise` mode the run goes on, and the reason stands."""
    found = decide([outlook(1.2)], scope="rolling", mode="advise")
    assert found.allowed
    assert found.reason


def test_a_budget_of_the_run_starts_full() -> None:
    """For a system that was started for the run, earlier consumption does not count, the worst case does."""
    assert decide([outlook(1.2, 0.9)], scope="run", mode="enforce") == PolicyDecision(True, "normal")
    assert not decide([outlook(0.0, 1.1)], scope="run", mode="enforce").allowed


def test_without_objectives_nothing_is_spent() -> None:
    """Nothing to forbid it."""
    assert rolling() == PolicyDecision(True, "normal")


@given(st.floats(0, 2), st.floats(0, 2), st.floats(0, 2))
def test_a_fuller_budget_never_forbids_more(consumed: float, less: float, worst: float) -> None:
    """Whoever may spend with this budget may with one that is fuller."""
    if rolling(outlook(consumed, worst)).allowed:
        assert rolling(outlook(min(consumed, less), worst)).allowed


FROZEN = Outlook("api", Fraction(103, 100), Fraction(1, 1000), 604_800)
DEAR = Outlook("database", Fraction(1, 10), Fraction(95, 100), 86_400)


def overridden(*overrides: Override, at: float = 1_000.0, **changes: object) -> PolicyDecision:
    """The decision about two objectives that the policy objects to."""
    given = {"scope": "rolling", "mode": "enforce", "overrides": overrides, "at": at, **changes}
    return decide([FROZEN, DEAR], **given)  # type: ignore[arg-type]


def test_an_override_lets_a_run_go_on_and_is_told() -> None:
    """Without an objective it is about all of them; who, why, until when and against what stand in the notices."""
    decision = overridden(Override("ada", "game day 12", 4_000.0))
    assert decision.allowed
    assert [(each.objective, each.override.by) for each in decision.overridden] == [
        ("api", "ada"),
        ("database", "ada"),
    ]
    told = " ".join(decision.notices)
    assert "overridden by ada until 1970-01-01 01:06 UTC (game day 12): api has used 103 %" in told


def test_an_override_of_one_objective_leaves_the_others_alone() -> None:
    """What it is not about still refuses the run."""
    decision = overridden(Override("ada", "game day 12", 4_000.0, "api"))
    assert not decision.allowed
    assert decision.reason.startswith("database may cost")


def test_an_override_that_has_ended_lets_nothing_pass() -> None:
    """The refusal says whose it was and when it ended, also at the very second; a later one counts."""
    ended = Override("ada", "game day 12", 1_000.0)
    decision = overridden(ended)
    assert (decision.allowed, decision.overridden) == (False, ())
    assert "the override by ada ended 1970-01-01 00:16 UTC" in decision.way_out
    assert overridden(ended, Override("bob", "again", 1_001.0)).allowed


def test_an_override_that_nobody_needs_is_not_told() -> None:
    """Where the policy has nothing against the run, nothing was overridden."""
    calm = Outlook("api", Fraction(0), Fraction(1, 1000), 604_800)
    decision = decide([calm], scope="rolling", mode="enforce", overrides=[Override("ada", "x", 9.0)], at=1.0)
    assert (decision.allowed, decision.overridden, decision.notices) == (True, (), ())
