"""Signals to any command, at any instant: it ends by the signal, and no traceback is seen."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from tests.e2e.slochaos_command import Shell

INSTANTS_S = [0.0, 0.01, 0.03, 0.06, 0.1, 0.15, 0.22, 0.35]


def await_our_code(pid: int) -> None:
    """Python has set up its signals (SIGPIPE is ignored), and SIGINT is not its own any more.

    What it does before it reads our first line is not ours to change.
    """
    ours = 0
    while ours < 2:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        masks = {
            name: int(mask, 16)
            for name, _, mask in (line.partition(":\t") for line in lines)
            if "Sig" in name and "Q" not in name
        }
        ignored, caught = masks["SigIgn"], masks["SigCgt"]
        set_up = bool(ignored >> (signal.SIGPIPE - 1) & 1)
        ours = ours + 1 if set_up and not caught >> (signal.SIGINT - 1) & 1 else 0
        time.sleep(0.002)


@pytest.mark.parametrize("arguments", [("--help",), ("doctor",), ("plan", "experiments/db_outage.json")])
def test_ctrl_c_at_any_instant_ends_a_command_by_the_signal(
    example: Shell, arguments: tuple[str, ...]
) -> None:
    """Whatever it is importing or doing then, nothing is printed about it."""
    for instant_s in INSTANTS_S:
        process = example.start(*arguments)
        await_our_code(process.pid)
        time.sleep(instant_s)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert process.returncode in (-signal.SIGINT, 0), (instant_s, errors)
        assert "Traceback" not in errors
        assert "KeyboardInterrupt" not in errors


def test_ctrl_c_while_the_command_line_is_imported_prints_nothing(shell: Shell) -> None:
    """An import that hangs for ever, of the first module that the command line needs, ends by the signal alone."""
    (shell.folder / "typer.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
    process = subprocess.Popen(
        [sys.executable, "-c", "from slochaos.__main__ import main; main()"],
        cwd=shell.folder,
        env=shell.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (-signal.SIGINT, "")


def test_a_command_that_ignores_ctrl_c_from_its_start_goes_on_ignoring_it(shell: Shell) -> None:
    """`nohup` and a shell's `&` mean it."""
    script = 'trap "" INT; exec "$@"'
    process = subprocess.Popen(
        ["sh", "-c", script, "sh", sys.executable, "-m", "slochaos", "--version"],
        env=shell.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert out.startswith("slochaos ")


def test_the_installed_command_begins_where_python_m_does() -> None:
    """Both entries take over Ctrl-C before anything slow is imported."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"slochaos": "slochaos.__main__:main"}
