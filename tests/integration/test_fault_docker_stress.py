"""docker.cpu, docker.memory, docker.io: stress inside a container's control groups, whatever its image has."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from docker.models.containers import Container

from slochaos.errors import Refused, TargetNotAllowed
from slochaos.faults.docker.cpu import BurnInside
from slochaos.faults.host import cgroups
from slochaos.guard.client import ExperimentClient, Guard
from slochaos.spec.environment import Environment
from slochaos.spec.targets import AllowedContainers, Targets
from tests.docker_daemon import DockerDaemon
from tests.guarded import wait_until
from tests.integration.host_faults import kill, marked, marked_guard

MIB = 1024 * 1024
SHOP = {"app": "shop"}


@contextmanager
def docker_guard(folder: Path, docker: DockerDaemon) -> Iterator[tuple[Guard, ExperimentClient]]:
    groups = (AllowedContainers(docker.url, "shop", tuple(SHOP.items())),)
    environment = Environment("test", Path("environments/test.yaml"), targets=Targets(containers=groups))
    with marked_guard(folder, environment) as both:
        yield both


def stats(container: Container) -> Any:
    """What the daemon tells of it now."""
    return container.client.api.stats(container.id, stream=False, one_shot=True)


def cpu_used(container: Container, over_s: float) -> float:
    """CPU seconds per second of all that lives in the container's control group."""
    before, began = stats(container)["cpu_stats"]["cpu_usage"]["total_usage"], time.monotonic()
    time.sleep(over_s)
    after = stats(container)["cpu_stats"]["cpu_usage"]["total_usage"]
    return float((after - before) / 1e9 / (time.monotonic() - began))


def prefer(container: Container) -> None:
    """Let the group that holds the daemon's containers weigh more than what else runs on a busy machine."""
    container.reload()
    [group] = [
        each for each in cgroups.of(str(container.attrs["State"]["Pid"]), ("cpu",)) if not each.unified
    ]
    (group.folder.parent / "cpu.shares").write_text("262144", encoding="ascii")


def test_cpu_is_used_within_the_containers_limit(tmp_path: Path, docker: DockerDaemon) -> None:
    """A share of what the container may use, as far as its weight goes on a busy host; neighbours keep theirs."""
    shop = docker.server("shop", labels=SHOP, nano_cpus=500_000_000, cpu_shares=262_144)
    prefer(shop)
    beside = docker.server("beside")
    with docker_guard(tmp_path, docker) as (_, client):
        state = client.inject("cpu", "docker.cpu", {"target": "shop", "load": "80%"}, 4.0)
        assert all(shop.id in Path(f"/proc/{each.pid}/cgroup").read_text() for each in marked())
        assert cpu_used(shop, 2.0) == pytest.approx(0.4, abs=0.05)
        assert cpu_used(beside, 0.5) < 0.1
        ended = client.wait(state.id)
    assert ended.state == "undone"
    assert "% of a CPU (asked: 40 %)" in ended.evidence
    assert not marked()
    assert docker.get(shop, "/healthz") == (200, "ok\n")


def test_memory_is_charged_to_the_container(tmp_path: Path, docker: DockerDaemon) -> None:
    """Up to a share of its limit, of which the last tenth is never taken."""
    shop = docker.server("shop", labels=SHOP, mem_limit=128 * MIB, memswap_limit=128 * MIB)
    with docker_guard(tmp_path, docker) as (_, client):
        state = client.inject("memory", "docker.memory", {"target": "shop", "used": "80%"}, 1.5)
        assert stats(shop)["memory_stats"]["usage"] == pytest.approx(0.8 * 128 * MIB, rel=0.08)
        ended = client.wait(state.id)
        assert ended.state == "undone"
        assert ended.seen == ended.looks >= 1
        for asked in ({"used": "95%"}, {"amount": "200MiB"}):
            with pytest.raises(Refused, match="of the memory of the control group"):
                client.inject("memory", "docker.memory", {"target": "shop", **asked}, 1)
    assert stats(shop)["memory_stats"]["usage"] < 64 * MIB


def test_the_disk_below_is_kept_busy(tmp_path: Path, docker: DockerDaemon) -> None:
    """Writes into the container's root, and no file of it is left or even seen in there."""
    shop = docker.server("shop", labels=SHOP)
    with docker_guard(tmp_path, docker) as (_, client):
        state = client.inject("io", "docker.io", {"target": "shop"}, 1.5)
        assert wait_until(lambda: sum(each.io_counters().write_bytes for each in marked()) > MIB)
        ended = client.wait(state.id)
    assert ended.state == "undone"
    assert ended.seen >= 1
    assert "/s written" in ended.evidence
    assert not [change for change in shop.diff() or () if change["Kind"] != 0]


def test_it_ends_with_its_container(tmp_path: Path, docker: DockerDaemon) -> None:
    """A container that is stopped can be started again at once: nothing of ours stays in its groups. That is told."""
    shop = docker.server("shop", labels=SHOP)
    with docker_guard(tmp_path, docker) as (_, client):
        state = client.inject("cpu", "docker.cpu", {"target": "shop", "load": "10%"}, 30)
        shop.stop(timeout=1)
        assert wait_until(lambda: not marked())
        shop.start()
        docker.await_ready(shop)
        client.end_faults()
        ended = client.wait(state.id)
    assert ended.state == "superseded"
    assert ended.detail == "'shop' was stopped or restarted meanwhile"


def test_a_removed_container_is_gone(tmp_path: Path, docker: DockerDaemon) -> None:
    """There is nothing left to undo."""
    shop = docker.server("shop", labels=SHOP)
    with docker_guard(tmp_path, docker) as (_, client):
        state = client.inject("cpu", "docker.cpu", {"target": "shop", "load": "10%"}, 30)
        shop.remove(force=True)
        client.end_faults()
        assert client.wait(state.id).state == "gone"


def test_nothing_stays_in_the_container_when_the_guard_is_killed(
    tmp_path: Path, docker: DockerDaemon
) -> None:
    """The kernel ends the stress, and the container goes on as before."""
    shop = docker.server("shop", labels=SHOP)
    with docker_guard(tmp_path, docker) as (guard, client):
        client.inject("cpu", "docker.cpu", {"target": "shop", "load": "20%"}, 60)
        kill(guard)
        assert wait_until(lambda: not marked())
    assert docker.get(shop, "/healthz") == (200, "ok\n")


def test_a_container_of_another_machine_is_refused(docker: DockerDaemon) -> None:
    """A pid that the daemon tells means nothing where its processes are not ours to see: some other process has it."""
    shop = docker.server("shop", labels=SHOP)
    burn = BurnInside(
        tag="slochaos-elsewhere",
        expires=time.time() + 5,
        percent=10.0,
        workers=1,
        daemon=docker.url,
        container=str(shop.id),
        name="shop",
        started="",
        pid=os.getpid(),
    )
    with pytest.raises(Refused, match="are not on this host"):
        burn.perform()


def test_only_listed_containers_are_stressed(tmp_path: Path, docker: DockerDaemon) -> None:
    """Another group's name is refused."""
    docker.server("beside", labels={"app": "other"})
    with docker_guard(tmp_path, docker) as (_, client):
        with pytest.raises(TargetNotAllowed, match="does not allow faults on the containers 'other'"):
            client.inject("cpu", "docker.cpu", {"target": "other"}, 1)
        with pytest.raises(Refused, match="there is nothing that it could hit"):
            client.inject("cpu", "docker.cpu", {"target": "shop"}, 1)
