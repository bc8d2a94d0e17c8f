"""Fixtures for all tests: real servers (Toxiproxy, ours and theirs, and Prometheus), and what they talk to.

And what machine faults need: the programs, Docker daemons, namespaces. Where these cannot be had, their tests are
skipped with the reason on a desk, and fail in CI.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

from tests.docker_daemon import DockerDaemon, docker_daemon
from tests.known_targets import KnownTargets, known_targets
from tests.machine_tools import MachineTools, NoMachineTools, machine_tools
from tests.network_namespaces import NamespacePair, namespace_pair
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
from tests.user_mode_linux import FOLDER, INSIDE, UserModeLinux

# A shell starts its background jobs with these ignored, and a run respects that; the tests send them.
for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGQUIT, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

# A busy machine is no failure, and a failing example has to come again.
settings.register_profile("slochaos", deadline=None, derandomize=True)
settings.load_profile("slochaos")


# For another kernel: test_user_mode_linux.py runs them there.
collect_ignore = [] if INSIDE in os.environ else [str(FOLDER)]


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


@pytest.fixture(scope="session")
def terraform() -> Path:
    """Terraform, if it is installed: it cannot be had by the tests. Where it is not, as above."""
    found = shutil.which("terraform")
    return Path(found) if found else _do_without("there is no terraform on PATH")


@pytest.fixture
def targets() -> Iterator[KnownTargets]:
    """Pages for a Prometheus to scrape, whose counts are known."""
    with known_targets() as found:
        yield found


@pytest.fixture(scope="session", name="machine_tools")
def _machine_tools() -> MachineTools:
    """Programs for machine faults, to run from the test: `machine_tools.run("tc", ...)`."""
    try:
        return machine_tools()
    except NoMachineTools as error:
        _do_without(str(error))


@pytest.fixture
def tools_on_path(machine_tools: MachineTools, monkeypatch: pytest.MonkeyPatch) -> MachineTools:
    """The same on this test's PATH, for what finds them there: slochaos and its processes."""
    monkeypatch.setenv("PATH", machine_tools.path)
    return machine_tools


@pytest.fixture(scope="session")
def docker_engine(machine_tools: MachineTools) -> Iterator[DockerDaemon]:
    """The daemon of all tests of a session: take `docker`, which leaves nothing on it."""
    yield from _daemon(machine_tools)


@pytest.fixture(scope="session")
def second_docker_engine(machine_tools: MachineTools) -> Iterator[DockerDaemon]:
    """Another one, for `second_docker`."""
    yield from _daemon(machine_tools)


def _daemon(tools: MachineTools) -> Iterator[DockerDaemon]:
    try:
        with docker_daemon(tools) as daemon:
            yield daemon
    except NoMachineTools as error:
        _do_without(str(error))


@pytest.fixture
def docker(docker_engine: DockerDaemon) -> Iterator[DockerDaemon]:
    """A real Docker daemon with two images; what the test makes on it is removed after the test."""
    yield docker_engine
    docker_engine.clear()


@pytest.fixture
def second_docker(second_docker_engine: DockerDaemon) -> Iterator[DockerDaemon]:
    """Another daemon, for tests with several: same images, same addresses, another namespace."""
    yield second_docker_engine
    second_docker_engine.clear()


@pytest.fixture
def own_docker(machine_tools: MachineTools) -> Iterator[DockerDaemon]:
    """A daemon of this test alone (2 s), which it may stop, hang or kill."""
    yield from _daemon(machine_tools)


@pytest.fixture(scope="session")
def user_mode_linux(machine_tools: MachineTools) -> UserModeLinux:
    """Another kernel, with netem and cgroup v2, to run commands and tests in."""
    return UserModeLinux(machine_tools)


@pytest.fixture
def pair(tools_on_path: MachineTools) -> Iterator[NamespacePair]:
    """Two network namespaces of this test alone, a client's and a server's, joined by a cable."""
    with namespace_pair(tools_on_path) as joined:
        yield joined


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
