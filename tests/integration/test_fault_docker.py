"""Docker faults beyond what every fault promises: groups, daemons, locks, restart policies, exact limits."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import LockHeld, Refused, SlochaosError, TargetNotAllowed
from slochaos.faults.docker.lock import ContainerLock
from slochaos.guard.client import ExperimentClient, Guard, connect
from slochaos.guard.sweep import sweep
from slochaos.spec.environment import Caps, Environment
from slochaos.spec.targets import AllowedContainers, Targets
from tests.docker_daemon import BUSYBOX, DockerDaemon
from tests.guarded import make_config, wait_until

SHOP = {"role": "shop"}
MIB = 1024 * 1024


@contextmanager
def guarded(
    folder: Path, *daemons: DockerDaemon, run_id: str = "docker-run", spare: int = 0, **caps: Any
) -> Iterator[tuple[Guard, ExperimentClient]]:
    """A guard that may touch the shops of these daemons, as `shop`, `shop-1`, ..."""
    groups = tuple(
        AllowedContainers(daemon.url, f"shop-{number}" if number else "shop", tuple(SHOP.items()), spare)
        for number, daemon in enumerate(daemons)
    )
    environment = Environment(
        "docker",
        Path("docker.yaml"),
        targets=Targets(containers=groups),
        caps=Caps(**{"max_faults": 4, **caps}),
    )
    guard = Guard.start(make_config(folder, environment, run_id=run_id, kinds=("docker.pause",)))
    client = connect(guard.socket)
    try:
        yield guard, client
    finally:
        client.close()
        guard.finish()


def shops(daemon: DockerDaemon, count: int, **options: Any) -> list[Any]:
    """So many sleeping containers of the group."""
    return [daemon.busybox(name=f"shop-{number}", labels=SHOP, **options) for number in range(count)]


def paused(daemon: DockerDaemon) -> list[str]:
    """Names of the paused containers."""
    return sorted(each.name for each in daemon.client.containers.list(filters={"status": "paused"}))


@pytest.mark.parametrize(("hit", "expected"), [(1, 1), ("50%", 2), ("all", 4)])
def test_as_many_of_a_group_are_hit_as_were_asked_for(
    tmp_path: Path, docker: DockerDaemon, hit: Any, expected: int
) -> None:
    """By number, by share, or all of them; the others go on, and the result names those that were hit."""
    shops(docker, 4)
    with guarded(tmp_path, docker, max_targets=4, max_share_percent=100) as (_, client):
        state = client.inject("f", "docker.pause", {"target": "shop", "hit": hit}, 30)
        hit_now = paused(docker)
        assert len(hit_now) == expected
        assert all(name in state.target for name in hit_now)
        client.end_faults()
        assert paused(docker) == []


def test_the_blast_radius_is_bounded(tmp_path: Path, docker: DockerDaemon) -> None:
    """Too many at once, too large a share, too few left, and nobody there: each is refused with its reason."""
    with guarded(tmp_path, docker, spare=2, max_targets=2) as (_, client):
        cases: list[tuple[int, Any, str, str]] = [
            (0, 1, "no-target", "nothing that it could hit"),
            (2, 1, "redundancy", "2 have to stay untouched"),
            (4, 3, "cap", "allows 2"),
            (4, 5, "no-target", "there are 4"),
        ]
        for count, hit, reason, message in cases:
            docker.clear()
            shops(docker, count)
            with pytest.raises(Refused, match=message) as refused:
                client.inject("f", "docker.pause", {"target": "shop", "hit": hit}, 5)
            assert refused.value.reason == reason
            assert paused(docker) == []
    docker.clear()
    shops(docker, 3)
    with (
        guarded(tmp_path, docker, run_id="share") as (_, client),
        pytest.raises(Refused, match="50 % of a group"),
    ):
        client.inject("f", "docker.pause", {"target": "shop", "hit": 2}, 5)


def test_two_faults_of_one_run_do_not_take_the_last_one(tmp_path: Path, docker: DockerDaemon) -> None:
    """What the first has hit counts when the second asks, and the second hits somebody else."""
    shops(docker, 3)
    with guarded(tmp_path, docker, spare=1, max_share_percent=100) as (_, client):
        client.inject("one", "docker.pause", {"target": "shop"}, 30)
        client.inject("two", "docker.pause", {"target": "shop"}, 30)
        assert len(paused(docker)) == 2
        with pytest.raises(Refused, match="have to stay untouched"):
            client.inject("three", "docker.pause", {"target": "shop"}, 30)


def test_several_daemons_are_told_apart(
    tmp_path: Path, docker: DockerDaemon, second_docker: DockerDaemon
) -> None:
    """The same labels on two daemons are two groups."""
    shops(docker, 1)
    shops(second_docker, 1)
    with guarded(tmp_path, docker, second_docker) as (_, client):
        state = client.inject("f", "docker.pause", {"target": "shop-1"}, 30)
        assert (paused(docker), paused(second_docker)) == ([], ["shop-0"])
        client.end_faults()
        assert state.target.startswith("docker shop-1")


def test_another_runs_lock_is_respected_and_an_expired_one_is_not(
    tmp_path: Path, docker: DockerDaemon
) -> None:
    """The refusal names the run that holds the container; a sweep removes what has expired, and only that."""
    [shop] = shops(docker, 1)
    lock = ContainerLock(docker.url, "shop-0", shop.image.id)
    lock.held_by("other-run", int(time.time()) + 600, "there").perform()
    with guarded(tmp_path, docker) as (_, client), pytest.raises(LockHeld, match="other-run on host there"):
        client.inject("f", "docker.pause", {"target": "shop"}, 5)
    assert sweep([docker.url]) == []
    docker.client.containers.get("slochaos-lock-shop-0").remove()
    lock.held_by("dead-run", int(time.time()) - 1, "there").perform()
    with guarded(tmp_path, docker, run_id="next") as (_, client):
        client.inject("f", "docker.pause", {"target": "shop"}, 30)
        assert paused(docker) == ["shop-0"]
    lock.held_by("dead-run", int(time.time()) - 1, "there").perform()
    assert [each.what for each in sweep([docker.url])] == ["released the lock of run dead-run"]
    assert [each.name for each in docker.client.containers.list(all=True)] == ["shop-0"]


def test_what_a_restart_policy_brings_back_is_not_started_twice(tmp_path: Path, docker: DockerDaemon) -> None:
    """A killed container whose daemon restarts it was recovered by the daemon, which the result says."""
    [shop] = shops(docker, 1, restart_policy={"Name": "always"})
    with guarded(tmp_path, docker) as (_, client):
        state = client.wait(client.inject("f", "docker.kill", {"target": "shop"}, 2.0).id)
    shop.reload()
    assert (state.state, state.detail) == ("undone", "it runs again already")
    assert (shop.status, shop.attrs["RestartCount"]) == ("running", 1)


def test_a_stop_gives_the_grace_that_was_asked_for(tmp_path: Path, docker: DockerDaemon) -> None:
    """Busybox's shell ignores SIGTERM as the first process: it is killed when its second is over."""
    shops(docker, 1)
    with guarded(tmp_path, docker) as (_, client):
        began = time.monotonic()
        client.inject("f", "docker.stop", {"target": "shop", "grace": 1}, 0.2)
        assert 1.0 <= time.monotonic() - began < 9.0  # its own grace would be ten


