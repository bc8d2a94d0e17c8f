"""One rig for each kind of fault: a real target, eyes on it that are not slochaos's, and an operator who meddles.

The contract of all faults (test_fault_contract.py) and the kill campaign run on these. To add a fault, add its rig
to RIGS: a kind without one fails the contract.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest

from slochaos.faults import prepare
from slochaos.faults.fault import Ticket
from slochaos.faults.host.io import SPAN
from slochaos.faults.host.room import host_memory
from slochaos.faults.host.stress import usable_cpus
from slochaos.faults.injection import Injection
from slochaos.faults.operation import Operation
from slochaos.spec.environment import Caps, Environment
from slochaos.spec.targets import (
    AllowedContainers,
    AllowedFolder,
    AllowedHost,
    AllowedNetwork,
    AllowedProcesses,
    Targets,
)
from tests.docker_daemon import DockerDaemon
from tests.guarded import Target, changes_of, make_target, wait_until
from tests.integration.host_faults import file_system
from tests.network_namespaces import NamespacePair
from tests.toxiproxy_servers import ToxiproxyServerProcess

EFFECT_S = 3.0


class Rig(ABC):
    """A target of one kind of fault, and an untouched neighbour beside it."""

    kind: ClassVar[str]
    parameters: ClassVar[dict[str, Any]] = {}
    expires: ClassVar[bool] = True
    """Whether it ends by itself when no process of ours lives."""
    replaceable: ClassVar[bool] = True
    """Whether its target can be removed, or replaced by another of the same name."""

    @abstractmethod
    def targets(self) -> Targets:
        """The allow-list that names the target."""

    @abstractmethod
    def state(self) -> Any:
        """What the target is like, as its own tools tell it: compared before and after."""

    @abstractmethod
    def neighbour(self) -> Any:
        """The same of the neighbour."""

    @abstractmethod
    def hit(self) -> bool:
        """Whether the fault's effect is felt now."""

    def meddle(self) -> None:
        """What an operator does who ends the fault by hand, and then wants to keep what he made."""
        raise NotImplementedError

    def remove(self) -> None:
        """Remove the target."""
        raise NotImplementedError

    def replace(self) -> Any:
        """Put another of the same name in its place; gives that one's state."""
        raise NotImplementedError

    def file(self) -> dict[str, Any]:
        """The `targets` of an environment's file that say what `targets` says."""
        raise NotImplementedError

    def environment(self) -> Environment:
        """An environment that allows the fault."""
        return Environment(
            "rig", Path("environments/rig.yaml"), targets=self.targets(), caps=Caps(max_faults=4)
        )

    def injection(self, lasts_s: float = 60.0) -> Injection:
        """The fault, ready."""
        ticket = Ticket(f"rig-{time.time_ns()}", 1, int(time.time() + lasts_s))
        return prepare(self.kind, self.parameters, self.environment(), ticket)

    def operation(self, lasts_s: float = 60.0) -> Operation:
        """Its one change."""
        [change] = changes_of(self.injection(lasts_s))
        return change


class ProxyRig(Rig):
    """A proxy of a real Toxiproxy."""

    kind = "toxiproxy"
    expires = False  # the real server has no clock for it; a sweep has

    def __init__(self, server: ToxiproxyServerProcess, name: str = "database") -> None:
        self.server = server
        self.target: Target = make_target(server, name=name)
        make_target(server, name=f"{name}-neighbour")
        self._name = name
        self.server.add_toxic(f"{name}-neighbour", "latency", latency=1)

    def targets(self) -> Targets:
        return Targets((self.target.allowed,))

    def file(self) -> dict[str, Any]:
        allowed = self.target.allowed
        proxy = {"name": allowed.name, "listen": allowed.listen, "upstream": allowed.upstream}
        return {"toxiproxy": [{"server": allowed.server, "proxies": [proxy]}]}

    def state(self) -> Any:
        return self.target.state()

    def neighbour(self) -> Any:
        return self.server.call("GET", f"/proxies/{self._name}-neighbour")[1]

    def remove(self) -> None:
        self.server.call("DELETE", f"/proxies/{self._name}")

    def replace(self) -> Any:
        self.remove()
        listen = self.target.allowed.listen
        self.server.call(
            "POST", "/proxies", {"name": self._name, "listen": listen, "upstream": "127.0.0.1:11"}
        )
        return self.state()


