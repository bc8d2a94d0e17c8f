"""From the death of a run's processes to the target restored: beside nothing, since no peer restores at all."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from benchmarks.figures import Figure, percentile, seconds
from benchmarks.proxied import Watcher, watched_proxy
from tests.kill_campaign import command, environment_variables, family_of, lay_out

ROUNDS = 15
GOAL_S = 0.1


def measure(folder: Path) -> list[Figure]:
    """SIGKILL of the supervisor, and of supervisor and child, while an outage is in force."""
    figures = []
    with watched_proxy(folder) as watcher:
        for name, victims in (
            ("supervisor", ("supervisor",)),
            ("supervisor and child", ("supervisor", "child")),
        ):
            times = [_once(folder, watcher, victims) for _ in range(ROUNDS)]
            worst = percentile(times, 95)
            figures.append(
                Figure(
                    f"SIGKILL of {name} to restored, p95",
                    seconds(times),
                    "never (facts)",
                    worst,
                    GOAL_S,
                    " s",
                )
            )
    return figures


def _once(folder: Path, watcher: Watcher, victims: tuple[str, ...]) -> float:
    work = folder / "work"
    work.mkdir()
    lay_out(work, watcher.target, watcher.target.server.url, "outage", duration="20s")
    run = subprocess.Popen(
        command(work, "killed"),
        cwd=work,
        env=environment_variables(work),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    watcher.wait_down()
    time.sleep(0.3)
    family = family_of(run.pid, work)
    killed = time.monotonic()
    for victim in victims:
        os.kill(family[victim].pid, signal.SIGKILL)
    restored = watcher.wait_up()
    run.wait()
    while (work / "state" / "slochaos" / "undo" / "killed.log").exists():
        time.sleep(0.01)
    shutil.rmtree(work)
    return restored - killed
