"""Programs that tests of machine faults need: a Docker engine, tc, nft, stress-ng, user-mode-linux (as root only)."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.toxiproxy_servers import ROOT


class NoMachineTools(Exception):
    """This machine, or its user, can have no faults of machines."""


@dataclass(frozen=True)
class MachineTools:
    """What scripts/get_machine_tools.sh found or fetched."""

    folder: Path

    @property
    def path(self) -> str:
        """A PATH that has all of them: ip, tc, iptables, nft, stress-ng, iperf3, dockerd, busybox-static, linux.uml."""
        return f"{self.folder / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin"

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment with that PATH."""
        return os.environ | {"PATH": self.path}

    def run(self, *command: str, check: bool = True, stdin: str | None = None) -> str:
        """Run one of them to its end; what it printed. AssertionError says why it failed."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False, input=stdin
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr or done.stdout}")
        return done.stdout


def machine_tools() -> MachineTools:
    """The tools, fetched on first use. Raises NoMachineTools."""
    if sys.platform != "linux":
        raise NoMachineTools("machine faults are tested on Linux only")
    if os.geteuid() != 0:
        raise NoMachineTools(
            "machine faults are tested as root only: they make namespaces and start a Docker daemon"
        )
    script = ROOT / "scripts/get_machine_tools.sh"
    got = subprocess.run([script], capture_output=True, text=True, check=False)
    if got.returncode:
        raise NoMachineTools(
            got.stderr.strip().splitlines()[-1] if got.stderr.strip() else f"{script} failed"
        )
    return MachineTools(Path(got.stdout.strip()))


def keep(
    tools: MachineTools, options: list[str], command: list[str], log: Path | None = None
) -> subprocess.Popen[bytes]:
    """Run `command` under keeper.py with its `options`; returns once it is kept. SIGTERM to it ends all."""
    with (log or Path(os.devnull)).open("wb") as output:
        keeper = subprocess.Popen(
            [
                sys.executable,
                "-S",
                "-E",
                ROOT / "tests/keeper.py",
                "--parent",
                str(os.getpid()),
                *options,
                "--",
                *command,
            ],
            env=tools.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
        )
    assert keeper.stdout
    with keeper.stdout as said:
        assert said.readline() == b"kept\n", log.read_text() if log else f"{command}: not kept"
    return keeper


def end_kept(keeper: subprocess.Popen[bytes]) -> None:
    """End what is kept; returns when all of it is removed."""
    keeper.terminate()
    keeper.wait(timeout=30)
