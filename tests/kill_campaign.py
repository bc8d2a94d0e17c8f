"""Killing whole runs at seeded random moments, and looking at what is left.

A case is one `slochaos run` against a real target, some of its processes hit by a signal at some moment, while
the target's API, where it has one, is healthy, hanging, failing, or delivers one request late (a fake in front
of the real server does that). `execute` returns what was seen; it asserts nothing.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from slochaos.faults.tagged import MARK
from slochaos.guard.sweep import sweep
from tests.guarded import LATENCY, OUTAGE, Target, make_target
from tests.meddler import Meddler, meddling
from tests.rigs import Rig
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
    def of(cls, seed: int, fault: str = "") -> Case:
        """The case of a seed: every combination of victims, signal and API comes up evenly.

        `fault` names the rig; without it, one of Toxiproxy's two faults is drawn.
        """
        rng = random.Random(f"kill-{seed}")
        milestone = rng.choices(tuple(MILESTONES), weights=(2, 3, 3, 5, 3))[0]
        combination = seed % (len(VICTIMS) * len(SIGNALS) * len(APIS))
        return cls(
            seed=seed,
            victims=VICTIMS[combination % len(VICTIMS)],
            signal=SIGNALS[combination // len(VICTIMS) % len(SIGNALS)],
            api=APIS[combination // len(VICTIMS) // len(SIGNALS)] if seed % 2 else rng.choice(APIS),
            fault=fault or rng.choice(("outage", "latency")),
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


class Subject(ABC):
    """What a case breaks. `meddler` is the fake before its API, where it has one."""

    meddler: Meddler | None = None

    @abstractmethod
    def lay_out(self, folder: Path) -> None:
        """Write an environment that allows the fault, and an experiment that asks for it."""

    @abstractmethod
    def clean(self) -> bool:
        """Whether everything is as it was, locks included."""

    @abstractmethod
    def faults_gone(self) -> bool:
        """Whether the fault is; a lock may stay until its own expiry."""

    def expire(self) -> str:
        """Whatever ends expired faults beside the target itself; what that is called."""
        return "expiry"

    @abstractmethod
    def close(self) -> None:
        """Remove the target."""


class ProxySubject(Subject):
    """A proxy on a real Toxiproxy server, its API behind a meddler."""

    def __init__(self, server: ToxiproxyServerProcess, case: Case, meddler: Meddler) -> None:
        self._server, self._case, self._api = server, case, meddler.url
        self.meddler = meddler
        self._target = make_target(server, name=f"database-{case.seed}")

    def lay_out(self, folder: Path) -> None:
        lay_out(folder, self._target, self._api, self._case.fault)

    def clean(self) -> bool:
        return target_clean(self._target)

    def faults_gone(self) -> bool:
        return faults_gone(self._target)

    def expire(self) -> str:
        if self._server.kind != "real":
            return "expiry"
        sweep([self._server.url])
        return "sweep"

    def close(self) -> None:
        self._server.call("DELETE", f"/proxies/{self._target.allowed.name}")


class RigSubject(Subject):
    """The target of any other fault; its API, if it has one, is healthy. Whoever made the rig removes it."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._before, self._beside = rig.state(), rig.neighbour()
        self.expires = rig.expires
        rig.hit()

    def lay_out(self, folder: Path) -> None:
        arguments = {"fault": self._rig.kind, **self._rig.parameters, "duration": f"{FAULT_S:g}s"}
        write_project(folder, self._rig.file(), "inject", arguments)

    def clean(self) -> bool:
        return not marked_processes() and bool(self._rig.state() == self._before)

    def neighbour_untouched(self) -> bool:
        """Whether the target beside is as it was."""
        return bool(self._rig.neighbour() == self._beside)

    def faults_gone(self) -> bool:
        return not self._rig.hit()

    def close(self) -> None:
        pass


