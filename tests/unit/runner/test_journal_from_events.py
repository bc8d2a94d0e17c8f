"""The journal of an experiment whose executor was killed."""

from __future__ import annotations

from slochaos.runner.executor import ChildEvent
from slochaos.runner.journal import journal_from_events
from slochaos.runner.timeline import Toolkit

EVENTS = [
    ChildEvent(1.0, 101.0, "hypothesis-completed", {"phase": "before", "met": True, "probes": []}),
    ChildEvent(2.0, 102.0, "activity-started", {"name": "first", "activity_type": "action"}),
    ChildEvent(
        3.0,
        103.0,
        "activity-completed",
        {"name": "first", "activity_type": "action", "status": "succeeded", "duration": 1.0},
    ),
    ChildEvent(4.0, 104.0, "activity-started", {"name": "second", "activity_type": "action"}),
]


def test_it_says_what_had_ended_and_what_was_cut_short() -> None:
    """In Chaos Toolkit's shape, interrupted, and marked as ours."""
    journal = journal_from_events({"title": "t"}, Toolkit(EVENTS), started=100.0, ended=105.0)

    assert (journal["status"], journal["duration"]) == ("interrupted", 5.0)
    assert [(each["activity"]["name"], each["status"]) for each in journal["run"]] == [
        ("first", "succeeded"),
        ("second", "aborted"),
    ]
    assert journal["steady_states"]["before"]["steady_state_met"] is True
    assert journal["slochaos"]["written_from"] == "events"
    assert "was killed" in journal["slochaos"]["why"]


def test_an_executor_that_had_no_room_keeps_its_verdict() -> None:
    """It came to its end and only could not write: the status is Chaos Toolkit's, the reason is said."""
    toolkit = Toolkit(EVENTS, status="completed", deviated=True)
    journal = journal_from_events({"title": "t"}, toolkit, started=100.0, ended=105.0)

    assert (journal["status"], journal["deviated"]) == ("completed", True)
    assert "could not write it" in journal["slochaos"]["why"]


def test_secrets_stay_out() -> None:
    """Whatever names a credential in the experiment is masked."""
    experiment = {"configuration": {"api_token": "abcdef"}}
    journal = journal_from_events(experiment, Toolkit(), started=0.0, ended=1.0)
    assert "abcdef" not in str(journal)
