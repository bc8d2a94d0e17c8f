"""The ledger keeps runs, charges in events, injections and decisions, and answers from them."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from slochaos.errors import InvalidInput, StateError
from slochaos.ledger import schema
from slochaos.ledger.entries import instant
from slochaos.ledger.store import Ledger
from slochaos.ledger.tables import DecisionTable
from slochaos.record import OverrideRecord, PolicyRecord, Result
from tests.unit.sample_results import (
    DAY_S,
    at,
    database,
    failed_result,
    injection,
    passed_result,
    passed_run,
    refused_result,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's ledger is."""
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    """A ledger that nothing was written to yet."""
    with Ledger(path) as opened:
        yield opened


def renamed(result: Result, run_id: str, **changes: object) -> Result:
    """The same result under another run id."""
    return result.model_copy(update={"run": result.run.model_copy(update={"id": run_id, **changes})})


def test_reads_of_a_ledger_that_was_never_written_answer_with_nothing(ledger: Ledger, path: Path) -> None:
    """Looking at the history on a fresh machine shows no run and leaves no file behind."""
    assert ledger.history() == []
    assert ledger.running() == []
    assert ledger.overrides("local") == []
    assert ledger.budget("local", 0.0) == []
    assert ledger.consumed("local", "database-error-rate", DAY_S, 0.0) == 0.0
    assert not path.exists()


def test_file_is_private_to_its_user(ledger: Ledger, path: Path) -> None:
    """Whatever the umask, only the owner can read what ran."""
    ledger.add(passed_result())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_default_is_in_the_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a location the ledger is `ledger.db` of the user's state folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with Ledger() as own:
        own.add(passed_result())
    assert (tmp_path / "slochaos" / "ledger.db").is_file()


def test_result_comes_back_as_it_was_added(ledger: Ledger) -> None:
    """`get` returns the record itself, field by field."""
    ledger.add(passed_result())
    assert ledger.get("7f3a-91c2") == passed_result()


def test_adding_twice_changes_nothing(ledger: Ledger) -> None:
    """A result that is added again, after a crash perhaps, is charged once."""
    for _ in range(2):
        ledger.add(passed_result())
    assert len(ledger.history()) == 1
    assert ledger.consumed("local", "database-error-rate", DAY_S, instant(at(100))) == 5_940


def test_unknown_run_is_the_callers_mistake(ledger: Ledger) -> None:
    """Asking for a run that is not there is invalid input and says how to find the right id."""
    ledger.add(passed_result())
    with pytest.raises(InvalidInput, match="there is no run and no incident zzzz") as caught:
        ledger.get("zzzz")
    assert "slochaos history" in caught.value.hint


def test_run_that_began_is_listed_as_running(ledger: Ledger) -> None:
    """Between begin and add a run shows as running, without an end."""
    ledger.begin("7f3a-91c2", "db_outage", "local", at(0), "sre-laptop")
    (row,) = ledger.history()
    assert (row.status, row.ended, row.exit_code) == ("running", None, None)
    with pytest.raises(InvalidInput, match="has no result"):
        ledger.get("7f3a-91c2")


def test_begin_never_overwrites_an_earlier_run(ledger: Ledger) -> None:
    """A run id that was used before is refused, so that no record gets lost."""
    ledger.add(passed_result())
    with pytest.raises(InvalidInput, match="already in the ledger"):
        ledger.begin("7f3a-91c2", "other", "local", at(0), "sre-laptop")
    assert ledger.get("7f3a-91c2").run.experiment == "db_outage"


def test_history_is_newest_first_with_the_dearest_objective_first(ledger: Ledger) -> None:
    """Each row carries its costs, dearest first, derived from events."""
    ledger.add(passed_result())
    ledger.add(renamed(refused_result(), "later", started=at(600), ended=at(601)))
    rows = ledger.history()
    assert [row.id for row in rows] == ["later", "7f3a-91c2"]
    assert rows[0].costs == ()
    name, percent = rows[1].costs[0]
    assert name == "database-error-rate"
    assert percent == pytest.approx(23.11, abs=0.01)


def test_history_can_be_of_one_environment(ledger: Ledger) -> None:
    """Runs elsewhere do not appear, and the limit holds."""
    for number in range(3):
        ledger.add(renamed(passed_result(), f"run-{number}", started=at(number)))
    ledger.add(renamed(passed_result(), "elsewhere", environment="preview", started=at(9)))
    assert [row.id for row in ledger.history(limit=2, environment="local")] == ["run-2", "run-1"]


def test_consumed_counts_only_what_is_still_in_the_window(ledger: Ledger) -> None:
    """A charge leaves the rolling window exactly one window after it was made, and is not there before."""
    ledger.add(passed_result())
    ended = instant(at(72))

    def consumed(when: float) -> float:
        return ledger.consumed("local", "database-error-rate", DAY_S, when)

    assert consumed(ended - 1) == 0
    assert consumed(ended) == 5_940
    assert consumed(ended + DAY_S - 1) == 5_940
    assert consumed(ended + DAY_S) == 0


def test_consumed_keeps_objectives_and_environments_apart(ledger: Ledger) -> None:
    """Charges of the same seconds are never added across objectives, nor across environments."""
    ledger.add(passed_result())
    ledger.add(renamed(passed_result(), "elsewhere", environment="preview"))
    when = instant(at(100))
    assert ledger.consumed("local", "api-latency-p95", DAY_S, when) == 48
    assert ledger.consumed("local", "api-success-rate", 7 * DAY_S, when) == 0


def test_placebo_runs_cause_nothing(ledger: Ledger) -> None:
    """A run without a fault is kept, but its charge is nobody's doing."""
    ledger.add(renamed(passed_result(), "placebo", placebo=True))
    assert ledger.consumed("local", "database-error-rate", DAY_S, instant(at(100))) == 0
    assert ledger.budget("local", instant(at(100))) == []


