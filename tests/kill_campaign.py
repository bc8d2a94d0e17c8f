"""Killing whole runs at seeded random moments, and looking at what is left.

A case is one `slochaos run` against an external Toxiproxy, some of its processes hit by a signal at some
moment, while the target's API is healthy, hanging, failing, or delivers one request late (a fake in front of
the real server does that). `execute` returns what was seen; it asserts nothing.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from slochaos.guard.sweep import sweep
from tests.guarded import LATENCY, OUTAGE, Target, make_target
from tests.meddler import Meddler, meddling
from tests.toxiproxy_servers import ToxiproxyServerProcess

FAULT_S = 1.0
API_TROUBLE_S = 1.5
LATE_S = 1.0
VICTIMS = ("supervisor", "guard", "child", "supervisor+guard", "supervisor+child", "guard+child", "all")
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGSTOP")
APIS = ("healthy", "hanging", "failing", "late")
SLOCHAOS = (sys.executable, "-c", "from slochaos.cli.main import main; main()")
GIVE_UP_S = 40.0
GONE_S = 15.0
MILESTONES = {"start": 1.5, "armed": 1.0, "intended": 0.03, "applied": FAULT_S + 0.2, "undoing": 0.05}
"""What a kill waits for, and up to how many seconds it comes after that."""


@dataclass(frozen=True)
class Case:
    """One kill: who, how, what the API does, and when, in seconds after a milestone of the run."""

    seed: int
    victims: str
    signal: str
    api: str
    fault: str
    milestone: str
    moment_s: float
    wait_for_expiry: bool

    @classmethod
    def of(cls, seed: int) -> Case:
        """The case of a seed: every combination of victims, signal and API comes up evenly."""
        rng = random.Random(f"kill-{seed}")
        milestone = rng.choices(tuple(MILESTONES), weights=(2, 3, 3, 5, 3))[0]
        combination = seed % (len(VICTIMS) * len(SIGNALS) * len(APIS))
        return cls(
            seed=seed,
            victims=VICTIMS[combination % len(VICTIMS)],
            signal=SIGNALS[combination // len(VICTIMS) % len(SIGNALS)],
            api=APIS[combination // len(VICTIMS) // len(SIGNALS)] if seed % 2 else rng.choice(APIS),
            fault=rng.choice(("outage", "latency")),
            milestone=milestone,
            moment_s=rng.uniform(0.0, MILESTONES[milestone]),
            wait_for_expiry=rng.random() < 0.5,
        )

    @property
    def survivor(self) -> bool:
        """Whether a process that can undo is neither killed nor stopped."""
        hit = {"supervisor", "guard"} if self.victims == "all" else set(self.victims.split("+"))
        return self.signal in ("SIGTERM", "SIGINT") or not {"supervisor", "guard"} <= hit


@dataclass
class Outcome:
    """What was seen. Times are seconds; `clean_s` counts from the kill, or from when the API was well again."""

    case: Case
    phase: str = "before the run"
    clean_s: float | None = None
    by: str = "nobody"
    left_processes: list[str] = field(default_factory=list)
    recorded: str = ""
    next_exit: int | None = None
    next_output: str = ""


class Campaign:
    """Cases against one server, each with a folder and a proxy of its own."""

    def __init__(self, server: ToxiproxyServerProcess, folder: Path) -> None:
        self._server = server
        self._folder = folder

    def execute(self, case: Case) -> Outcome:
        """Run one case to its end, and a run after it."""
        folder = self._folder / f"case-{case.seed}"
        folder.mkdir()
        target = make_target(self._server, name=f"database-{case.seed}")
        with meddling(self._server.port) as meddler:
            lay_out(folder, target, meddler.url, case.fault)
            outcome = self._kill(case, folder, target, meddler)
            meddler.rule = lambda *_: "relay"
            outcome.next_exit, outcome.next_output = _finish(folder, command(folder, "after"))
        self._server.call("DELETE", f"/proxies/{target.allowed.name}")
        return outcome

    def _kill(self, case: Case, folder: Path, target: Target, meddler: Meddler) -> Outcome:
        outcome = Outcome(case)
        if case.api == "late":
            meddler.rule = _one_late_request(random.Random(f"late-{case.seed}"))
        with (folder / "output.txt").open("wb") as output:
            run = subprocess.Popen(
                command(folder, "killed"),
                cwd=folder,
                env=environment_variables(folder),
                stdout=output,
                stderr=output,
            )
        _await_milestone(case, folder, run)
        family = family_of(run.pid, folder)
        outcome.phase = _phase(folder)
        if case.api in ("hanging", "failing"):
            action: Any = {"hanging": "hang", "failing": "fail"}[case.api]
            meddler.rule = lambda *_: action
        victims = ("supervisor", "guard", "child") if case.victims == "all" else case.victims.split("+")
        hit = [family[name] for name in victims if name in family]
        for process in hit:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(getattr(signal, case.signal))
        begun = next(_log_lines(folder), None) is not None
        if not hit:
            outcome.by = "not killed"
        since = time.monotonic()
        if case.api in ("hanging", "failing"):
            time.sleep(API_TROUBLE_S)
            meddler.rule = lambda *_: "relay"
            meddler.released.set()
            since = time.monotonic()
        self._await_clean(outcome, folder, target, since, run)
        for process in hit:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
        everyone = {**family, **family_of(run.pid, folder)}
        outcome.left_processes = _still_there(everyone, run)
        outcome.recorded = _record(folder / ".slochaos" / "runs" / "killed") or ("" if begun else "not begun")
        return outcome

    def _await_clean(
        self, outcome: Outcome, folder: Path, target: Target, since: float, run: subprocess.Popen[bytes]
    ) -> None:
        case = outcome.case
        if case.survivor or outcome.by != "nobody":
            outcome.by = "a survivor" if outcome.by == "nobody" else "not killed"
            while not target_clean(target) or not _undone(folder, run):
                if time.monotonic() - since > GIVE_UP_S:
                    outcome.by = "nobody"
                    return
                if target_clean(target) and outcome.clean_s is None:
                    outcome.clean_s = time.monotonic() - since
                elif not target_clean(target):
                    outcome.clean_s = None
                time.sleep(0.01)
            if outcome.clean_s is None:
                outcome.clean_s = time.monotonic() - since
            return
        if case.signal == "SIGSTOP":
            for process in family_of(run.pid, folder).values():
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        if case.wait_for_expiry:
            outcome.by = "expiry"
            while not faults_gone(target) and time.monotonic() - since < GIVE_UP_S:
                time.sleep(0.1)
                if self._server.kind == "real":
                    outcome.by = "sweep"
                    sweep([self._server.url])
        else:
            outcome.by = "recover"
        recovered, _ = _finish(folder, [*SLOCHAOS, "recover", "--all"])
        if recovered == 0 and target_clean(target):
            outcome.clean_s = time.monotonic() - since
        else:
            outcome.by = "nobody"


def lay_out(folder: Path, target: Target, api: str, fault: str, duration: str = f"{FAULT_S:g}s") -> None:
    """Write an environment that allows the proxy through `api`, and an experiment with one fault on it."""
    allowed = target.allowed
    for name in ("environments", "experiments", "toxics"):
        (folder / name).mkdir()
    proxies = [{"name": allowed.name, "listen": allowed.listen, "upstream": allowed.upstream}]
    environment = {"name": "external", "targets": {"toxiproxy": [{"server": api, "proxies": proxies}]}}
    (folder / "environments" / "external.yaml").write_text(json.dumps(environment))
    preset = {**(OUTAGE if fault == "outage" else LATENCY), "proxy": allowed.name}
    (folder / "toxics" / "fault.json").write_text(json.dumps(preset))
    action = {
        "type": "action",
        "name": "fault",
        "provider": {
            "type": "python",
            "module": "slochaos.extension.actions",
            "func": "toxiproxy",
            "arguments": {"toxic": "fault", "duration": duration},
        },
    }
    settings = {"name": "slochaos", "objectives": {}, "baseline": "0s", "recovery": "0s"}
    experiment = {
        "title": "a fault",
        "description": "One fault on one proxy.",
        "method": [action],
        "rollbacks": [],
        "extensions": [settings],
    }
    (folder / "experiments" / "fault.json").write_text(json.dumps(experiment))


def target_clean(target: Target) -> bool:
    """Whether the proxy is as it was, and no lock of ours is beside it."""
    proxies = target.server.call("GET", "/proxies")[1]
    name = target.allowed.name
    return (
        bool(proxies[name]["enabled"])
        and not proxies[name]["toxics"]
        and f"slochaos-lock-{name}" not in proxies
    )


def faults_gone(target: Target) -> bool:
    """Whether the proxy is enabled and has no toxics; a lock may stay until its own expiry."""
    state = target.state()
    return bool(state["enabled"]) and not state["toxics"]


def table(outcomes: list[Outcome]) -> str:
    """Per API state, victims and signal: cases, how they ended, and how long that took."""
    rows = ["api      victims           signal    n  by                                  median   worst (s)"]
    groups: dict[tuple[str, str, str], list[Outcome]] = {}
    for outcome in outcomes:
        case = outcome.case
        groups.setdefault((case.api, case.victims, case.signal), []).append(outcome)
    for (api, victims, name), group in sorted(groups.items()):
        times = sorted(o.clean_s for o in group if o.clean_s is not None and o.by != "not killed")
        by = ", ".join(f"{sum(o.by == b for o in group)} {b}" for b in sorted({o.by for o in group}))
        middle = f"{times[len(times) // 2]:8.3f}{times[-1]:8.3f}" if times else "       -       -"
        rows.append(f"{api:8} {victims:17} {name:8} {len(group):3}  {by:34} {middle}")
    phases = sorted({o.phase for o in outcomes})
    rows.append(
        "killed when the fault was: "
        + ", ".join(f"{p} {sum(o.phase == p for o in outcomes)}" for p in phases)
    )
    return "\n".join(rows)


def command(folder: Path, run_id: str) -> list[str]:
    """The run of the experiment that `lay_out` wrote."""
    experiment = str(folder / "experiments" / "fault.json")
    return [*SLOCHAOS, "run", experiment, "--environment", "external", "--run-id", run_id]


def _finish(folder: Path, command: list[str]) -> tuple[int, str]:
    """Run a command to its end: exit code and output."""
    done = subprocess.run(
        command,
        check=False,
        cwd=folder,
        env=environment_variables(folder),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def environment_variables(folder: Path) -> dict[str, str]:
    """This process's, with a state folder of the case's own."""
    return {**os.environ, "XDG_STATE_HOME": str(folder / "state")}


def family_of(supervisor: int, folder: Path) -> dict[str, psutil.Process]:
    """The processes of the run that exist now: by parenthood, and the guard by the undo log too."""
    found: dict[str, psutil.Process] = {}
    with suppress(psutil.NoSuchProcess):
        found["supervisor"] = psutil.Process(supervisor)
        for process in found["supervisor"].children():
            with suppress(psutil.NoSuchProcess):
                line = " ".join(process.cmdline())
                if "slochaos.guard" in line:
                    found["guard"] = process
                elif "slochaos.runner.child" in line:
                    found["child"] = process
    header = next(_log_lines(folder), None)
    if header and "guard" not in found:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(header["guard"]["pid"]))
            if abs(process.create_time() - float(header["guard"]["started"])) < 0.05:
                found["guard"] = process
    return found


def _await_milestone(case: Case, folder: Path, run: subprocess.Popen[bytes]) -> None:
    while run.poll() is None:
        begun = next(_log_lines(folder), None) is not None
        if case.milestone in ("start", *_states(folder)) or (case.milestone == "armed" and begun):
            break
        time.sleep(0.002)
    time.sleep(case.moment_s)


def _log_lines(folder: Path) -> Iterator[dict[str, Any]]:
    path = folder / "state" / "slochaos" / "undo" / "killed.log"
    with suppress(OSError):
        for line in path.read_bytes().split(b"\0", 1)[0].splitlines():
            with suppress(ValueError):
                yield json.loads(line)


def _phase(folder: Path) -> str:
    return next(reversed(_states(folder)), "not begun, or forgotten")


def _states(folder: Path) -> list[str]:
    """What the log says of the injection so far; the target's lock, which it has too, goes through the same ones."""
    return [str(line["state"]) for line in _log_lines(folder) if line.get("id") == "1"]