class Campaign:
    """Cases, each with a folder and a target of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def on_proxy(self, case: Case, server: ToxiproxyServerProcess) -> Outcome:
        """One case against a Toxiproxy."""
        with meddling(server.port) as meddler:
            return self.execute(case, ProxySubject(server, case, meddler))

    def execute(self, case: Case, subject: Subject) -> Outcome:
        """Run one case to its end, and a run after it."""
        folder = self._folder / f"case-{case.fault.replace(' ', '-')}-{case.seed}"
        folder.mkdir()
        subject.lay_out(folder)
        outcome = self._kill(case, folder, subject)
        if subject.meddler is not None:
            subject.meddler.rule = lambda *_: "relay"
        outcome.next_exit, outcome.next_output = _finish(folder, command(folder, "after"))
        subject.close()
        return outcome

    def _kill(self, case: Case, folder: Path, subject: Subject) -> Outcome:
        outcome, meddler = Outcome(case), subject.meddler
        if case.api == "late" and meddler is not None:
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
        if case.api in ("hanging", "failing") and meddler is not None:
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
        if case.api in ("hanging", "failing") and meddler is not None:
            time.sleep(API_TROUBLE_S)
            meddler.rule = lambda *_: "relay"
            meddler.released.set()
            since = time.monotonic()
        self._await_clean(outcome, folder, subject, since, run)
        for process in hit:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
        everyone = {**family, **family_of(run.pid, folder)}
        outcome.left_processes = _still_there(everyone, run)
        outcome.recorded = _record(folder / ".slochaos" / "runs" / "killed") or ("" if begun else "not begun")
        return outcome

    def _await_clean(
        self, outcome: Outcome, folder: Path, subject: Subject, since: float, run: subprocess.Popen[bytes]
    ) -> None:
        case = outcome.case
        if case.survivor or outcome.by != "nobody":
            outcome.by = "a survivor" if outcome.by == "nobody" else "not killed"
            while not (clean := subject.clean()) or not _undone(folder, run):
                if time.monotonic() - since > GIVE_UP_S:
                    outcome.by = "nobody"
                    return
                if clean and outcome.clean_s is None:
                    outcome.clean_s = time.monotonic() - since
                elif not clean:
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
            while not subject.faults_gone() and time.monotonic() - since < GIVE_UP_S:
                time.sleep(0.1)
                outcome.by = subject.expire()
        else:
            outcome.by = "recover"
        recovered, _ = _finish(folder, [*SLOCHAOS, "recover", "--all"])
        if recovered == 0 and subject.clean():
            outcome.clean_s = time.monotonic() - since
        else:
            outcome.by = "nobody"


def lay_out(folder: Path, target: Target, api: str, fault: str, duration: str = f"{FAULT_S:g}s") -> None:
    """Write an environment that allows the proxy through `api`, and an experiment with one fault on it."""
    allowed = target.allowed
    proxies = [{"name": allowed.name, "listen": allowed.listen, "upstream": allowed.upstream}]
    targets = {"toxiproxy": [{"server": api, "proxies": proxies}]}
    write_project(folder, targets, "toxiproxy", {"toxic": "fault", "duration": duration})
    preset = {**(OUTAGE if fault == "outage" else LATENCY), "proxy": allowed.name}
    (folder / "toxics").mkdir()
    (folder / "toxics" / "fault.json").write_text(json.dumps(preset))


def write_project(folder: Path, targets: dict[str, Any], function: str, arguments: dict[str, Any]) -> None:
    """Write an environment with these targets, and an experiment with one action of ours."""
    for name in ("environments", "experiments"):
        (folder / name).mkdir()
    (folder / "environments" / "external.yaml").write_text(
        json.dumps({"name": "external", "targets": targets})
    )
    action = {
        "type": "action",
        "name": "fault",
        "provider": {
            "type": "python",
            "module": "slochaos.extension.actions",
            "func": function,
            "arguments": arguments,
        },
    }
    settings = {"name": "slochaos", "objectives": {}, "baseline": "0s", "recovery": "0s"}
    experiment = {
        "title": "a fault",
        "description": "One fault on one target.",
        "method": [action],
        "rollbacks": [],
        "extensions": [settings],
    }
    (folder / "experiments" / "fault.json").write_text(json.dumps(experiment))


def marked_processes() -> list[psutil.Process]:
    """The processes that are a fault of the cases' runs, or hold one."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            tag = process.environ().get(MARK, "")
            if tag.startswith(("slochaos-killed-", "slochaos-after-")) and _runs(process):
                found.append(process)
    return found


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
