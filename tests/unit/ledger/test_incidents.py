"""Incidents in the ledger: kept under somebody else's ids, beside runs, never counted as chaos."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slochaos.errors import InvalidInput, StateError
from slochaos.ledger.entries import instant
from slochaos.ledger.incidents import Incidents
from slochaos.ledger.store import Ledger
from slochaos.ledger.tables import IncidentTable
from tests.unit.sample_incidents import SERVER, api, database, incident, unpriced
from tests.unit.sample_results import DAY_S, at, passed_result


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's ledger is."""
    return tmp_path / "ledger.db"


@pytest.fixture
def incidents(path: Path) -> Iterator[Incidents]:
    """A ledger that nothing was written to yet."""
    with Incidents(path) as opened:
        yield opened


def test_nothing_is_found_and_nothing_made_where_nothing_was_kept(incidents: Incidents, path: Path) -> None:
    """Looking leaves no file behind."""
    assert incidents.latest() == []
    assert incidents.get("INC-7") is None
    assert not path.exists()


def test_what_was_kept_comes_back_whole(incidents: Incidents) -> None:
    """The document, and a line for the list with its dearest objective first."""
    document = incident(api(), database(), unpriced())
    incidents.keep(document)
    assert incidents.get("INC-7") == document
    (row,) = incidents.latest()
    assert (row.id, row.environment, row.server) == ("INC-7", "local", SERVER)
    assert [name for name, _ in row.costs] == ["database-error-rate", "api-success-rate"]


def test_the_same_interval_again_replaces_what_was_kept(incidents: Incidents) -> None:
    """Priced anew, when more samples are there; charges are not kept twice."""
    incidents.keep(incident())
    again = incident(database(), priced=at(7_200))
    incidents.keep(again)
    assert incidents.get("INC-7") == again
    (row,) = incidents.latest()
    assert len(row.costs) == 1


@pytest.mark.parametrize(
    "other", [{"to": at(500)}, {"from_": at(-1)}, {"server": "http://elsewhere"}, {"environment": ""}]
)
def test_another_interval_under_the_same_id_is_refused_unless_it_shall_replace(
    incidents: Incidents, other: dict[str, str]
) -> None:
    """A typing error must not take the place of another incident; the message says what is there."""
    incidents.keep(incident())
    changed = incident(**other)
    with pytest.raises(
        InvalidInput, match=r"INC-7 is already .* 2025-03-04 14:02:00 to 2025-03-04 14:09:00 UTC"
    ):
        incidents.keep(changed)
    incidents.keep(changed, replace=True)
    assert incidents.get("INC-7") == changed


def test_an_id_means_one_thing(incidents: Incidents, path: Path) -> None:
    """What is a run's id cannot become an incident's: show ID would not know which."""
    with Ledger(path) as ledger:
        ledger.add(passed_result())
    with pytest.raises(InvalidInput, match="7f3a-91c2 is a run's id"):
        incidents.keep(incident(id="7f3a-91c2"))


def test_incidents_are_no_chaos(incidents: Incidents, path: Path) -> None:
    """They are in no list of runs and in no sum of what runs caused."""
    incidents.keep(incident())
    with Ledger(path) as ledger:
        assert ledger.history() == []
        assert ledger.running() == []
        assert ledger.consumed("local", "database-error-rate", DAY_S, instant(at(600))) == 0.0


def test_the_budget_tells_runs_and_incidents_apart(incidents: Incidents, path: Path) -> None:
    """Both are taken from the same budget, and both come back."""
    incidents.keep(incident())
    incidents.keep(incident(id="INC-8", environment="elsewhere"))
    with Ledger(path) as ledger:
        ledger.add(passed_result())
        rows = {row.objective: row for row in ledger.budget("local", instant(at(4_000)))}
    row = rows["database-error-rate"]
    assert (row.runs, row.incidents) == (1, 1)
    assert row.incidents_percent == pytest.approx(43.0, abs=0.1)
    assert [refund.by for refund in row.refunds] == ["7f3a-91c2", "INC-7"]
    assert row.seen_by == "INC-7"


def test_the_budget_knows_objectives_that_only_an_incident_charged(incidents: Incidents, path: Path) -> None:
    """And forgets them after their window."""
    incidents.keep(incident())
    with Ledger(path) as ledger:
        before = {row.objective: row for row in ledger.budget("local", instant(at(600)))}
        after = {row.objective: row for row in ledger.budget("local", instant(at(2 * DAY_S)))}
    assert (before["database-error-rate"].runs, before["database-error-rate"].incidents) == (0, 1)
    assert (after["database-error-rate"].incidents, after["database-error-rate"].refunds) == (0, ())


def test_the_list_is_newest_first_and_of_one_environment_if_asked(incidents: Incidents) -> None:
    """With a limit."""
    for number in range(3):
        incidents.keep(incident(id=f"INC-{number}", from_=at(60 * number), environment=f"e{number % 2}"))
    assert [row.id for row in incidents.latest()] == ["INC-2", "INC-1", "INC-0"]
    assert [row.id for row in incidents.latest(environment="e0")] == ["INC-2", "INC-0"]
    assert [row.id for row in incidents.latest(limit=1)] == ["INC-2"]


def test_a_document_that_cannot_be_read_is_said(incidents: Incidents) -> None:
    """Another version wrote it: a StateError that names it."""
    incidents.keep(incident())
    with incidents._writing() as session:
        kept = session.get(IncidentTable, "INC-7")
        assert kept is not None
        kept.document = "{}"
    with pytest.raises(StateError, match="the incident INC-7 is not a record"):
        incidents.get("INC-7")
