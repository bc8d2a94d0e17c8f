"""The peer of `slochaos slo check`: slo-generator, in a virtual environment of its own in the user's cache folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NEEDS = ("slo-generator[prometheus]==2.6.0", "setuptools<80")
"""Its command line imports pkg_resources, which later setuptools lack."""

_REPORTS = """
import json, sys
from slo_generator import utils
from slo_generator.compute import compute
config = utils.load_config(sys.argv[1])
reports = {}
for path in sys.argv[2:]:
    slo = utils.load_config(path, kind="ServiceLevelObjective")
    reports[slo["metadata"]["name"]] = {each["window"]: each for each in compute(slo, config)}
json.dump(reports, open("reports.json", "w"))
"""


class NoPeer(Exception):
    """slo-generator cannot be installed here."""


def environment() -> Path:
    """Its virtual environment's folder of programs, made on first use. Raises NoPeer."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slochaos"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache / f"slo-generator-2.6.0-{version}"
    if not (folder / "bin" / "slo-generator").exists():
        try:
            _do([sys.executable, "-m", "venv", str(folder)])
            _do([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *NEEDS])
        except NoPeer:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return folder / "bin"


def settings(folder: Path, url: str, windows: Sequence[int]) -> Path:
    """Its configuration: the server, and the windows as steps of an error budget policy."""
    steps = [
        {
            "name": f"{window} s",
            "burn_rate_threshold": 1,
            "alert": False,
            "message_alert": "burning",
            "message_ok": "fine",
            "window": window,
        }
        for window in windows
    ]
    path = folder / "config.yaml"
    policies = {"default": {"steps": steps}}
    path.write_text(json.dumps({"backends": {"prometheus": {"url": url}}, "error_budget_policies": policies}))
    return path


def document(name: str, goal: float, method: str, indicator: dict[str, Any]) -> dict[str, Any]:
    """One of its SLO files."""
    service, _, slo = name.rpartition("-")
    return {
        "apiVersion": "sre.google.com/v2",
        "kind": "ServiceLevelObjective",
        "metadata": {
            "name": name,
            "labels": {"service_name": service, "feature_name": "http", "slo_name": slo},
        },
        "spec": {
            "description": name,
            "backend": "prometheus",
            "method": method,
            "exporters": [],
            "service_level_indicator": indicator,
            "goal": goal,
            "error_budget_policy": "default",
        },
    }


def compute_command(programs: Path, config: Path, slos: Path) -> list[str]:
    """Compute all SLOs of a folder."""
    return [str(programs / "slo-generator"), "compute", "-f", str(slos), "-c", str(config)]


def reports(programs: Path, config: Path, slos: Sequence[Path], folder: Path) -> dict[str, Any]:
    """By name and window (as text, seconds), its whole reports, which the command line only logs."""
    _do([str(programs / "python"), "-c", _REPORTS, str(config), *map(str, slos)], cwd=folder)
    found = json.loads((folder / "reports.json").read_text())
    assert isinstance(found, dict)
    return found


def _do(command: list[str], cwd: Path | None = None) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()
        raise NoPeer(last[-1] if last else f"{command[0]} failed")
