"""What a run itself costs, and how long the command line takes to say anything: beside Chaos Toolkit."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.figures import Figure, seconds

ROUNDS = 11


def measure(folder: Path) -> list[Figure]:
    """Pairs of commands in turn, so that a change of the machine's speed hits both."""
    scripts = Path(sys.executable).parent
    slochaos, chaos = str(scripts / "slochaos"), str(scripts / "chaos")
    ours, theirs = _experiments(folder)
    run = [slochaos, "run", str(ours), "--environment", "empty"]
    peer = [chaos, "--no-version-check", "run", str(theirs)]
    return [
        _pair("a run whose one fault is `nothing` / chaos run, no-op", run, peer, folder, goal=2.0),
        _pair(
            "slochaos --help / chaos --version", [slochaos, "--help"], [chaos, "--version"], folder, goal=0.5
        ),
    ]


def _pair(name: str, ours: list[str], theirs: list[str], folder: Path, goal: float) -> Figure:
    pairs = [(_time(ours, folder), _time(theirs, folder)) for _ in range(ROUNDS + 1)][1:]
    ratio = statistics.median(a / b for a, b in pairs)
    return Figure(name, seconds([a for a, _ in pairs]), seconds([b for _, b in pairs]), ratio, goal, unit="x")


def _time(command: list[str], folder: Path) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - start


def _experiments(folder: Path) -> tuple[Path, Path]:
    """The same empty experiment, with the fault `nothing` and with a no-op action."""
    (folder / "environments").mkdir()
    (folder / "environments" / "empty.yaml").write_text("name: empty\n")
    (folder / "experiments").mkdir()
    base = {"title": "nothing happens", "description": "Nothing.", "rollbacks": []}
    settings = {"name": "slochaos", "objectives": {}, "baseline": "0s", "recovery": "0s"}
    fault = _action("slochaos.extension.actions", "nothing", {"duration": "2ms"})
    ours, theirs = folder / "experiments" / "nothing.json", folder / "experiments" / "noop.json"
    ours.write_text(json.dumps({**base, "method": [fault], "extensions": [settings]}))
    theirs.write_text(json.dumps({**base, "method": [_action("os", "getpid", {})]}))
    return ours, theirs


def _action(module: str, func: str, arguments: dict[str, object]) -> dict[str, object]:
    provider = {"type": "python", "module": module, "func": func, "arguments": arguments}
    return {"type": "action", "name": func, "provider": provider}
