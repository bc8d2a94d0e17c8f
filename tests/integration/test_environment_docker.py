"""The tests' own Docker daemon does what tests of container faults rely on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.docker_daemon import DockerDaemon
from tests.machine_tools import MachineTools
from tests.toxiproxy_servers import ROOT


def test_server_container_answers_http_and_echoes_tcp(docker: DockerDaemon) -> None:
    """A server container answers HTTP on 8080 and echoes on 7, from the daemon's namespace."""
    container = docker.server("shop")
    assert docker.get(container, "/healthz") == (200, "ok\n")
    assert int(docker.get(container, "/cpu?ms=10")[1]) > 0
    with docker.namespace.connect(docker.address(container), 7) as connection:
        connection.sendall(b"hello")
        assert connection.recv(5) == b"hello"


def test_paused_container_does_not_answer(docker: DockerDaemon) -> None:
    """A paused server accepts connections at most, and answers again once it is unpaused."""
    container = docker.server()
    container.pause()
    with pytest.raises(TimeoutError):
        docker.get(container, "/healthz", timeout=0.3)
    container.unpause()
    assert docker.get(container, "/healthz")[0] == 200


def test_published_port_answers_in_the_namespace(docker: DockerDaemon) -> None:
    """A published port answers on the loopback of the daemon's namespace."""
    docker.server(ports={"8080/tcp": ("127.0.0.1", 18080)})
    assert docker.namespace.get("http://127.0.0.1:18080/healthz") == (200, "ok\n")


def test_containers_of_a_network_find_each_other_by_name(docker: DockerDaemon) -> None:
    """On a network of its own, one server reaches another by its name."""
    docker.client.networks.create("shopnet")
    docker.server("database", network="shopnet")
    front = docker.server("front", network="shopnet")
    found = docker.get(front, "/get?url=http://database:8080/healthz", network="shopnet")
    assert found == (200, "ok\n")


def test_busybox_container_runs_commands(docker: DockerDaemon) -> None:
    """The busybox image has a shell and its commands, and a memory limit kills what exceeds it."""
    assert docker.busybox().exec_run(["sh", "-c", "echo $((6 * 7))"]).output == b"42\n"
    greedy = docker.server(mem_limit="32m", memswap_limit="32m")
    with pytest.raises(OSError, match=r".*"):
        docker.get(greedy, "/memory?mb=64")
    assert greedy.wait(timeout=30)["StatusCode"] == 137
    greedy.reload()
    assert greedy.attrs["State"]["OOMKilled"] is True


def test_two_daemons_are_strangers(docker: DockerDaemon, second_docker: DockerDaemon) -> None:
    """A container of one daemon is not on the other, though name and address are the same."""
    one = docker.server("shop")
    other = second_docker.server("shop")
    other.kill()
    assert docker.get(one, "/healthz")[0] == 200
    assert [container.id for container in second_docker.client.containers.list(all=True)] == [other.id]


def test_daemon_can_hang(own_docker: DockerDaemon) -> None:
    """A stopped dockerd does not answer and its containers go on; continued, it knows them still."""
    container = own_docker.server()
    address = own_docker.address(container)
    os.kill(own_docker.pid, signal.SIGSTOP)
    assert own_docker.namespace.get(f"http://{address}:8080/healthz")[0] == 200
    os.kill(own_docker.pid, signal.SIGCONT)
    container.reload()
    assert container.status == "running"


KILLED = """
import os, signal
from tests.docker_daemon import docker_daemon
from tests.machine_tools import machine_tools
with docker_daemon(machine_tools()) as daemon:
    container = daemon.server()
    container.pause()
    print(daemon.keeper.pid, daemon.socket.parent, container.id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_is_left_of_a_killed_test(machine_tools: MachineTools) -> None:
    """When the process of the tests is killed, its daemon, paused container, folder and cgroups go too."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    keeper, folder, container = killed.stdout.split()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{keeper}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(folder).exists()
    assert not [str(group) for group in Path("/sys/fs/cgroup").glob(f"*/*/{container}")]
    mentioned = subprocess.run(["pgrep", "-f", container], capture_output=True, text=True, check=False)
    assert mentioned.stdout == ""
