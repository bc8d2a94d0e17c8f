"""Marks of faults on dashboards, by a real Pushgateway."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from slochaos.spec.alerting import FAULT_MARK
from tests.e2e.small_system import SmallSystem, experiment
from tests.prometheus_servers import Binaries, ServerProcess, start_pushgateway

RUN = ("run", "experiments/down.json", "--environment", "shop", "--run-id", "marked")


@pytest.fixture
def gateway(pushgateway_binaries: Binaries, tmp_path: Path) -> Iterator[ServerProcess]:
    """A Pushgateway without metrics."""
    server = start_pushgateway(pushgateway_binaries, tmp_path / "pushgateway")
    try:
        yield server
    finally:
        server.end()


def marks(gateway: ServerProcess) -> list[str]:
    """The marks that a scrape would see."""
    return [line for line in str(gateway.get("/metrics")).splitlines() if line.startswith(FAULT_MARK)]


def test_a_fault_is_marked_until_it_expires_and_no_longer_than_the_run(
    small_system: SmallSystem, gateway: ServerProcess
) -> None:
    """While it is in force the gateway says until when, by environment, experiment, run and fault; then it forgets."""
    small_system.write("experiments/down.json", experiment({"duration": "20s"}, objectives={}))
    small_system.write(
        "environments/shop.yaml", small_system.environment(alerts={"pushgateway": gateway.url})
    )
    process = small_system.shell.start(*RUN)
    try:
        deadline = time.monotonic() + 30
        while not (found := marks(gateway)):
            assert time.monotonic() < deadline, "no mark came"
            time.sleep(0.05)
        process.terminate()
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait(timeout=10)

    (mark,) = found
    for label in ('environment="shop"', 'experiment="down"', 'fault="down"', 'run="marked"'):
        assert label in mark
    assert float(mark.split()[-1]) > time.time()
    assert marks(gateway) == []
    assert "Pushgateway" not in said


def test_a_gateway_that_hangs_costs_marks_and_nothing_else(small_system: SmallSystem) -> None:
    """The run passes, and says why there are no marks."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        small_system.write("environments/shop.yaml", small_system.environment(alerts={"pushgateway": url}))
        answer = small_system.shell.slochaos(*RUN)

    assert answer.code == 0, answer
    assert "no marks of faults on dashboards" in answer.err
