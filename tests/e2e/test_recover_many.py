"""Recovering after many dead runs at once, and recovering nothing that this user's own runs did not write."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from slochaos.guard.undolog import UndoLog, log_path
from slochaos.identity import ProcessIdentity
from tests.e2e.slochaos_command import Shell
from tests.guarded import Target, changes_of, make_target
from tests.toxiproxy_servers import ToxiproxyServerProcess

RUNS, EACH = 20, 10
WITHIN_S = 30.0


def dead_process() -> dict[str, object]:
    """The identity of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = vars(ProcessIdentity.of(process.pid))
    process.communicate(b"\n")
    return dict(identity)


def leave_open(state: Path, run_id: str, target: Target, count: int) -> None:
    """What a run leaves that is killed while so many toxics are in force: these, and its undo log."""
    from slochaos.faults import prepare
    from slochaos.faults.fault import Ticket

    dead = dead_process()
    header = {"host": "here", "guard": dead, "watched": dead, "socket": "", "run_dir": ""}
    log = UndoLog.create(state, run_id, header)
    for number in range(1, count + 1):
        toxic = {"type": "latency", "attributes": {"latency": number}}
        parameters = {"proxy": target.allowed.name, "toxics": [toxic]}
        ticket = Ticket(run_id, number, int(time.time()) + 600)
        [change] = changes_of(prepare("toxiproxy", parameters, target.environment(), ticket))
        about = {"name": "slow", "kind": "toxiproxy", "target": target.allowed.name}
        now = {"at": 1.0, "wall": time.time()}
        log.write({"id": str(number), "state": "intended", "operations": [change.to_json()], **about, **now})
        log.write({"id": str(number), "state": "sent", **now})
        change.perform()
        log.write({"id": str(number), "state": "applied", **now})
    log.close()


def test_two_hundred_open_injections_are_recovered_by_one_command(
    shell: Shell, real_toxiproxy: ToxiproxyServerProcess
) -> None:
    """Twenty dead runs with ten toxics each, on twenty proxies of one server, within half a minute."""
    targets = [make_target(real_toxiproxy, name=f"proxy-{number}") for number in range(RUNS)]
    state = shell.state / "slochaos"
    state.mkdir(mode=0o700, exist_ok=True)
    for number, target in enumerate(targets):
        leave_open(state, f"dead-{number}", target, EACH)
        assert len(target.state()["toxics"]) == EACH
    answer = shell.slochaos("recover", "--all", within_s=WITHIN_S)
    assert answer.code == 0, answer
    assert all(target.state()["toxics"] == [] for target in targets)
    assert not list((state / "undo").iterdir())


def test_a_cloned_repository_with_a_state_folder_makes_nothing_happen(
    shell: Shell, real_toxiproxy: ToxiproxyServerProcess
) -> None:
    """Undo logs are this user's, in the state folder: what lies in the working directory is not replayed."""
    target = make_target(real_toxiproxy)
    elsewhere = shell.folder.parent / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    leave_open(elsewhere, "theirs", target, 1)
    for place in (".slochaos", ".slochaos/undo", ".slochaos/runs/theirs", "slochaos", "slochaos/undo"):
        folder = shell.folder / place
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(log_path(elsewhere, "theirs"), folder / "theirs.log")
    for command in (["status"], ["recover", "--all"], ["doctor"]):
        shell.slochaos(*command)
    assert len(target.state()["toxics"]) == 1
    assert (shell.folder / ".slochaos/undo/theirs.log").exists()
