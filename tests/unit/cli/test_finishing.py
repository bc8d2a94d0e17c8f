"""What a signal does to a command that is in the middle of changing targets."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

_COMMAND = """
import sys
from slochaos.cli.finishing import finishing_first
with finishing_first("ending the undo"):
    print("begun", flush=True)
    for line in sys.stdin:
        if line == "end\\n":
            break
    print("ended", flush=True)
print("went on", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_what_was_begun_is_ended_before_the_signal_ends_the_command(number: signal.Signals) -> None:
    """The first signal is answered at once, and obeyed when the work is done."""
    process = _begun()
    process.send_signal(number)
    assert process.stderr is not None
    assert process.stderr.readline().startswith(f"{number.name}: ending the undo first.")
    out, _ = process.communicate("end\n", timeout=30)
    assert (process.returncode, out) == (-number, "ended\n")


def test_a_second_signal_ends_it_at_once() -> None:
    """Whoever insists is obeyed."""
    process = _begun()
    assert process.stderr is not None
    process.send_signal(signal.SIGINT)
    process.stderr.readline()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (-signal.SIGINT, "")


def _begun() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process
