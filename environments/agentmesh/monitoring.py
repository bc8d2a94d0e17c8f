"""A real Prometheus, or an Alertmanager, for a run: configured here, then this process becomes it.

`python -m agentmesh.monitoring prometheus --port PORT --data DIR --scrape JOB=HOST:PORT [--alertmanager HOST:PORT]`
`python -m agentmesh.monitoring alertmanager --port PORT --data DIR`
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parents[2] / "scripts/get_prometheus.sh"
"""In a checkout, where the tests' servers are; `--look` fetches nothing."""

DEBIAN_NAMES = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}


def find(program: str) -> str:
    """The program's path. Ends this process, saying what to do, where there is none."""
    found = shutil.which(program) or shutil.which(DEBIAN_NAMES[program])
    if found is None and SCRIPT.is_file():
        looked = subprocess.run([SCRIPT, "--look"], capture_output=True, text=True, check=False)
        found = shutil.which(program, path=looked.stdout.strip() or os.devnull)
    if found is None:
        get = f"run {SCRIPT} once" if SCRIPT.is_file() else f"apt-get install {DEBIAN_NAMES[program]}"
        sys.exit(f"there is no {program} on PATH: {get}, or put its folder on PATH")
    return found


def scrape_settings(jobs: list[str], every: str, alertmanager: str, rules: str) -> dict[str, Any]:
    """prometheus.yml. `jobs` are JOB=HOST:PORT; the label job is what the SLO documents select."""
    settings: dict[str, Any] = {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [address]}]}
            for name, _, address in (job.partition("=") for job in jobs)
        ],
    }
    if rules:
        settings["rule_files"] = [str(Path(rules).absolute())]
    if alertmanager:
        settings["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    return settings


def prometheus(arguments: argparse.Namespace) -> list[str]:
    """The command line of a Prometheus that scrapes the jobs; writes its configuration."""
    settings = scrape_settings(arguments.scrape, arguments.every, arguments.alertmanager, arguments.rules)
    return [
        f"--config.file={_write(arguments.data, 'prometheus.yml', settings)}",
        f"--storage.tsdb.path={arguments.data / 'prometheus'}",
        f"--web.listen-address=127.0.0.1:{arguments.port}",
        "--log.level=warn",
    ]


def alertmanager(arguments: argparse.Namespace) -> list[str]:
    """The command line of an Alertmanager that keeps what it is told to itself, unless it is given a file."""
    nobody = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
    config = arguments.config or _write(arguments.data, "alertmanager.yml", nobody)
    return [
        f"--config.file={config}",
        f"--storage.path={arguments.data / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{arguments.port}",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]


def _write(folder: Path, name: str, settings: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(settings, indent=2))  # JSON is YAML
    return folder / name


def main() -> None:
    """Become the server."""
    parser = argparse.ArgumentParser(prog="agentmesh.monitoring", description="Prometheus and Alertmanager")
    programs = parser.add_subparsers(dest="program", required=True)
    for name in DEBIAN_NAMES:
        program = programs.add_parser(name)
        program.add_argument("--port", type=int, required=True, help="loopback TCP port to listen on")
        program.add_argument("--data", type=Path, required=True, help="folder for configuration and data")
    server, receiver = programs.choices["prometheus"], programs.choices["alertmanager"]
    server.add_argument("--scrape", action="append", default=[], metavar="JOB=HOST:PORT")
    server.add_argument("--every", default="1s", help="scrape interval")
    server.add_argument("--alertmanager", default="", metavar="HOST:PORT")
    server.add_argument(
        "--rules", default="", help="file of rules, such as `slochaos export prometheus-rules`"
    )
    receiver.add_argument(
        "--config", default="", help="alertmanager.yml, such as `slochaos export alertmanager`"
    )
    arguments = parser.parse_args()
    binary = find(arguments.program)
    options = {"prometheus": prometheus, "alertmanager": alertmanager}[arguments.program](arguments)
    os.execv(binary, [binary, *options])  # noqa: S606 - no shell, a program of the user's PATH


if __name__ == "__main__":
    main()
