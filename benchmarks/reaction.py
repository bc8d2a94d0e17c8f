"""From the wish to the effect, and from the wish to the end: each family's fault beside a fresh process per action.

That is how `pumba`, `toxiproxy-cli` and scripts do it: a command that starts, acts and ends. Ours asks a guard that
runs already, and pays for a record on disk before every step, and for reading back what it did.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Figure, seconds
from slochaos.guard.client import ExperimentClient, Guard, connect
from slochaos.guard.connection import InjectionState
from tests.docker_daemon import docker_daemon
from tests.guarded import make_config
from tests.machine_tools import NoMachineTools, machine_tools
from tests.network_namespaces import namespace_pair
from tests.rigs import BlackholeRig, PauseContainerRig, Rig

ROUNDS = 12
LONG_S = 60.0


@dataclass(frozen=True)
class Family:
    """A rig, how to see at once whether its fault is in force, and the commands that do the same."""

    rig: Rig
    in_force: Callable[[], bool]
    inject: Sequence[str]
    undo: Sequence[str]


def measure(folder: Path) -> list[Figure]:
    """Medians of a dozen rounds per family, ours and theirs in turn. Nothing where the machine has no such targets."""
    figures: list[Figure] = []
    try:
        with _families(folder) as families:
            for family in families:
                figures += _figures(family, folder)
    except NoMachineTools as error:
        print(f"no reaction times: {error}")
    return figures


@contextmanager
def _families(folder: Path) -> Iterator[list[Family]]:
    tools = machine_tools()
    with ExitStack() as stack:
        daemon = stack.enter_context(docker_daemon(tools))
        pair = stack.enter_context(namespace_pair(tools))
        container, packets = PauseContainerRig(daemon), BlackholeRig(pair)
        docker = [shutil.which("docker", path=tools.path) or "docker", "-H", daemon.url]
        rules = folder / "blackhole.nft"
        rules.write_text(
            "table netdev theirs {\nchain out {\n"
            f'type filter hook egress device "{pair.interface}" priority 0;\n'
            f"ip daddr {pair.server_address} tcp dport {pair.servers.echo_port} drop\n}}\n}}\n"
        )
        nft = ["nsenter", f"--net={pair.client.path}", "nft"]
        yield [
            Family(
                container,
                lambda: bool(container.state()["paused"]),
                [*docker, "pause", "shop"],
                [*docker, "unpause", "shop"],
            ),
            Family(
                packets,
                lambda: not _answers(packets),
                [*nft, "-f", str(rules)],
                [*nft, "delete", "table", "netdev", "theirs"],
            ),
        ]


def _answers(rig: BlackholeRig) -> bool:
    try:
        rig.pair.round_trips(1, timeout=0.05)
    except OSError:
        return False
    return True


def _figures(family: Family, folder: Path) -> list[Figure]:
    config = make_config(
        folder, family.rig.environment(), run_id=family.rig.kind.replace(".", "-"), kinds=(family.rig.kind,)
    )
    guard = Guard.start(config)
    client = connect(guard.socket)
    ours: tuple[list[float], list[float]] = ([], [])
    theirs: tuple[list[float], list[float]] = ([], [])
    try:
        for _ in range(ROUNDS):
            _by_guard(family, client, ours)
            _by_command(family, theirs)
    finally:
        client.close()
        guard.finish()
    what = ("inject to effect", "undo to restored")
    return [
        Figure(
            f"{family.rig.kind}: {what[index]} / a process per action",
            seconds(ours[index]),
            f"{seconds(theirs[index])} by {Path(family.inject[0]).name}",
            value=sorted(ours[index])[ROUNDS // 2] / sorted(theirs[index])[ROUNDS // 2],
            goal=3.0,
            unit="x",
        )
        for index in range(2)
    ]


def _by_guard(family: Family, client: ExperimentClient, found: tuple[list[float], list[float]]) -> None:
    asked: list[InjectionState] = []
    began = time.perf_counter()
    thread = threading.Thread(
        target=lambda: asked.append(client.inject("f", family.rig.kind, family.rig.parameters, LONG_S))
    )
    thread.start()
    found[0].append(_until(family.in_force, began))
    thread.join()
    began = time.perf_counter()
    thread = threading.Thread(target=client.end_faults)
    thread.start()
    found[1].append(_until(lambda: not family.in_force(), began))
    thread.join()


def _by_command(family: Family, found: tuple[list[float], list[float]]) -> None:
    for times, command, wanted in ((found[0], family.inject, True), (found[1], family.undo, False)):
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        times.append(_until(lambda wanted=wanted: family.in_force() is wanted, began))  # type: ignore[misc]
        process.wait()


def _until(condition: Callable[[], bool], began: float) -> float:
    while not condition():
        if time.perf_counter() - began > LONG_S:
            raise TimeoutError("the fault neither came nor went")
        time.sleep(0.001)
    return time.perf_counter() - began