def _undone(folder: Path, run: subprocess.Popen[bytes]) -> bool:
    """Whether nothing can begin any more: the log is closed, and nobody is left who would open one.

    The child cannot: it injects through the guard, and ends with its supervisor, once that goes on.
    """
    if next(_log_lines(folder), None) is not None:
        return False
    return not any(_runs(process) for name, process in family_of(run.pid, folder).items() if name != "child")


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_STOPPED)
    return False


def _still_there(family: dict[str, psutil.Process], run: subprocess.Popen[bytes]) -> list[str]:
    """Who is alive a while after the last verified undo: 5 s on a quiet machine, and this one is not."""
    with suppress(subprocess.TimeoutExpired):
        run.wait(GONE_S)
    _, alive = psutil.wait_procs([p for name, p in family.items() if name != "supervisor"], timeout=GONE_S)
    left = [f"{process.pid} {' '.join(process.cmdline())}" for process in alive if _runs(process)]
    if run.poll() is None:
        left.append(f"{run.pid} supervisor")
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    if run.poll() is None:
        run.kill()
        run.wait()
    return left


def _record(run_folder: Path) -> str:
    """The status in result.json; empty without one, "no run" when the run had not begun."""
    if not run_folder.is_dir():
        return "no run"
    with suppress(OSError, ValueError, KeyError):
        return str(json.loads((run_folder / "result.json").read_text())["run"]["status"])
    return ""


def _one_late_request(rng: random.Random) -> Any:
    chosen, seen = rng.randrange(6), iter(range(1000))

    def rule(method: str, _path: str, _body: bytes) -> Any:
        return LATE_S if method != "GET" and next(seen) == chosen else "relay"

    return rule
