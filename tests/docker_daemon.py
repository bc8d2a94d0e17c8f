"""Docker daemons of the tests: each in a network namespace and a folder of its own, with images made from scratch.

A daemon (and every container of it) ends with this process, also when that is killed: see keeper.py. Its containers'
addresses and published ports are reachable from `daemon.namespace` only:

    container = daemon.server("shop")
    status, body = daemon.get(container, "/healthz")
    with daemon.namespace.connect(daemon.address(container), 7) as connection: ...
"""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import docker
import docker.errors
from docker.models.containers import Container

from tests.machine_tools import MachineTools, NoMachineTools, end_kept, keep
from tests.namespaces import NetworkNamespace
from tests.toxiproxy_servers import ROOT

READY_S = 60.0
BUSYBOX = "slochaos/busybox:test"
SERVER = "slochaos/server:test"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class DockerDaemon:
    """A running engine with the images BUSYBOX and SERVER (tests/container_server: HTTP on 8080, TCP echo on 7)."""

    socket: Path
    namespace: NetworkNamespace
    keeper: subprocess.Popen[bytes]

    @cached_property
    def client(self) -> docker.DockerClient:
        """Docker's own client, connected on first use."""
        return docker.DockerClient(base_url=self.url, timeout=30)

    @property
    def url(self) -> str:
        """Where its API is, as DOCKER_HOST says it."""
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int:
        """The process dockerd itself: to stop (SIGSTOP) or kill it."""
        children = Path(f"/proc/{self.keeper.pid}/task/{self.keeper.pid}/children").read_text().split()
        return int(children[0])

    def server(self, name: str | None = None, *, ready: bool = True, **options: Any) -> Container:
        """A started container of SERVER that answers; `options` as docker's containers.run takes them."""
        container = self.client.containers.run(SERVER, name=name, detach=True, **options)
        if ready:
            self.await_ready(container)
        return container

    def busybox(self, *command: str, name: str | None = None, **options: Any) -> Container:
        """A started container of BUSYBOX, by default one that sleeps (and does not end on SIGTERM)."""
        return self.client.containers.run(
            BUSYBOX, list(command) or ["sleep", "3600"], name=name, detach=True, **options
        )

    def address(self, container: Container, network: str = "bridge") -> str:
        """The container's present address in a network. KeyError if it is not connected."""
        container.reload()
        return str(container.attrs["NetworkSettings"]["Networks"][network]["IPAddress"])

    def get(
        self, container: Container, path: str, *, network: str = "bridge", timeout: float = 5
    ) -> tuple[int, str]:
        """Status and body of what a server container answers. OSError if it does not, in time."""
        return self.namespace.get(f"http://{self.address(container, network)}:8080{path}", timeout)

    def await_ready(self, container: Container, within_s: float = READY_S) -> None:
        """Return once a server container answers."""
        container.reload()
        network = next(iter(container.attrs["NetworkSettings"]["Networks"]))
        deadline = time.monotonic() + within_s
        while True:
            with suppress(OSError):
                if self.get(container, "/healthz", network=network, timeout=1) == (200, "ok\n"):
                    return
            assert time.monotonic() < deadline, (
                f"{container.name} does not answer: {container.logs().decode()}"
            )
            time.sleep(0.02)

    def clear(self) -> None:
        """Remove every container and network that a test made."""
        for container in self.client.containers.list(all=True):
            with suppress(docker.errors.NotFound):
                container.remove(force=True, v=True)
        self.client.networks.prune()
        self.client.volumes.prune()

    def end(self) -> None:
        """End the daemon and all that it started."""
        if "client" in vars(self):
            self.client.close()
        end_kept(self.keeper)


@contextmanager
def docker_daemon(tools: MachineTools) -> Iterator[DockerDaemon]:
    """A daemon with its images, for the length of the block. Raises NoMachineTools where Go is missing."""
    server = _server_binary()
    folder = Path(tempfile.mkdtemp(prefix="slochaos-docker-"))
    daemon = _start(tools, folder)
    try:
        _await_ready(daemon, folder / "log")
        _import(daemon.client, BUSYBOX, _busybox_tree(tools), 'CMD ["/bin/sh"]')
        _import(daemon.client, SERVER, _server_tree(server), 'ENTRYPOINT ["/container-server"]')
        yield daemon
    finally:
        daemon.end()


def _server_binary() -> Path:
    script = ROOT / "scripts/build_container_server.sh"
    built = subprocess.run([script], capture_output=True, text=True, check=False)
    if built.returncode:
        raise NoMachineTools(f"no server for containers: {built.stderr.strip()}")
    return Path(built.stdout.strip())


def _start(tools: MachineTools, folder: Path) -> DockerDaemon:
    group = f"slochaos-test-{os.getpid()}-{next(_numbers)}"
    (folder / "daemon.json").write_text("{}")  # and not the machine's own
    options = ["--new-net", "--cgroup", group, "--folder", str(folder)]
    daemon = [
        "dockerd",
        *("--host", f"unix://{folder / 'socket'}", "--config-file", str(folder / "daemon.json")),
        *("--data-root", str(folder / "data"), "--exec-root", str(folder / "run")),
        *("--pidfile", str(folder / "pid"), "--shutdown-timeout", "1"),
        *("--cgroup-parent", f"/{group}", "--exec-opt", "native.cgroupdriver=cgroupfs"),
    ]
    keeper = keep(tools, options, daemon, folder / "log")
    namespace = NetworkNamespace(Path(f"/proc/{keeper.pid}/ns/net"), tools)
    return DockerDaemon(folder / "socket", namespace, keeper)


def _await_ready(daemon: DockerDaemon, log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        with suppress(docker.errors.DockerException, OSError):
            if daemon.socket.exists() and daemon.client.ping():
                return
        told = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        assert daemon.keeper.poll() is None, f"dockerd ended: {told}"
        assert time.monotonic() < deadline, f"dockerd is not ready: {told}"
        time.sleep(0.05)


def _import(client: docker.DockerClient, image: str, tree: bytes, change: str) -> None:
    repository, _, tag = image.partition(":")
    answer = client.api.import_image_from_data(tree, repository=repository, tag=tag, changes=[change])
    assert "sha256:" in answer, answer


def _busybox_tree(tools: MachineTools) -> bytes:
    busybox = Path(tools.run("sh", "-c", "command -v busybox-static").strip())
    names = tools.run(str(busybox), "--list").split()
    with _tree() as (tree, data):
        _add(tree, "bin/busybox", busybox.read_bytes())
        for name in names:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "/bin/busybox"
            if name != "busybox":
                tree.addfile(link)
    return data.getvalue()


def _server_tree(binary: Path) -> bytes:
    with _tree() as (tree, data):
        _add(tree, "container-server", binary.read_bytes())
    return data.getvalue()


@contextmanager
def _tree() -> Iterator[tuple[tarfile.TarFile, io.BytesIO]]:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tree:
        for name in ("bin", "data", "etc", "tmp"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name in {"data", "tmp"} else 0o755
            tree.addfile(folder)
        yield tree, data


def _add(tree: tarfile.TarFile, name: str, content: bytes) -> None:
    program = tarfile.TarInfo(name)
    program.size, program.mode = len(content), 0o755
    tree.addfile(program, io.BytesIO(content))