class OutageRig(ProxyRig):
    """The proxy down."""

    parameters: ClassVar[dict[str, Any]] = {"proxy": "database", "enabled": False}

    def state(self) -> Any:
        """Without the tag by which the outage is known to be ours: it holds nothing up."""
        state = super().state()
        return {**state, "toxics": [each for each in state["toxics"] if "-down-x" not in each["name"]]}

    def hit(self) -> bool:
        return not self.state()["enabled"]

    def meddle(self) -> None:
        self.server.call("POST", f"/proxies/{self._name}", {"enabled": True})


class ToxicRig(ProxyRig):
    """A toxic on the proxy."""

    parameters: ClassVar[dict[str, Any]] = {
        "proxy": "database",
        "toxics": [{"type": "latency", "attributes": {"latency": 50}}],
    }

    def hit(self) -> bool:
        return bool(self.state()["toxics"])

    def meddle(self) -> None:
        for toxic in self.state()["toxics"]:
            self.server.call("DELETE", f"/proxies/{self._name}/toxics/{toxic['name']}")


class ContainerRig(Rig):
    """A server container, and another one beside it."""

    expires = False

    def __init__(self, daemon: DockerDaemon) -> None:
        self.daemon = daemon
        self.network = daemon.client.networks.create("rig")
        self._create()
        self._other = daemon.server("neighbour", labels={"rig": "no"}, network="rig")

    def targets(self) -> Targets:
        return Targets(containers=(AllowedContainers(self.daemon.url, "shop", (("rig", "yes"),)),))

    def file(self) -> dict[str, Any]:
        group = {"name": "shop", "labels": {"rig": "yes"}}
        return {"docker": [{"daemon": self.daemon.url, "containers": [group]}]}

    def state(self) -> Any:
        return self._about("shop")

    def neighbour(self) -> Any:
        return self._about("neighbour")

    def hit(self) -> bool:
        container = self.daemon.client.containers.get("shop")
        if container.status != "running":
            return True
        with suppress(OSError, KeyError, AssertionError):  # one that just died may have no address any more
            return self.daemon.get(container, "/healthz", network="rig", timeout=0.5) != (200, "ok\n")
        return True

    def remove(self) -> None:
        self.daemon.client.containers.get("shop").remove(force=True)

    def replace(self) -> Any:
        self.remove()
        self._create()
        return self.state()

    def _create(self) -> None:
        self.daemon.server("shop", labels={"rig": "yes"}, network="rig")

    def _about(self, name: str) -> Any:
        about = self.daemon.client.api.inspect_container(name)
        limits = {
            key: _limit(about["HostConfig"][key]) for key in ("NanoCpus", "CpuQuota", "Memory", "MemorySwap")
        }
        networks = {
            network: sorted(set(each["Aliases"] or ()) - {about["Id"][:12]})
            for network, each in about["NetworkSettings"]["Networks"].items()
        }
        locks = [
            each["Names"]
            for each in self.daemon.client.api.containers(all=True)
            if each["Names"][0] == f"/slochaos-lock-{name}"
        ]
        return {
            "id": about["Id"],
            "running": about["State"]["Running"],
            "paused": about["State"]["Paused"],
            "limits": limits,
            "networks": networks,
            "locks": locks,
        }


def _limit(value: int | None) -> int:
    """Docker has several words for no limit."""
    return 0 if value is None or value <= 0 or value >= 2**63 - 4096 else value


