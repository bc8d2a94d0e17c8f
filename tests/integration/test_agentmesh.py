"""AgentMesh's API on a real PostgreSQL, through a real relay that is cut."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.agentmesh_system import AgentMesh, agentmesh, start, total, wait_until
from tests.toxiproxy_servers import ToxiproxyServerProcess, free_port, start_embedded

REQUESTS = [
    ("GET", "/agents", None),
    ("GET", "/agents/agent-7/tasks", None),
    ("GET", "/tasks/task-7", None),
    ("POST", "/agents", {"name": "N", "model": "small"}),
    ("POST", "/agents/agent-7/tasks", {"prompt": "P"}),
    ("POST", "/tasks/task-7/run", {}),
]
"""One request of each route."""


def running(folder: Path, resilience: str) -> Iterator[AgentMesh]:
    """AgentMesh, healthy, behind an embedded Toxiproxy."""
    toxiproxy = start_embedded(folder / "toxiproxy.log")
    try:
        with agentmesh(folder, toxiproxy, resilience) as mesh:
            yield mesh
    finally:
        toxiproxy.end()


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentMesh]:
    """AgentMesh with resilience. Tests leave it healthy."""
    yield from running(tmp_path_factory.mktemp("agentmesh"), "on")


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentMesh]:
    """AgentMesh without resilience. Tests leave its database reachable."""
    yield from running(tmp_path_factory.mktemp("fragile"), "off")


@pytest.fixture(autouse=True)
def healthy(request: pytest.FixtureRequest) -> None:
    """What an earlier test broke is back."""
    for name in {"mesh", "fragile"} & set(request.fixturenames):
        wait_for_database(request.getfixturevalue(name))


def wait_for_database(mesh: AgentMesh) -> None:
    """Wait until the API reaches its database."""
    wait_until(lambda: mesh.get("/health")[1] == {"status": "ok"}, "the API reaches its database")


def rejected(mesh: AgentMesh) -> int:
    """Queries that the breaker turned away so far."""
    return total(mesh.metrics(), "db_queries_total", outcome="rejected")


def statuses(mesh: AgentMesh, requests: Sequence[tuple[str, str, object]] = REQUESTS) -> list[int]:
    """The status of each of the requests."""
    return [
        (mesh.get(path) if method == "GET" else mesh.post(path, body))[0] for method, path, body in requests
    ]


def break_until_open(mesh: AgentMesh) -> None:
    """Ask until the breaker turns requests away."""
    before = rejected(mesh)
    wait_until(lambda: bool(mesh.get("/agents")) and rejected(mesh) > before, "the breaker opens")


def test_agents_and_tasks_can_be_created_listed_and_run(mesh: AgentMesh) -> None:
    """What is written is read back, and a run leaves the provider's answer."""
    status, agent = mesh.post("/agents", {"name": "Ada", "model": "large"})
    assert status == 201
    status, task = mesh.post(f"/agents/{agent['id']}/tasks", {"prompt": "Say hello"})
    assert status == 201
    assert [t["id"] for t in mesh.get(f"/agents/{agent['id']}/tasks")[1]] == [task["id"]]
    status, run = mesh.post(f"/tasks/{task['id']}/run")
    assert (status, run["result"]) == (200, "Done: Say hello")
    assert mesh.get(f"/tasks/{task['id']}")[1]["status"] == "done"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/agents", {"name": "Ada"}, 422),
        ("/agents", ["name", "model"], 422),
        ("/agents", {"name": "Ada", "model": "a\0b"}, 422),
        ("/agents", {"name": "A" * 5000, "model": "small"}, 422),
        ("/agents", {"name": "A" * 50_000, "model": "small"}, 413),
        ("/agents/nobody/tasks", {"prompt": "P"}, 404),
        ("/tasks/none/run", {}, 404),
        ("/nothing", {}, 404),
    ],
)
def test_wrong_requests_get_their_status_and_cost_no_database_error(
    mesh: AgentMesh, path: str, body: object, status: int
) -> None:
    """A mistake of the client is a 4xx and nothing else."""
    before = mesh.metrics()
    assert mesh.post(path, body)[0] == status
    after = mesh.metrics()
    assert total(after, "db_queries_total", outcome="error") == total(
        before, "db_queries_total", outcome="error"
    )
    count = total(after, "http_requests_total", code=str(status))
    assert count == total(before, "http_requests_total", code=str(status)) + 1


