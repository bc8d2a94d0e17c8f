"""Fixtures for the command as a user runs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.slochaos_command import Shell
from tests.e2e.small_system import SmallSystem, metrics_page
from tests.e2e.watched_shop import Shop
from tests.prometheus_servers import Binaries
from tests.toxiproxy_servers import ToxiproxyServerProcess


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """An empty folder to work in."""
    (tmp_path / "work").mkdir()
    (tmp_path / "state").mkdir()
    return Shell(tmp_path / "work", tmp_path / "state")


@pytest.fixture
def example(shell: Shell) -> Shell:
    """A folder with the example laid out."""
    answer = shell.slochaos("init", "--example")
    assert answer.code == 0, answer.err
    return shell


@pytest.fixture
def small_system(shell: Shell, embedded_toxiproxy: ToxiproxyServerProcess) -> Iterator[SmallSystem]:
    """A system behind one proxy of an external Toxiproxy, its files in the working folder."""
    with metrics_page() as upstream:
        host, port = embedded_toxiproxy.add_proxy("shop", upstream)
        system = SmallSystem(shell, embedded_toxiproxy, upstream, f"{host}:{port}")
        system.lay_out()
        yield system


@pytest.fixture(scope="session")
def shop(prometheus_binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for all tests, which only read."""
    shop = Shop(prometheus_binaries, tmp_path_factory.mktemp("shop"))
    yield shop
    shop.server.end()