class PauseContainerRig(ContainerRig):
    """A container frozen."""

    kind = "docker.pause"
    parameters: ClassVar[dict[str, Any]] = {"target": "shop"}

    def meddle(self) -> None:
        self.daemon.client.containers.get("shop").unpause()


class StopContainerRig(ContainerRig):
    """A container stopped."""

    kind = "docker.stop"
    parameters: ClassVar[dict[str, Any]] = {"target": "shop", "grace": 1}

    def meddle(self) -> None:
        container = self.daemon.client.containers.get("shop")
        container.start()
        container.stop(timeout=0)


class KillContainerRig(StopContainerRig):
    """A container killed."""

    kind = "docker.kill"
    parameters: ClassVar[dict[str, Any]] = {"target": "shop"}


class RestartContainerRig(StopContainerRig):
    """A container restarted: what is felt is over when it answers again."""

    kind = "docker.restart"
    _before = ""

    def hit(self) -> bool:
        started = self.daemon.client.api.inspect_container("shop")["State"]["StartedAt"]
        self._before = self._before or started
        return bool(started != self._before)


class DisconnectContainerRig(ContainerRig):
    """A container off its network."""

    kind = "docker.disconnect"
    parameters: ClassVar[dict[str, Any]] = {"target": "shop"}

    def _create(self) -> None:
        container = self.daemon.server("shop", labels={"rig": "yes"}, network="rig")
        self.network.disconnect(container)
        self.network.connect(container, aliases=["the-shop"])

    def meddle(self) -> None:
        self.network.connect("shop", aliases=["the-shop"])


class LimitsContainerRig(ContainerRig):
    """A container with less CPU and memory."""

    kind = "docker.limits"
    parameters: ClassVar[dict[str, Any]] = {"target": "shop", "cpus": "0.1", "memory": "32MiB"}

    def hit(self) -> bool:
        return bool(self.state()["limits"]["Memory"] == 32 * 1024 * 1024)

    def meddle(self) -> None:
        self.daemon.client.containers.get("shop").update(
            cpu_quota=55_000, mem_limit=48 << 20, memswap_limit=48 << 20
        )


class ProcessRig(Rig):
    """A process that counts up in a file, and another one beside it."""

    parameters: ClassVar[dict[str, Any]] = {"target": "worker"}

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self.worker, self.other = self._start("worker"), self._start("neighbour")

    def close(self) -> None:
        """End the rig's processes."""
        for process in self._started:
            process.kill()
            process.wait()
        for restarted in _named(self._program("worker")):
            restarted.kill()

    def targets(self) -> Targets:
        return Targets(processes=(self._entry(),))

    def file(self) -> dict[str, Any]:
        entry = self._entry()
        return {
            "processes": [
                {
                    "name": entry.name,
                    "executable": entry.executable,
                    "arguments": list(entry.arguments),
                    "restart": list(entry.restart),
                }
            ]
        }

    def environment(self) -> Environment:
        import yaml

        path = self.folder / "rig.yaml"
        path.write_text(yaml.safe_dump({"name": "rig", "targets": self.file()}))
        return replace(super().environment(), path=path)

    def state(self) -> Any:
        running = _named(self._program("worker"))
        return {"running": len(running), "advances": self._advances("worker")}

    def neighbour(self) -> Any:
        return {"pid": self.other.pid, "advances": self._advances("neighbour")}

    def _entry(self) -> AllowedProcesses:
        program = self._program("worker")
        return AllowedProcesses(
            "worker",
            executable=str(Path(sys.executable).resolve()),
            arguments=(program,),
            restart=(sys.executable, str(self.folder / "start.py"), sys.executable, program),
        )

    def _program(self, name: str) -> str:
        return str(self.folder / f"{name}.py")

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        path, counter = Path(self._program(name)), self.folder / f"{name}.count"
        path.write_text(
            "import time\nn = 0\nwhile True:\n    n += 1\n"
            f"    open({str(counter)!r}, 'w').write(str(n))\n    time.sleep(0.01)\n"
        )
        starter = "import subprocess, sys\nsubprocess.Popen(sys.argv[1:], start_new_session=True)\n"
        (self.folder / "start.py").write_text(starter)
        process = subprocess.Popen([sys.executable, str(path)])
        self._started.append(process)
        assert wait_until(lambda: self._advances(name))
        return process

    def _advances(self, name: str) -> bool:
        counter = self.folder / f"{name}.count"
        with suppress(OSError):
            before = counter.read_text()
            time.sleep(0.1)
            return counter.read_text() != before
        return False