def test_every_request_is_served_while_the_database_is_gone(
    tmp_path: Path, toxiproxy: ToxiproxyServerProcess
) -> None:
    """Reads come from the cache, writes are accepted, and after the outage they are in the database."""
    with agentmesh(tmp_path, toxiproxy) as mesh:
        with mesh.outage("database"):
            break_until_open(mesh)
            assert statuses(mesh) == [200, 200, 200, 202, 202, 202]
            _, accepted = mesh.post("/agents/agent-3/tasks", {"prompt": "Later"})
            assert mesh.get("/health") == (200, {"status": "degraded"})
        wait_for_database(mesh)
        wait_until(lambda: mesh.get(f"/tasks/{accepted['id']}")[0] == 200, "the outbox is applied")
        assert statuses(mesh) == [200, 200, 200, 201, 201, 200]
        assert total(mesh.metrics(), "http_requests_total", code="503") == 0


def test_requests_ask_as_many_queries_with_the_database_as_without(mesh: AgentMesh) -> None:
    """So error shares compare: a rejected query counts, and is an error."""
    before = mesh.metrics()
    statuses(mesh)
    with_database = mesh.metrics()
    with mesh.outage("database"):
        break_until_open(mesh)
        opened = mesh.metrics()
        statuses(mesh)
        without = mesh.metrics()
    asked = total(with_database, "db_queries_total") - total(before, "db_queries_total")
    assert total(without, "db_queries_total") - total(opened, "db_queries_total") == asked
    turned_away = [total(page, "db_queries_total", outcome="rejected") for page in (opened, without)]
    assert turned_away[1] - turned_away[0] == asked


def test_a_hanging_database_costs_a_request_its_deadline_not_its_answer(mesh: AgentMesh) -> None:
    """A query that is never answered is given up, and the request is served all the same."""
    toxic = {"name": "hang", "type": "timeout", "stream": "downstream", "attributes": {"timeout": 0}}
    assert mesh.toxiproxy.call("POST", "/proxies/database/toxics", toxic)[0] == 200
    assert statuses(mesh) == [200, 200, 200, 202, 202, 202]
    assert total(mesh.metrics(), "db_queries_total", outcome="error") > 0
    mesh.toxiproxy.call("DELETE", "/proxies/database/toxics/hang")
    wait_for_database(mesh)


def test_without_resilience_requests_fail_while_the_database_is_gone(fragile: AgentMesh) -> None:
    """No cache, no outbox, no breaker: 503, and the queries are errors, none rejected."""
    assert statuses(fragile) == [200, 200, 200, 201, 201, 200]
    with fragile.outage("database"):
        assert statuses(fragile) == [503] * 6
        assert fragile.get("/health")[0] == 503
        page = fragile.metrics()
    assert total(page, "db_queries_total", outcome="error") >= 6
    assert total(page, "db_queries_total", outcome="rejected") == 0
    assert not (fragile.folder / "outbox").exists()


def test_runs_are_queued_while_the_provider_is_out_and_worked_off_later(mesh: AgentMesh) -> None:
    """A run without the provider is a 202, and done after it came back."""
    errors = total(mesh.metrics(), "db_queries_total", outcome="error")
    with mesh.outage("provider"):
        answers = [mesh.post(f"/tasks/task-{number}/run") for number in range(1, 9)]
        assert {status for status, _ in answers} == {202}
        assert {run["status"] for _, run in answers} == {"queued"}
        assert total(mesh.metrics(), "db_queries_total", outcome="error") == errors
    for number in range(1, 9):
        path = f"/tasks/task-{number}"
        wait_until(lambda path=path: mesh.get(path)[1]["status"] == "done", "queued runs are done")  # type: ignore[misc]


