"""The only place that talks to a Docker daemon: the SDK's low-level client, with every call bounded in time.

`unreachable` is never `gone`: only the daemon's own 404 says that something does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from slochaos.errors import TargetError, TargetGone, TargetUnreached

CALL_S = 5.0
LOCK_PREFIX = "slochaos-lock-"

T = TypeVar("T")


@dataclass(frozen=True)
class Container:
    """A container as its daemon described it just now. Only named fields are kept: a description holds secrets.

    `started` tells one start of the container from the next. `networks` are its endpoints by network name.
    """

    id: str
    name: str
    image: str
    running: bool
    paused: bool
    started: str
    pid: int
    stop_timeout_s: int
    limits: Mapping[str, int]
    networks: Mapping[str, Mapping[str, Any]]
    labels: Mapping[str, str]


class Engine:
    """One daemon. Use it as a context: each has connections of its own. Every method raises TargetError."""

    def __init__(self, daemon: str, *, timeout_s: float = CALL_S) -> None:
        self.daemon = daemon
        self._timeout_s = timeout_s
        self._client: Any = None

    def __enter__(self) -> Engine:
        import docker

        self._client = self._told(
            "tell its version",
            lambda: docker.APIClient(self.daemon, version="auto", timeout=self._timeout_s),
        )
        self._client.trust_env = False
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @property
    def is_local(self) -> bool:
        """Whether the daemon's containers are processes of this host."""
        return self.daemon.startswith("unix://")

    def running(self, labels: Mapping[str, str]) -> list[Container]:
        """The running containers that carry all of these labels, paused ones too; locks of ours are none."""
        wanted = [f"{name}={value}" for name, value in labels.items()]
        found = self._told("list containers", lambda: self._client.containers(filters={"label": wanted}))
        containers = [self.container(each["Id"]) for each in found]
        return [each for each in containers if not each.name.startswith(LOCK_PREFIX)]

    def locks(self) -> list[Container]:
        """The containers that are locks of ours, by their names."""
        named = {"name": f"^/{LOCK_PREFIX}"}
        found = self._told("list containers", lambda: self._client.containers(all=True, filters=named))
        return [self.container(each["Id"]) for each in found]

    def container(self, id_or_name: str) -> Container:
        """One container. Raises TargetGone when the daemon says that there is none."""
        about = self._told(f"describe {id_or_name}", lambda: self._client.inspect_container(id_or_name))
        try:
            state, host = about["State"], about["HostConfig"]
            return Container(
                id=about["Id"],
                name=about["Name"].lstrip("/"),
                image=about["Image"],
                running=bool(state["Running"]),
                paused=bool(state["Paused"]),
                started=state["StartedAt"],
                pid=int(state["Pid"]),
                stop_timeout_s=int(about["Config"].get("StopTimeout") or 10),
                limits={name: int(host.get(name) or 0) for name in LIMITS},
                networks=about["NetworkSettings"]["Networks"],
                labels=about["Config"]["Labels"] or {},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TargetError(f"{self.daemon} describes {id_or_name} in a form that is not known") from error

    def stop(self, container: str, grace_s: int) -> None:
        """Ask it to end, kill it after `grace_s`; returns when it has ended."""
        with self._patient(grace_s):
            self._told(f"stop {container}", lambda: self._client.stop(container, timeout=grace_s))

    def kill(self, container: str, signal: str) -> None:
        """Send its first process a signal."""
        self._told(f"kill {container}", lambda: self._client.kill(container, signal))

    def restart(self, container: str, grace_s: int) -> None:
        """Stop and start again."""
        with self._patient(grace_s):
            self._told(f"restart {container}", lambda: self._client.restart(container, timeout=grace_s))

    def start(self, container: str) -> None:
        """Start it; one that runs is fine."""
        self._told(f"start {container}", lambda: self._client.start(container))

    def pause(self, container: str) -> None:
        """Freeze all its processes."""
        self._told(f"pause {container}", lambda: self._client.pause(container))

    def unpause(self, container: str) -> None:
        """Let them go on."""
        self._told(f"unpause {container}", lambda: self._client.unpause(container))

    def update(self, container: str, limits: Mapping[str, int]) -> None:
        """Change limits, by the API's names; the SDK knows only some of them."""
        self._told(
            f"change the limits of {container}",
            lambda: self._client._result(  # noqa: SLF001
                self._client._post_json(  # noqa: SLF001
                    self._client._url("/containers/{0}/update", container),  # noqa: SLF001
                    data=dict(limits),
                ),
                True,
            ),
        )

    def disconnect(self, container: str, network: str) -> None:
        """Take it off a network."""
        self._told(
            f"disconnect {container} from {network}",
            lambda: self._client.disconnect_container_from_network(container, network),
        )

    def connect(self, container: str, network: str, **endpoint: Any) -> None:
        """Put it on a network, with the SDK's endpoint settings (`aliases`, `ipv4_address`, ...)."""
        self._told(
            f"connect {container} to {network}",
            lambda: self._client.connect_container_to_network(container, network, **endpoint),
        )

    def has_network(self, network: str) -> bool:
        """Whether the network exists."""
        try:
            self._told(f"describe {network}", lambda: self._client.inspect_network(network))
        except TargetGone:
            return False
        return True

    def create_lock(self, name: str, image: str, labels: Mapping[str, str]) -> bool:
        """A container that is never started, for its name alone. False when the name is taken."""
        import docker

        try:
            self._told(
                f"create {name}",
                lambda: self._client.create_container(
                    image, command=["true"], name=name, labels=dict(labels)
                ),
                passing=docker.errors.APIError,
            )
        except docker.errors.APIError as error:
            if error.status_code == 409:
                return False
            raise self._error(f"create {name}", error) from error
        return True

    def remove(self, container: str) -> None:
        """Remove one that does not run; one that is not there is fine."""
        try:
            self._told(f"remove {container}", lambda: self._client.remove_container(container))
        except TargetGone:
            return

    def stats(self, container: str) -> Mapping[str, Any]:
        """What the kernel counts of its CPU and memory, read once."""
        found = self._told(
            f"measure {container}", lambda: self._client.stats(container, stream=False, one_shot=True)
        )
        return found if isinstance(found, dict) else {}

    def uses_one_hierarchy(self) -> bool:
        """Whether the daemon's kernel has cgroup v2."""
        return str(self._told("tell about itself", self._client.info).get("CgroupVersion", "1")) == "2"

    @contextmanager
    def _patient(self, more_s: float) -> Iterator[None]:
        """Calls that take as long as what they are asked to wait for."""
        self._client.timeout = self._timeout_s + more_s
        try:
            yield
        finally:
            self._client.timeout = self._timeout_s

    def _told(self, what: str, call: Callable[[], T], *, passing: type[Exception] | None = None) -> T:
        import docker
        import requests

        try:
            return call()
        except (docker.errors.DockerException, requests.RequestException, OSError, ValueError) as error:
            if passing is not None and isinstance(error, passing):
                raise
            raise self._error(what, error) from error

    def _error(self, what: str, error: Exception) -> TargetError:
        status = getattr(error, "status_code", None)
        said = getattr(error, "explanation", None)
        if status == 404:
            return TargetGone(f"Docker {self.daemon} cannot {what}: {said}")
        if status is not None:
            return TargetError(f"Docker {self.daemon} answered {status} when asked to {what}: {said}")
        text = str(error)
        unreached = any(word in text for word in ("Connection refused", "No such file", "Permission denied"))
        return (TargetUnreached if unreached else TargetError)(
            f"Docker {self.daemon} did not {what}: {_shortened(text)}",
            hint="does the daemon run, and may this user use it? see: slochaos doctor",
        )


LIMITS = ("NanoCpus", "CpuQuota", "CpuPeriod", "Memory", "MemorySwap")
"""The limits that a fault can squeeze, by the API's names."""


def _shortened(text: str) -> str:
    return text if len(text) <= 160 else f"{text[:157]}..."
