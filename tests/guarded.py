"""What the guard's tests share: an allowed proxy, configurations, and eyes on a Toxiproxy server."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slochaos.faults.injection import Injection
from slochaos.faults.operation import Operation
from slochaos.guard.client import ExperimentClient
from slochaos.guard.config import GuardConfig
from slochaos.guard.connection import InjectionState
from slochaos.spec.environment import Caps, Environment, Service
from slochaos.spec.targets import AllowedProxy, Targets
from tests.toxiproxy_servers import ToxiproxyServerProcess, free_port

OUTAGE = {"proxy": "database", "enabled": False}
LATENCY = {"proxy": "database", "toxics": [{"type": "latency", "attributes": {"latency": 50}}]}


@dataclass(frozen=True)
class Target:
    """One proxy on one server that faults may touch."""

    server: ToxiproxyServerProcess
    allowed: AllowedProxy

    def state(self) -> Any:
        """The proxy as its server shows it."""
        return self.server.call("GET", f"/proxies/{self.allowed.name}")[1]

    def clean(self) -> bool:
        """Whether the proxy is as it was: enabled, no toxics, no lock beside it."""
        proxies = self.server.call("GET", "/proxies")[1]
        proxy = proxies.get(self.allowed.name, {})
        return bool(proxy.get("enabled")) and not proxy["toxics"] and set(proxies) == {self.allowed.name}

    def environment(self, **more: Any) -> Environment:
        """An environment that allows faults on this proxy."""
        return Environment("test", Path("environments/test.yaml"), targets=Targets((self.allowed,)), **more)


def make_target(
    server: ToxiproxyServerProcess, upstream: str = "127.0.0.1:9", name: str = "database"
) -> Target:
    """Create a proxy on the server and allow it."""
    listen = f"127.0.0.1:{free_port()}"
    status, answer = server.call("POST", "/proxies", {"name": name, "listen": listen, "upstream": upstream})
    assert status == 201, answer
    return Target(server, AllowedProxy(server.url, name, listen, upstream))


def make_config(folder: Path, environment: Environment, run_id: str = "test-run", **more: Any) -> GuardConfig:
    """A guard's configuration with its folders made, the gate open, watching this process."""
    state, run = folder / "state", folder / "runs" / run_id
    for path in (state, run):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return GuardConfig(
        run_id=run_id,
        environment=environment,
        state_dir=state,
        run_dir=run,
        **{"watch_pid": os.getpid(), "gate_open": True, "heartbeat_s": 0.0, **more},
    )


def only_services(*services: Service) -> Environment:
    """An environment that starts these services and has no targets."""
    return Environment("test", Path("environments/test.yaml"), services=services, caps=Caps())


def inject(client: ExperimentClient, parameters: dict[str, Any], duration_s: float) -> InjectionState:
    """Ask for one fault on the proxy of `make_target`; returns when it is in force."""
    return client.inject("fault", "toxiproxy", parameters, duration_s)


def changes_of(injection: Injection) -> list[Operation]:
    """The operations on all members of an injection."""
    return [change for member in injection.members() for change in injection.changes(member)]


def wait_until(condition: Callable[[], bool], within_s: float = 5.0) -> bool:
    """Look again and again until the condition holds; whether it did in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