def test_without_resilience_a_run_fails_with_the_provider(fragile: AgentMesh) -> None:
    """Other requests do not need the provider."""
    with fragile.outage("provider"):
        assert statuses(fragile) == [200, 200, 200, 201, 201, 503]


def test_an_accepted_write_survives_the_api(mesh: AgentMesh) -> None:
    """What got its 202 is applied by the next process, though this one was killed."""
    with mesh.outage("database"):
        break_until_open(mesh)
        status, task = mesh.post("/agents/agent-1/tasks", {"prompt": "Survive"})
        assert status == 202
        assert mesh.api is not None
        os.kill(mesh.api.pid, signal.SIGKILL)
        mesh.api.wait()
    mesh.start_api()
    wait_until(lambda: mesh.get(f"/tasks/{task['id']}")[0] == 200, "the outbox is applied")


def test_the_page_equals_the_log_to_the_event(mesh: AgentMesh) -> None:
    """Cut where /metrics was rendered, the ground-truth logs hold exactly what the page counts."""
    statuses(mesh)
    with mesh.outage("database"):
        break_until_open(mesh)
        statuses(mesh)
    page = mesh.metrics()
    for code, count in mesh.logged("access.log", 2).items():
        assert total(page, "http_requests_total", code=code) == count
        assert total(page, "http_request_duration_seconds_count", code=code) == count
    assert mesh.logged("query.log", 1) == {
        outcome: total(page, "db_queries_total", outcome=outcome) for outcome in ("ok", "error", "rejected")
    }


def test_no_series_of_a_known_route_is_born_during_an_outage(mesh: AgentMesh) -> None:
    """All are there from the start at zero, so the first events of an outage are counted."""
    before = mesh.metrics()
    with mesh.outage("database"):
        break_until_open(mesh)
        statuses(mesh)
        assert mesh.metrics().keys() == before.keys()


@pytest.mark.parametrize("missing", ["DATABASE_URL", "PROVIDER_URL", "OUTBOX"])
def test_a_missing_setting_is_one_message(mesh: AgentMesh, missing: str) -> None:
    """The API says what to set, and does not start."""
    settings = {"DATABASE_URL": "postgresql://x", "PROVIDER_URL": "http://x", "OUTBOX": "/x", missing: ""}
    log = mesh.folder / f"without-{missing}.log"
    process = start("agentmesh.api", "--port", str(mesh.api_port), log=log, **settings)
    assert process.wait(30) == 1
    assert log.read_text() == f"agentmesh.api: set {missing}\n"


def test_a_taken_port_is_one_message(mesh: AgentMesh) -> None:
    """A second API on the port says so and ends; the first one serves on."""
    settings = {"DATABASE_URL": mesh.database_url, "PROVIDER_URL": "http://x", "OUTBOX": "/x"}
    log = mesh.folder / "third.log"
    second = start("agentmesh.api", "--port", str(mesh.api_port), log=log, **settings)
    assert second.wait(30) == 1
    assert log.read_text() == (
        f"agentmesh.api: cannot listen on 127.0.0.1:{mesh.api_port}: Address already in use\n"
    )
    assert mesh.get("/agents")[0] == 200


def test_a_database_that_does_not_answer_is_one_message(mesh: AgentMesh) -> None:
    """The API does not start without its database: a wrong address or password must not look like an outage."""
    settings = {
        "DATABASE_URL": mesh.database_url,
        "PROVIDER_URL": "http://x",
        "OUTBOX": str(mesh.folder / "other"),
    }
    log = mesh.folder / "fourth.log"
    api = start("agentmesh.api", "--port", str(free_port()), log=log, DATABASE_PASSWORD="wrong", **settings)
    assert api.wait(60) == 1
    assert log.read_text().startswith("agentmesh.api: the database did not answer within 10 s: ")
    assert "password authentication failed" in log.read_text()
    assert log.read_text().count("\n") == 1
