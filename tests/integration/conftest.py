"""What integration tests share: the small system under load, in a working folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.loaded_shop import LoadedShop, loaded_shop
from tests.toxiproxy_servers import ToxiproxyServerProcess
from tests.upstreams import Upstream


@pytest.fixture
def shop(
    tmp_path: Path,
    embedded_toxiproxy: ToxiproxyServerProcess,
    echo: Upstream,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[LoadedShop]:
    """The system, in the working directory, with a state folder of its own."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("SLOCHAOS_ENVIRONMENT", raising=False)
    with loaded_shop(folder, embedded_toxiproxy, echo.address) as system:
        yield system
