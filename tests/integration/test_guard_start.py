"""A guard that is stopped or killed while it starts: its run ends with an error and leaves nothing behind.

The guard hits itself, at a moment that an audit hook of its interpreter sees, so that it is the same each time.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from slochaos.record import Result
from slochaos.runner.request import RunRequest
from slochaos.runner.run import run_experiment
from tests.guarded import Target, make_target
from tests.kill_campaign import lay_out
from tests.toxiproxy_servers import ToxiproxyServerProcess

HOOK = """\
import os, sys

ORDER = {"first breath": 0, "log made": 1, "supervisor connects": 2, "child adopted": 3}
DUE = ORDER[os.environ["SLOCHAOS_TEST_MOMENT"]]
now = 0

def watch(event, arguments):
    global now
    if now == 0 and event == "socket.bind" and str(arguments[1]).endswith("guard.sock"):
        now = 1
    elif now == 1 and event == "socket.__new__":
        now = 2
    elif now == 2 and event == "open" and str(arguments[0]).endswith("boot_id"):
        now = 3
    else:
        return
    hit_if_due()

def hit_if_due():
    if now == DUE:
        os.kill(os.getpid(), int(os.environ["SLOCHAOS_TEST_SIGNAL"]))

if "slochaos.guard.process" in sys.orig_argv:
    hit_if_due()
    sys.addaudithook(watch)
"""
"""What the guard's interpreter runs first: the moments are its first one, that at which it makes its socket
(the log exists, and it has not said that it is armed), accepts the supervisor, and looks at whom to adopt."""


@pytest.fixture
def target(embedded_toxiproxy: ToxiproxyServerProcess) -> Target:
    return make_target(embedded_toxiproxy)


@pytest.fixture
def folder(tmp_path: Path, target: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An experiment with one fault, in the working directory, with a state folder of its own."""
    folder = tmp_path / "work"
    folder.mkdir()
    lay_out(folder, target, target.server.url, "outage", duration="0.2s")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield folder
    for left in _processes():  # a stopped guard of a failed test
        left.kill()


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
@pytest.mark.parametrize(
    ("moment", "stopped", "killed"),
    [
        ("first breath", "was stopped while it started", "did not start"),
        ("log made", "was stopped while it started", "did not start"),
        ("supervisor connects", "has not answered 'subscribe'", "is gone"),
        ("child adopted", "has not answered 'adopt'", "is gone"),
    ],
)
def test_a_guard_that_is_hit_while_it_starts_ends_its_run_and_leaves_nothing(
    folder: Path, target: Target, moment: str, number: signal.Signals, stopped: str, killed: str
) -> None:
    """The run is an error that names the guard; no log, no process and no lock stays, and the next run works."""
    with pytest.MonkeyPatch.context() as patch:
        (folder / "hook").mkdir()
        (folder / "hook" / "sitecustomize.py").write_text(HOOK)
        patch.setenv("PYTHONPATH", str(folder / "hook"), prepend=os.pathsep)
        patch.setenv("SLOCHAOS_TEST_MOMENT", moment)
        patch.setenv("SLOCHAOS_TEST_SIGNAL", str(int(number)))
        hit = _run(folder)

    assert (hit.run.status, hit.run.exit_code) == ("error", 7), hit.run
    assert f"the guard {stopped if number == signal.SIGSTOP else killed}" in hit.run.reason
    assert hit.injections == ()
    assert list((folder.parent / "state").glob("slochaos/undo/*")) == []
    assert _processes() == []
    assert target.clean()

    after = _run(folder)
    assert after.run.status == "passed", after.run
    assert [each.undo for each in after.injections] == ["verified"]


def _run(folder: Path) -> Result:
    return run_experiment(
        RunRequest(folder / "experiments" / "fault.json", environment="external"), lambda _: None
    )


def _processes() -> list[psutil.Process]:
    """Guards and executors that this process has started."""
    modules = {"slochaos.guard.process", "slochaos.runner.child"}
    return [each for each in psutil.Process().children() if modules & set(each.cmdline())]
