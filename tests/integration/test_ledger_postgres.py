"""The ledger on a real PostgreSQL, the one that the local environment starts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from slochaos.errors import StateError
from slochaos.ledger import schema
from slochaos.ledger.entries import instant
from slochaos.ledger.store import Ledger
from slochaos.record import Result
from tests.unit.sample_results import DAY_S, at, failed_result, injection, passed_result, passed_run

ENVIRONMENTS = Path(__file__).parents[2] / "environments"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server that lives as long as this module."""
    port = _free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "agentmesh.database", "--port", str(port)],
        cwd=ENVIRONMENTS,
        env={**os.environ, "DATABASE_PASSWORD": "hunter2"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, server)
        yield f"postgresql://agentmesh:hunter2@127.0.0.1:{port}/agentmesh"
    finally:
        server.send_signal(2)
        server.wait(timeout=30)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, "the database ended"
        try:
            # It accepts connections before it answers them: "the database system is starting up".
            psycopg.connect(
                f"postgresql://agentmesh:hunter2@127.0.0.1:{port}/agentmesh", connect_timeout=5
            ).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the database did not start")


def renamed(result: Result, run_id: str) -> Result:
    """The same result under another run id."""
    return result.model_copy(update={"run": result.run.model_copy(update={"id": run_id})})


def test_runs_come_back_as_from_sqlite(url: str) -> None:
    """Begin, add, history, budget and consumed mean the same on both."""
    with Ledger(url) as ledger:
        ledger.begin("7f3a-91c2", "db_outage", "local", at(0), "sre-laptop")
        odd = injection(target="data\0base")
        for _ in range(2):
            ledger.add(passed_result(injections=(odd,), run=passed_run(reason="a\0b")))
        ledger.add(renamed(failed_result(), "broken"))
        assert [row.id for row in ledger.history()] == ["7f3a-91c2", "broken"]
        assert ledger.get("broken").run.status == "failed"
        assert ledger.consumed("local", "database-error-rate", DAY_S, instant(at(100))) == 2 * 5_940
        assert ledger.budget("local", instant(at(100)))[0].objective == "api-latency-p95"
        assert ledger.overrides("local") == []


def test_migrations_lead_to_the_tables_as_mapped(url: str) -> None:
    """PostgreSQL's tables are those of the code too."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from slochaos.ledger.tables import Table

    with Ledger(url) as ledger:
        ledger.add(renamed(passed_result(), "another"))
        with ledger._engine.connect() as connection:
            # Other tables in the same database are nobody's business here.
            options = {
                "version_table": schema.VERSION_TABLE,
                "compare_type": True,
                "include_name": lambda name, kind, _parents: kind != "table" or name in Table.metadata.tables,
            }
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, Table.metadata) == []


def test_wrong_password_is_said_without_showing_it(url: str) -> None:
    """The message names the ledger, never the password."""
    with Ledger(url.replace("hunter2", "hunter3")) as ledger, pytest.raises(StateError) as caught:
        ledger.history()
    assert "refused the user name or the password" in str(caught.value)
    assert "hunter3" not in str(caught.value)


def test_server_that_is_away_is_said() -> None:
    """A refused connection is one message with a way out."""
    with (
        Ledger(f"postgresql://ada:hunter2@127.0.0.1:{_free_port()}/x") as ledger,
        pytest.raises(StateError) as caught,
    ):
        ledger.add(passed_result())
    assert "connection refused" in str(caught.value)
    assert "hunter2" not in str(caught.value)