@pytest.mark.parametrize("how", ["pause", "stop"])
def test_what_is_down_already_is_not_hit(tmp_path: Path, docker: DockerDaemon, how: str) -> None:
    """A container that somebody paused is refused; a stopped one is no member of its group."""
    [shop] = shops(docker, 1)
    getattr(shop, how)(**({"timeout": 0} if how == "stop" else {}))
    with guarded(tmp_path, docker) as (_, client), pytest.raises(Refused):
        client.inject("f", "docker.stop", {"target": "shop"}, 5)
    shop.reload()
    assert shop.status == {"pause": "paused", "stop": "exited"}[how]


@pytest.mark.parametrize(
    "options",
    [{}, {"nano_cpus": 10**9, "mem_limit": 256 * MIB}, {"cpu_quota": 80_000, "cpu_period": 100_000}],
)
def test_limits_are_restored_as_the_kernel_had_them(
    tmp_path: Path, docker: DockerDaemon, options: dict[str, Any]
) -> None:
    """With limits before and without, by either of the API's two ways to limit CPU time."""
    [shop] = shops(docker, 1, **options)
    before = kernel_limits(shop)
    with guarded(tmp_path, docker) as (_, client):
        asked = {"target": "shop", "cpus": "0.2", "memory": "32MiB"}
        client.inject("f", "docker.limits", asked, 30)
        during = kernel_limits(shop)
        client.end_faults()
    assert during["memory"] == 32 * MIB
    assert during["cpu"] == pytest.approx(0.2)
    assert kernel_limits(shop) == before


