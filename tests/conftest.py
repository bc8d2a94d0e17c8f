"""Fixtures for all tests: real servers (Toxiproxy, ours and theirs, and Prometheus), and what they talk to."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from tests.known_targets import KnownTargets, known_targets
from tests.prometheus_servers import Binaries, NoPrometheus, binaries
from tests.toxiproxy_servers import (
    ROOT,
    NoGo,
    ToxiproxyServerProcess,
    real_binary,
    start_embedded,
    start_real,
)
from tests.upstreams import Upstream, echo_server

# A shell starts its background jobs with SIGINT ignored, and a run respects that; the tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no failure, and a failing example has to come again.
settings.register_profile("slochaos", deadline=None, derandomize=True)
settings.load_profile("slochaos")


@pytest.fixture(scope="session")
def toxiproxy_server_binary() -> Path:
    """The real toxiproxy-server. Without Go its tests are skipped on a desk, and fail in CI."""
    try:
        return real_binary()
    except NoGo as error:
        _do_without(str(error))


@pytest.fixture(scope="session")
def prometheus_binaries() -> Binaries:
    """The real Prometheus and its relatives, for prometheus_servers. Where they cannot be had, as above."""
    try:
        return binaries()
    except NoPrometheus as error:
        _do_without(str(error))


@pytest.fixture(scope="session")
def alertmanager_binaries(prometheus_binaries: Binaries) -> Binaries:
    """The same, where there is an Alertmanager that starts: Debian's needs to be installed, Go builds one."""
    return _with(prometheus_binaries, "alertmanager")


@pytest.fixture(scope="session")
def pushgateway_binaries(prometheus_binaries: Binaries) -> Binaries:
    """The same, where there is a Pushgateway: it comes from Debian only."""
    return _with(prometheus_binaries, "pushgateway")


def _with(found: Binaries, name: str) -> Binaries:
    try:
        found.path(name)
    except NoPrometheus as error:
        _do_without(str(error))
    return found


@pytest.fixture(scope="session")
def grafana_check() -> Path:
    """The strict reader of dashboards of Grafana's own SDK, built on first use. Where it cannot be built, as above."""
    script = ROOT / "scripts/build_grafana_check.sh"
    built = subprocess.run([script], capture_output=True, text=True, check=False)
    if built.returncode:
        _do_without(f"{script.name} failed: {built.stderr.strip()}")
    return Path(built.stdout.strip())


@pytest.fixture
def targets() -> Iterator[KnownTargets]:
    """Pages for a Prometheus to scrape, whose counts are known."""
    with known_targets() as found:
        yield found


def _do_without(reason: str) -> NoReturn:
    if os.environ.get("CI", "").lower() in {"true", "1"}:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def embedded_toxiproxy(tmp_path: Path) -> Iterator[ToxiproxyServerProcess]:
    """The embedded server, without proxies, on a free port."""
    server = start_embedded(tmp_path / "embedded-toxiproxy.log")
    try:
        yield server
    finally:
        server.end()


@pytest.fixture
def real_toxiproxy(tmp_path: Path, toxiproxy_server_binary: Path) -> Iterator[ToxiproxyServerProcess]:
    """The real server, without proxies, on a free port."""
    server = start_real(tmp_path / "real-toxiproxy.log", toxiproxy_server_binary)
    try:
        yield server
    finally:
        server.end()


@pytest.fixture(params=["embedded", "real"])
def toxiproxy(request: pytest.FixtureRequest) -> ToxiproxyServerProcess:
    """Each test that takes it runs on both servers."""
    server = request.getfixturevalue(f"{request.param}_toxiproxy")
    assert isinstance(server, ToxiproxyServerProcess)
    return server


@pytest.fixture
def echo() -> Iterator[Upstream]:
    """A TCP server that sends back what it gets and closes when its client does."""
    with echo_server() as upstream:
        yield upstream
