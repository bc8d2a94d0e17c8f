"""The kill test: whatever is killed, whenever, whatever the API does, nothing of ours stays behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.kill_campaign import Campaign, Case, Outcome, table
from tests.toxiproxy_servers import ToxiproxyServerProcess, start_embedded, start_real

AT_ONCE = 3
IN_TEST = 60
IN_SOAK = 1000


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, toxiproxy_server_binary: Path
) -> Iterator[list[ToxiproxyServerProcess]]:
    folder = tmp_path_factory.mktemp("servers")
    started = [
        start_embedded(folder / "embedded.log", "--allow-any-upstream"),
        start_real(folder / "real.log", toxiproxy_server_binary),
    ]
    yield started
    for server in started:
        server.end()


def run_cases(servers: list[ToxiproxyServerProcess], folder: Path, seeds: range) -> list[Outcome]:
    """Every case, half of them on each server, a few at a time."""
    campaign = Campaign(folder)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(lambda seed: campaign.on_proxy(Case.of(seed), servers[seed // 2 % 2]), seeds))


def check(outcomes: list[Outcome]) -> None:
    """Nothing of ours is left, nobody of the run lives on, the record tells, and the next run works."""
    print("\n" + table(outcomes))
    for outcome in outcomes:
        assert outcome.clean_s is not None, f"a fault was left behind: {outcome}"
        assert outcome.by != "nobody", f"a fault was left behind: {outcome}"
        assert outcome.left_processes == [], f"a process was left behind: {outcome}"
        assert outcome.recorded, f"the run left no record: {outcome}"
        assert outcome.next_exit == 0, f"the next run failed: {outcome}"


def test_nothing_survives_a_kill(servers: list[ToxiproxyServerProcess], tmp_path: Path) -> None:
    """Sixty seeded cases over every pair of victims and signal."""
    check(run_cases(servers, tmp_path, range(IN_TEST)))


@pytest.mark.soak
def test_nothing_survives_a_thousand_kills(servers: list[ToxiproxyServerProcess], tmp_path: Path) -> None:
    """The same, a thousand times; KILL_SEEDS=FROM-TO picks others."""
    first, _, last = os.environ.get("KILL_SEEDS", f"0-{IN_SOAK}").partition("-")
    check(run_cases(servers, tmp_path, range(int(first), int(last))))