class PauseProcessRig(ProcessRig):
    """A process held still."""

    kind = "process.pause"

    def hit(self) -> bool:
        return not self._advances("worker")

    def remove(self) -> None:
        self.worker.kill()
        self.worker.wait()

    def replace(self) -> Any:
        self.remove()
        self.worker = self._start("worker")
        return self.state()


class KillProcessRig(ProcessRig):
    """A process killed, and restarted by the environment's command."""

    kind = "process.kill"
    expires = False
    replaceable = False  # dead is what it is meant to be

    def hit(self) -> bool:
        return not _named(self._program("worker"))


def _named(program: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if program in process.cmdline()[1:2] and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


class NetworkRig(Rig):
    """A client's namespace and a server's; rules of somebody else are there already."""

    def __init__(self, pair: NamespacePair) -> None:
        self.pair = pair
        pair.client.run("nft", "-f", "-", stdin="table inet theirs {\nchain c {\ncounter\n}\n}\n")

    def targets(self) -> Targets:
        return Targets(networks=(self._entry(),))

    def file(self) -> dict[str, Any]:
        entry = self._entry()
        return {
            "networks": [
                {
                    "name": entry.name,
                    "namespace": entry.namespace,
                    "peer": entry.peer,
                    "port": entry.port,
                    "protocol": entry.protocol,
                }
            ]
        }

    def state(self) -> Any:
        tables = self.pair.client.run("nft", "list", "tables").splitlines()
        rules = self.pair.client.run("iptables", "-t", "mangle", "-S", "POSTROUTING").splitlines()
        return {"tables": [each for each in tables if "slochaos" in each], "rules": rules}

    def neighbour(self) -> Any:
        theirs = self.pair.client.run("nft", "list", "table", "inet", "theirs")
        return theirs, self.pair.get("/healthz")

    def _entry(self) -> AllowedNetwork:
        pair = self.pair
        return AllowedNetwork(
            "shop", f"{pair.server_address}/32", pair.servers.echo_port, "tcp", str(pair.client.path)
        )

    def meddle(self) -> None:
        for table in self.state()["tables"]:
            self.pair.client.run("nft", "delete", *table.split())

    def _times(self, timeout: float = 1.0) -> list[float] | None:
        with suppress(OSError):
            return sorted(self.pair.round_trips(20, timeout=timeout).times_s)
        return None

    def remove(self) -> None:
        raise NotImplementedError

    replaceable = False  # a namespace lives on in the processes that are in it


class LossRig(NetworkRig):
    """Half of the packets lost."""

    kind = "network.loss"
    parameters: ClassVar[dict[str, Any]] = {"target": "shop", "loss": "50%"}

    def hit(self) -> bool:
        times = self._times()
        return times is None or times[-1] > 0.1  # lost segments are sent again after 0.2 s


class BlackholeRig(NetworkRig):
    """All packets lost."""

    kind = "network.blackhole"
    parameters: ClassVar[dict[str, Any]] = {"target": "shop"}

    def hit(self) -> bool:
        return self._times(0.5) is None


class BandwidthRig(NetworkRig):
    """A narrow line."""

    kind = "network.bandwidth"
    parameters: ClassVar[dict[str, Any]] = {"target": "shop", "rate": "1 Mbit/s"}

    def hit(self) -> bool:
        with suppress(OSError):
            began = time.monotonic()
            self.pair.round_trips(4, size=200_000, timeout=5)
            return time.monotonic() - began > 1.0  # 0.8 MB each way
        return True


class LatencyRig(NetworkRig):
    """Packets held."""

    kind = "network.latency"
    parameters: ClassVar[dict[str, Any]] = {"target": "shop", "delay": "50ms"}

    def hit(self) -> bool:
        times = self._times()
        return times is not None and times[len(times) // 2] > 0.045

    def meddle(self) -> None:
        self.pair.client.run("iptables", "-t", "mangle", "-F", "POSTROUTING")


class StressRig(Rig):
    """Processes that use something up. They are known by what they were asked: numbers that no other test has."""

    replaceable = False  # there is one host

    def stressors(self) -> list[psutil.Process]:
        """Those that live, found by their command lines."""
        wanted = list(self.asked())
        return [each for each in _running() if each.info["cmdline"][-len(wanted) :] == wanted]

    @abstractmethod
    def asked(self) -> tuple[str, ...]:
        """How the command line of its stressor ends."""

    def hit(self) -> bool:
        return bool(self.stressors())

    def meddle(self) -> None:
        for each in self.stressors():
            with suppress(psutil.NoSuchProcess):
                each.kill()
        assert wait_until(lambda: not self.stressors())


class HostRig(StressRig):
    """This host, and an unrelated process that sleeps on it."""

    allowed: ClassVar[dict[str, Any]] = {}

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._other = subprocess.Popen(["sleep", "600"])

    def close(self) -> None:
        """End the rig's process."""
        self._other.kill()
        self._other.wait()

    def targets(self) -> Targets:
        return Targets(host=AllowedHost(**self.allowed))

    def file(self) -> dict[str, Any]:
        return {"host": dict(self.allowed)}

    def state(self) -> Any:
        return len(self.stressors())

    def neighbour(self) -> Any:
        return self._other.poll(), psutil.Process(self._other.pid).nice()


class CpuRig(HostRig):
    """CPU time."""

    kind = "host.cpu"
    allowed: ClassVar[dict[str, Any]] = {"cpu": True}
    parameters: ClassVar[dict[str, Any]] = {"load": f"10.{os.getpid() % 10**6:06}%", "workers": 1}

    def asked(self) -> tuple[str, ...]:
        return ("cpu", str(float(Fraction(self.parameters["load"][:-1])) / 100), "1")


class MemoryRig(HostRig):
    """Memory."""

    kind = "host.memory"
    allowed: ClassVar[dict[str, Any]] = {"memory": True}
    parameters: ClassVar[dict[str, Any]] = {"amount": (32 << 20) + os.getpid()}

    def asked(self) -> tuple[str, ...]:
        return ("memory", str(self.parameters["amount"]), str(host_memory().reserve))


class DiskRig(HostRig):
    """The space of a small file system, which a file of somebody else shares."""

    kind = "host.disk"
    parameters: ClassVar[dict[str, Any]] = {"target": "scratch", "leave": "0%"}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._mounted = ExitStack()
        self.point = self._mounted.enter_context(file_system("ext4", folder / "scratch", 96 << 20))
        (self.point / "theirs").write_bytes(b"x" * 100_000)

    def close(self) -> None:
        self._mounted.close()
        super().close()

    def targets(self) -> Targets:
        return Targets(host=AllowedHost(folders=(AllowedFolder("scratch", str(self.point), True),)))

    def file(self) -> dict[str, Any]:
        folder = {"name": "scratch", "path": str(self.point), "to_the_brim": True}
        return {"host": {"folders": [folder]}}

    def asked(self) -> tuple[str, ...]:
        return ("space", str(self.point), "0")

    def state(self) -> Any:
        free = os.statvfs(self.point).f_bavail
        return super().state(), free, sorted(path.name for path in self.point.iterdir())

    def neighbour(self) -> Any:
        return super().neighbour(), (self.point / "theirs").read_bytes()


class IoRig(DiskRig):
    """The disk below it."""

    kind = "host.io"
    parameters: ClassVar[dict[str, Any]] = {"target": "scratch"}

    def asked(self) -> tuple[str, ...]:
        return ("io", str(self.point), "1", str(SPAN))


class StressContainerRig(ContainerRig, StressRig):
    """A container whose share of the host is used up."""

    expires = True
    replaceable = True

    def hit(self) -> bool:
        return StressRig.hit(self)

    def state(self) -> Any:
        return {**super().state(), "stressors": len(self.stressors())}


class CpuContainerRig(StressContainerRig):
    """Its CPU time."""

    kind = "docker.cpu"
    parameters: ClassVar[dict[str, Any]] = {"target": "shop", "load": f"10.{os.getpid() % 10**6:06}%"}

    def asked(self) -> tuple[str, ...]:
        share = float(100 * (Fraction(self.parameters["load"][:-1]) / 100)) / 100
        return ("cpu", str(share), str(usable_cpus()))


class MemoryContainerRig(StressContainerRig):
    """Its memory."""

    kind = "docker.memory"
    parameters: ClassVar[dict[str, Any]] = {"target": "shop", "amount": (33 << 20) + os.getpid()}

    def asked(self) -> tuple[str, ...]:
        return ("memory", str(self.parameters["amount"]), str(host_memory().reserve))


class IoContainerRig(StressContainerRig):
    """The disk below it."""

    kind = "docker.io"
    parameters: ClassVar[dict[str, Any]] = {"target": "shop"}

    def asked(self) -> tuple[str, ...]:
        pid = self.daemon.client.api.inspect_container("shop")["State"]["Pid"]
        return ("io", f"/proc/{pid}/root", "1", str(SPAN))


def _running() -> list[psutil.Process]:
    """All living processes, with their command lines."""
    found = psutil.process_iter(["cmdline", "status"])
    return [each for each in found if each.info["cmdline"] and each.info["status"] != psutil.STATUS_ZOMBIE]


RIGS: dict[str, type[Rig]] = {
    "toxiproxy outage": OutageRig,
    "toxiproxy latency": ToxicRig,
    **{
        rig.kind: rig
        for rig in (
            PauseContainerRig,
            StopContainerRig,
            KillContainerRig,
            RestartContainerRig,
            DisconnectContainerRig,
            LimitsContainerRig,
            PauseProcessRig,
            KillProcessRig,
            LossRig,
            BlackholeRig,
            BandwidthRig,
            LatencyRig,
            CpuRig,
            MemoryRig,
            DiskRig,
            IoRig,
            CpuContainerRig,
            MemoryContainerRig,
            IoContainerRig,
        )
    },
}
"""Every kind of fault, by the name of its rig."""

WITHOUT = {"nothing": "it changes nothing"}
"""Kinds that need no rig, and why."""


@contextmanager
def rigged(name: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Rig]:
    """The rig of that name, on what it needs, for the length of the block."""
    made: Callable[..., Any] = RIGS[name]
    with ExitStack() as stack:
        if issubclass(RIGS[name], ProxyRig):
            rig = made(request.getfixturevalue("real_toxiproxy"))
        elif issubclass(RIGS[name], ContainerRig):
            daemon = request.getfixturevalue("docker")
            rig = made(daemon)
            stack.callback(daemon.clear)
        elif issubclass(RIGS[name], NetworkRig):
            rig = made(request.getfixturevalue("pair"))
        else:
            if issubclass(RIGS[name], DiskRig):
                request.getfixturevalue("machine_tools")
            rig = made(folder)
            stack.callback(rig.close)
        yield rig