def test_decisions_are_kept_of_the_run_and_of_each_objective(ledger: Ledger) -> None:
    """The ledger says what was decided, and why."""
    ledger.add(failed_result())
    with ledger._engine.connect() as connection:
        decided = connection.execute(select(DecisionTable.objective, DecisionTable.verdict))
        verdicts = {row.objective: row.verdict for row in decided}
    assert verdicts[""] == "failed"
    assert verdicts["api-success-rate"] == "breached"
    assert verdicts["availability"] == "observed"


def test_overrides_of_the_policy_are_kept_with_their_run(ledger: Ledger) -> None:
    """Who, why, until when, and what the policy had against it; once, however often the result is added."""
    override = OverrideRecord(
        objective="database-error-rate",
        objection="database-error-rate has used 103 % of its day",
        by="ada",
        reason="game day 12",
        until=at(3_600),
    )
    overridden = passed_result(policy=PolicyRecord(step="frozen", allowed=True, overrides=(override,)))
    for _ in range(2):
        ledger.add(overridden)
    ledger.add(renamed(overridden, "elsewhere", environment="preview"))
    (row,) = ledger.overrides("local")
    assert (row.run_id, row.by, row.reason) == ("7f3a-91c2", "ada", "game day 12")
    assert row.objection == override.objection
    assert (row.used.timestamp(), row.until.timestamp()) == (instant(at(0)), instant(at(3_600)))


def test_budget_shows_what_chaos_took_and_when_it_comes_back(ledger: Ledger) -> None:
    """Two runs of one day add up within their objective, each with the time of its refund."""
    ledger.add(passed_result())
    second = database(charge=database().charge.model_copy(update={"consumed_after_percent": 46.2}))  # type: ignore[union-attr]
    ledger.add(renamed(passed_result(objectives=(second,)), "second", ended=at(3_672)))
    (row,) = [
        row for row in ledger.budget("local", instant(at(4_000))) if row.objective == "database-error-rate"
    ]
    assert (row.runs, row.caused_events, row.seen_by) == (2, 11_880, "second")
    assert row.caused_percent == pytest.approx(46.2, abs=0.05)
    assert row.left_percent == pytest.approx(53.8)
    assert [refund.by for refund in row.refunds] == ["7f3a-91c2", "second"]


def test_budget_forgets_what_was_refunded(ledger: Ledger) -> None:
    """After the window nothing is left of a charge, though the objective is still listed."""
    ledger.add(passed_result())
    rows = {row.objective: row for row in ledger.budget("local", instant(at(2 * DAY_S)))}
    assert rows["database-error-rate"].caused_events == 0
    assert rows["database-error-rate"].refunds == ()


def test_reconcile_adopts_the_result_of_a_run_that_was_killed(ledger: Ledger, tmp_path: Path) -> None:
    """A supervisor killed between result.json and the ledger is caught up with by the next run."""
    folder = tmp_path / "runs" / "7f3a-91c2"
    folder.mkdir(parents=True)
    ledger.begin("7f3a-91c2", "db_outage", "local", at(0), "sre-laptop", run_dir=folder)
    assert ledger.reconcile("sre-laptop") == []
    (folder / "result.json").write_text(passed_result().model_dump_json(by_alias=True))
    assert ledger.reconcile("another-host") == []
    assert ledger.reconcile("sre-laptop") == ["7f3a-91c2"]
    assert ledger.running() == []
    assert ledger.get("7f3a-91c2").run.status == "passed"


def test_reconcile_takes_no_other_runs_result(ledger: Ledger, tmp_path: Path) -> None:
    """A result of another id in the folder, or half a file, is not taken for this run's."""
    ledger.begin("7f3a-91c2", "db_outage", "local", at(0), "sre-laptop", run_dir=tmp_path)
    (tmp_path / "result.json").write_text(renamed(passed_result(), "other").model_dump_json(by_alias=True))
    assert ledger.reconcile("sre-laptop") == []
    (tmp_path / "result.json").write_text(passed_result().model_dump_json(by_alias=True)[:500])
    assert ledger.reconcile("sre-laptop") == []
    assert [run.id for run in ledger.running()] == ["7f3a-91c2"]


def test_adopt_says_what_is_wrong_with_a_result(ledger: Ledger, tmp_path: Path) -> None:
    """A file that is missing or cut short is a StateError that names it."""
    with pytest.raises(StateError, match="cannot be read"):
        ledger.adopt(tmp_path / "result.json")
    (tmp_path / "result.json").write_text("{}")
    with pytest.raises(StateError, match=r"result\.json is not a record .*: run: "):
        ledger.adopt(tmp_path / "result.json")


def test_text_that_databases_refuse_is_stored_without_it(ledger: Ledger) -> None:
    """NUL and undecodable bytes in names of targets do not lose the run."""
    odd = injection(target="data\0base", evidence="ok")
    ledger.add(passed_result(injections=(odd,), run=passed_run(reason="a\0b")))
    (row,) = ledger.history()
    assert row.reason == "ab"


def test_revisions_are_those_of_the_migrations() -> None:
    """The cheap check of the schema knows every migration, in order, and the newest is last."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert tuple(reversed([step.revision for step in script.walk_revisions()])) == schema.REVISIONS


def test_migrations_lead_to_the_tables_as_mapped(ledger: Ledger) -> None:
    """What the migrations make and what the code maps do not differ in tables, columns, types or indexes."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from slochaos.ledger.tables import Table

    ledger.add(passed_result())
    with ledger._engine.connect() as connection:
        options = {"version_table": schema.VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Table.metadata) == []
