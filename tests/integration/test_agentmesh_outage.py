"""AgentMesh under the prober's load while its database is cut off: what the demo rests on."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from tests.agentmesh_system import (
    ENVIRONMENTS,
    PASSWORD,
    AgentMesh,
    agentmesh,
    call,
    end,
    start,
    total,
    wait_until,
)
from tests.toxiproxy_servers import ToxiproxyServerProcess, free_port

RATE = 100


def test_an_outage_under_load_costs_the_database_objective_alone(
    tmp_path: Path, toxiproxy: ToxiproxyServerProcess
) -> None:
    """Every request is answered 2xx throughout, and prober, page and log agree on how many there were."""
    with agentmesh(tmp_path, toxiproxy) as mesh:
        outcomes = probe_through_an_outage(mesh)
        page = mesh.metrics()
        codes = mesh.logged("access.log", 2)
        wait_until(lambda: total(mesh.metrics(), "outbox_entries") == 0, "the outbox is applied")
    assert set(outcomes) <= {"ok", "unsent"}
    assert outcomes["ok"] == codes.total() == total(page, "http_requests_total")
    assert set(codes) == {"200", "201", "202"}
    assert total(page, "db_queries_total", outcome="rejected") > RATE


def test_an_outage_under_load_fails_requests_without_resilience(
    tmp_path: Path, embedded_toxiproxy: ToxiproxyServerProcess
) -> None:
    """The same outage, and the prober sees the failures that the API counts."""
    with agentmesh(tmp_path, embedded_toxiproxy, "off") as mesh:
        outcomes = probe_through_an_outage(mesh)
        mesh.metrics()  # marks the log's end
        codes = mesh.logged("access.log", 2)
    assert set(outcomes) <= {"ok", "status", "unsent"}
    assert outcomes["status"] == codes["503"] > RATE
    assert outcomes["ok"] == codes.total() - codes["503"]


def probe_through_an_outage(mesh: AgentMesh) -> Counter[str]:
    """How the prober's requests ended, by outcome, with an outage of 3 s among them."""
    port, log = free_port(), mesh.folder / "probe.log"
    settings = [f"api=http://127.0.0.1:{mesh.api_port}", f"database={mesh.database_url}", f"rate={RATE}"]
    prober = start(
        "slochaos.prober",
        "--config",
        str(ENVIRONMENTS / "agentmesh" / "prober.yaml"),
        "--port",
        str(port),
        *(word for setting in settings for word in ("--set", setting)),
        log=mesh.folder / "prober.log",
        DATABASE_PASSWORD=PASSWORD,
        PROBE_LOG=str(log),
    )
    try:
        wait_until(lambda: call(port, "GET", "/health")[0] == 200, "the prober is ready")
        time.sleep(1)
        with mesh.outage("database"):
            time.sleep(3)
        wait_until(lambda: mesh.get("/health")[1] == {"status": "ok"}, "the API reaches its database")
        time.sleep(1)
    finally:
        end(prober)
    lines = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
    return Counter(words[4] for words in lines if words[1] == "request")