def kernel_limits(container: Any) -> dict[str, float]:
    """CPUs (-1 without a limit) and bytes, from the control groups of its first process (version 1)."""
    container.reload()
    groups: dict[str, str] = {}
    for line in Path(f"/proc/{container.attrs['State']['Pid']}/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        groups |= dict.fromkeys(names.split(","), path)
    cpu = Path(f"/sys/fs/cgroup/cpu{groups['cpu']}")
    memory = Path(f"/sys/fs/cgroup/memory{groups['memory']}")
    quota = int((cpu / "cpu.cfs_quota_us").read_text())
    period = int((cpu / "cpu.cfs_period_us").read_text())
    return {
        "cpu": -1 if quota < 0 else quota / period,
        "memory": int((memory / "memory.limit_in_bytes").read_text()),
        "swap": int((memory / "memory.memsw.limit_in_bytes").read_text()),
    }


def test_a_configured_address_and_its_names_come_back(tmp_path: Path, docker: DockerDaemon) -> None:
    """What was configured for a network is configured again; a published port answers again."""
    pool = __import__("docker").types.IPAMPool(subnet="10.99.0.0/24")
    ipam = __import__("docker").types.IPAMConfig(pool_configs=[pool])
    network = docker.client.networks.create("own", ipam=ipam)
    [shop] = shops(docker, 1)
    network.connect(shop, aliases=["the-shop"], ipv4_address="10.99.0.77")
    with guarded(tmp_path, docker) as (_, client):
        client.inject("f", "docker.disconnect", {"target": "shop", "network": "own"}, 30)
        shop.reload()
        assert "own" not in shop.attrs["NetworkSettings"]["Networks"]
        assert "bridge" in shop.attrs["NetworkSettings"]["Networks"]
        client.end_faults()
    shop.reload()
    endpoint = shop.attrs["NetworkSettings"]["Networks"]["own"]
    assert endpoint["IPAddress"] == "10.99.0.77"
    assert "the-shop" in endpoint["Aliases"]


def test_what_is_recorded_holds_no_secrets(tmp_path: Path, docker: DockerDaemon) -> None:
    """A container's environment is in none of the files that a run writes."""
    shops(docker, 1, environment={"PASSWORD": "hunter2-secret"})
    with guarded(tmp_path, docker) as (_, client):
        state = client.inject("f", "docker.pause", {"target": "shop"}, 30)
        written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert b"operations" in written
        assert b"hunter2" not in written
        assert "hunter2" not in json.dumps(vars(state), default=str)


def test_a_daemon_that_hangs_or_is_gone_is_told(tmp_path: Path, own_docker: DockerDaemon) -> None:
    """Each within seconds, by a message that names the daemon; nothing was injected."""
    shops(own_docker, 1)
    with guarded(tmp_path, own_docker) as (_, client):
        os.kill(own_docker.pid, signal.SIGSTOP)
        try:
            with pytest.raises(SlochaosError, match="did not"):
                client.inject("f", "docker.pause", {"target": "shop"}, 5)
        finally:
            os.kill(own_docker.pid, signal.SIGCONT)
        assert wait_until(lambda: paused(own_docker) == [])
    gone = AllowedContainers(f"unix://{tmp_path}/none.sock", "shop", tuple(SHOP.items()))
    environment = Environment("docker", Path("docker.yaml"), targets=Targets(containers=(gone,)))
    guard = Guard.start(make_config(tmp_path, environment, run_id="gone"))
    client = connect(guard.socket)
    try:
        with pytest.raises(SlochaosError, match=r"none\.sock"):
            client.inject("f", "docker.pause", {"target": "shop"}, 5)
    finally:
        client.close()
        guard.finish()


def test_a_group_that_is_not_listed_is_refused(tmp_path: Path, docker: DockerDaemon) -> None:
    """With the nearest name that is."""
    with (
        guarded(tmp_path, docker) as (_, client),
        pytest.raises(TargetNotAllowed, match="did you mean 'shop'"),
    ):
        client.inject("f", "docker.pause", {"target": "shpo"}, 5)
    assert docker.client.images.get(BUSYBOX)
