"""Another kernel for a few seconds: user-mode-linux 6.1 from Debian, for what the machine's own kernel may not have.

It has tc's netem, all qdiscs, nftables, veth and a full cgroup v2. Its root is this machine's file system, so that the
same virtual environment and checkout are there; what it mounts, its network and its processes are its own, and gone
with it. Files written outside /run, /dev and /sys are the machine's: TMPDIR and XDG_STATE_HOME point below /run.
Booting and ending take 4 to 7 s, and it has one CPU: run whole files of tests in it.

Tests in tests/in_user_mode_linux/ run there only: test_user_mode_linux.py runs each file of that folder.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.machine_tools import MachineTools, end_kept, keep
from tests.toxiproxy_servers import ROOT

INSIDE = "SLOCHAOS_IN_USER_MODE_LINUX"  # set for all that runs there
FOLDER = ROOT / "tests/in_user_mode_linux"
FILES = sorted(FOLDER.glob("test_*.py"))

INIT = """#!/bin/sh
# The first process there. The kernel's requests for modules are answered from where ours are.
export HOME={home} PATH={path} {variables}
mount -t proc proc /proc && mount -t sysfs sysfs /sys && mount -t tmpfs tmpfs /run
mkdir -p /dev/shm && mount -t tmpfs tmpfs /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/tmp /run/netns /run/modules/lib/modules
ln -s {modules}/"$(uname -r)" /run/modules/lib/modules/
printf '#!/bin/sh\\nexec %s -d /run/modules "$@"\\n' "$(command -v modprobe)" >/run/modprobe
chmod 755 /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
/run/modprobe sch_netem || echo "user-mode-linux without sch_netem"
ip link set lo up
cd {directory}
{command} </dev/null
echo $? >{folder}/returncode
sync
poweroff -f || echo o >/proc/sysrq-trigger
"""


@dataclass(frozen=True)
class Finished:
    """A command that ran to its end in user-mode-linux: its exit code, and all it wrote."""

    returncode: int
    output: str


@dataclass(frozen=True)
class UserModeLinux:
    """Boots one for each call. Raises AssertionError where it does not come to the command's end."""

    tools: MachineTools

    def run(
        self,
        *command: str,
        environment: Mapping[str, str] | None = None,
        memory_mib: int = 768,
        timeout_s: float = 300,
    ) -> Finished:
        """Run one command as root in the checkout's folder, with `environment` added to a small one."""
        folder = Path(tempfile.mkdtemp(prefix="slochaos-uml-"))
        try:
            return self._boot(folder, command, environment or {}, memory_mib, timeout_s)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def python(self, code: str, *arguments: str, timeout_s: float = 120) -> Finished:
        """Run Python code with this interpreter; `tests` and `slochaos` can be imported."""
        return self.run(sys.executable, "-c", code, *arguments, timeout_s=timeout_s)

    def tests(self, *arguments: str, timeout_s: float = 600) -> Finished:
        """Run pytest with this interpreter on the files that the arguments name."""
        return self.run(
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "--color=no",
            *arguments,
            timeout_s=timeout_s,
        )

    def _boot(
        self,
        folder: Path,
        command: tuple[str, ...],
        environment: Mapping[str, str],
        memory_mib: int,
        timeout_s: float,
    ) -> Finished:
        init, output = folder / "init", folder / "output"
        init.write_text(self._script(folder, command, environment))
        init.chmod(0o700)
        kernel = [
            "linux.uml",
            *(
                f"mem={memory_mib}M",
                "root=/dev/root",
                "rootfstype=hostfs",
                "rootflags=/",
                "rw",
                f"init={init}",
            ),
            *("con=null", "con0=null,fd:2", "con1=null,fd:2", "quiet", f"uml_dir={folder}"),
        ]
        keeper = keep(self.tools, ["--folder", str(folder / "kept")], kernel, output)
        try:
            keeper.wait(timeout_s)
        except subprocess.TimeoutExpired:
            end_kept(keeper)
        told = output.read_text(errors="replace")
        code = folder / "returncode"
        assert code.exists(), f"user-mode-linux did not come to the end of {shlex.join(command)}: {told}"
        return Finished(int(code.read_text()), told)

    def _script(self, folder: Path, command: tuple[str, ...], environment: Mapping[str, str]) -> str:
        variables = {
            "LANG": "C.UTF-8",
            "TMPDIR": "/run/tmp",
            "XDG_STATE_HOME": "/run/state",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
            INSIDE: "1",
            **({"CI": os.environ["CI"]} if "CI" in os.environ else {}),
            **environment,
        }
        return INIT.format(
            home=shlex.quote(str(Path.home())),
            path=shlex.quote(self.tools.path),
            variables=" ".join(f"{name}={shlex.quote(value)}" for name, value in variables.items()),
            modules=shlex.quote(str(self.tools.folder / "modules")),
            directory=shlex.quote(str(ROOT)),
            command=shlex.join(command),
            folder=shlex.quote(str(folder)),
        )
