"""The tests of tests/in_user_mode_linux, each file of them in a kernel of its own; and that kernel itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.user_mode_linux import FILES, UserModeLinux


@pytest.mark.parametrize("file", [pytest.param(file, id=file.stem) for file in FILES])
def test_file_passes_there(user_mode_linux: UserModeLinux, file: Path) -> None:
    """All tests of the file pass in user-mode-linux, and none is skipped."""
    done = user_mode_linux.tests(str(file), "-q")
    print(done.output)
    assert done.returncode == 0
    assert "skipped" not in done.output


def test_exit_code_and_output_are_the_commands(user_mode_linux: UserModeLinux) -> None:
    """A snippet's exit code and output come back, from a kernel that has netem and cgroup v2."""
    code = "import sys; print(open('/sys/fs/cgroup/cgroup.controllers').read()); sys.exit(7)"
    done = user_mode_linux.python(code)
    assert done.returncode == 7
    assert {"cpu", "memory", "pids"} <= set(done.output.split())
    assert "without sch_netem" not in done.output
