"""Whole runs against a real Toxiproxy and a system under load: what is charged, refused, aborted, survived."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from slochaos.errors import StateError
from slochaos.record import Result
from slochaos.runner.events import AbortDecided, Event, InjectionChanged, Replayed, StepStarted, ToolkitEvent
from slochaos.runner.request import RunRequest
from slochaos.runner.run import run_experiment, run_repeatedly
from tests.integration.loaded_shop import LoadedShop


def run(experiment: Path, on_event: Callable[[Event], None] = lambda _: None, **options: object) -> Result:
    """One run in the environment `shop`."""
    return run_experiment(RunRequest(experiment, environment="shop", **options), on_event)  # type: ignore[arg-type]


def when_in_force(act: Callable[[], object]) -> Callable[[Event], None]:
    """A watcher that acts once, when the fault is in force."""
    done: list[bool] = []

    def watch(event: Event) -> None:
        if isinstance(event, InjectionChanged) and event.state == "applied" and not done:
            done.append(True)
            act()

    return watch


def own_process(module: str) -> psutil.Process:
    """The process of this run that executes a module."""
    return next(p for p in psutil.Process().children() if module in p.cmdline())


def test_the_charge_is_what_the_clients_saw(shop: LoadedShop) -> None:
    """Every failed order of the run is charged, exactly: the clients' own log says the same number."""
    before = shop.load.bad()
    result = run(shop.experiment(objectives={"orders": {"cost": "50%"}}))

    orders = result.objectives[0]
    assert (result.run.status, result.run.exit_code) == ("passed", 0), result.run
    assert orders.charge is not None
    assert orders.charge.bad_gross == shop.load.bad() - before > 50
    assert set(orders.charge.bad_gross_interval) == {orders.charge.bad_gross}
    assert orders.verdict == "kept"
    assert shop.untouched()


def test_the_phases_meet_at_samples(shop: LoadedShop) -> None:
    """Baseline, fault and recovery follow each other without a gap, and each event is in exactly one."""
    result = run(shop.experiment())

    phases = result.objectives[0].phases
    assert phases["baseline"].to == phases["fault"].from_
    assert phases["fault"].to == phases["recovery"].from_
    charge = result.objectives[0].charge
    assert charge is not None
    assert charge.bad_gross == sum(
        (phases[name].total or 0) - (phases[name].good or 0) for name in ("fault", "recovery")
    )
    assert phases["baseline"].good == phases["baseline"].total
    assert result.recovery is not None
    assert result.recovery.seconds is not None


def test_recovery_is_not_claimed_before_anything_was_counted(shop: LoadedShop) -> None:
    """The first page after the undo takes 0.4 s: all held by then, at some time in those 0.4 s, and not at once."""
    shop.load.page_takes_s = 0.4
    result = run(shop.experiment())

    assert result.recovery is not None
    assert result.recovery.seconds is not None
    assert result.recovery.seconds >= 0.4
    assert result.recovery.resolution_seconds >= 0.4


def test_the_record_tells_the_injection(shop: LoadedShop) -> None:
    """The injection stands with its evidence, its times and a verified undo; the journal is Chaos Toolkit's."""
    result = run(shop.experiment("1s"))

    (injection,) = result.injections
    assert injection.undo == "verified"
    assert "refused" in injection.evidence
    assert injection.applied is not None
    assert injection.undone is not None
    assert result.chaos_toolkit is not None
    assert result.chaos_toolkit.status == "completed"
    folder = shop.folder / ".slochaos" / "runs" / result.run.id
    assert json.loads((folder / "result.json").read_text())["run"]["status"] == "passed"
    assert {"journal.json", "events.ndjson", "samples.ndjson", "experiment.json"} <= {
        p.name for p in folder.iterdir()
    }
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_a_cost_rule_cuts_the_fault_short(shop: LoadedShop) -> None:
    """When the charge with what the undo adds exceeds the rule, everything is undone at once and the run failed."""
    seen: list[Event] = []
    result = run(shop.experiment("30s", objectives={"orders": {"cost": "0.1%"}}), seen.append)

    assert (result.run.status, result.run.exit_code) == ("failed", 1)
    assert result.abort is not None
    assert "cost" in result.abort.condition
    assert result.abort.latency_ms is not None
    assert any(isinstance(event, AbortDecided) for event in seen)
    assert shop.untouched()


def test_a_floor_that_is_shown_to_be_broken_cuts_the_fault_short(shop: LoadedShop) -> None:
    """`hold` acts on the always-valid test, long before the fault's planned end."""
    result = run(shop.experiment("30s", objectives={"orders": {"hold": "90%"}}))

    assert (result.run.status, result.objectives[0].verdict) == ("failed", "breached")
    assert "floor" in (result.abort.condition if result.abort else "")
    (injection,) = result.injections
    assert injection.undone is not None
    assert injection.undone < injection.expires
    assert shop.untouched()


def test_a_broken_system_is_left_alone(shop: LoadedShop) -> None:
    """A baseline that breaches an objective refuses the run: nothing is injected."""
    shop.load.broken = True
    result = run(shop.experiment(baseline="2s"))

    assert (result.run.status, result.run.exit_code) == ("refused", 4)
    assert "before any fault" in result.run.reason
    assert result.injections == ()


def test_a_floor_that_the_traffic_cannot_show_is_refused(shop: LoadedShop) -> None:
    """The power check names the ways out; --allow-underpowered goes on, and the floor ends unproven."""
    experiment = shop.experiment("0.3s", "nothing_much", objectives={"orders": {"hold": "99.9%"}})
    attributes = {"latency": 1, "jitter": 0}
    toxic = {"type": "latency", "stream": "downstream", "toxicity": 1.0, "attributes": attributes}
    shop.write("toxics/nothing_much.json", {"proxy": "shop", "toxics": [toxic]})

    refused = run(experiment)
    assert (refused.run.status, refused.injections) == ("refused", ())
    assert "longer" in refused.run.hint
    assert "--allow-underpowered" in refused.run.hint

    allowed = run(experiment, allow_underpowered=True)
    assert (allowed.run.status, allowed.objectives[0].verdict) == ("inconclusive", "unproven")
    assert shop.untouched()


def test_a_placebo_takes_the_whole_time_and_breaks_nothing(shop: LoadedShop) -> None:
    """The same timeline without the fault: no order fails."""
    before = shop.load.bad()
    result = run(shop.experiment(), placebo=True)

    assert (result.run.status, result.run.placebo) == ("passed", True), result.run
    assert shop.load.bad() == before


def test_repeats_are_charged_each_for_itself(shop: LoadedShop) -> None:
    """Two runs on one start of the system: ids of their own, charges of their own."""
    request = RunRequest(shop.experiment("0.5s"), environment="shop", repeat=2, run_id="twice")
    first, second = run_repeatedly(request, lambda _: None)

    assert (first.run.id, second.run.id) == ("twice", "twice-2")
    assert [len(result.injections) for result in (first, second)] == [1, 1]
    charges = [result.objectives[0].charge for result in (first, second)]
    assert all(charge is not None and 20 < charge.bad_gross < 150 for charge in charges), charges
    assert shop.untouched()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_in_order(shop: LoadedShop, number: signal.Signals) -> None:
    """Everything is undone and recorded; the exit code is 128 + the signal, for the caller to die of it."""
    result = run(shop.experiment("30s"), when_in_force(lambda: os.kill(os.getpid(), number)))

    assert (result.run.status, result.run.exit_code) == ("interrupted", 128 + number)
    assert result.injections[0].undo == "verified"
    assert result.objectives[0].charge is not None
    assert shop.untouched()


def test_sigquit_ends_the_run_as_sigint_does(shop: LoadedShop) -> None:
    """A core dump would undo nothing, so none is made."""
    result = run(shop.experiment("30s"), when_in_force(lambda: os.kill(os.getpid(), signal.SIGQUIT)))

    assert (result.run.status, result.run.exit_code) == ("interrupted", 128 + signal.SIGINT)
    assert result.injections[0].undo == "verified"
    assert shop.untouched()


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_a_signal_that_only_asks_ends_nothing(shop: LoadedShop, number: signal.Signals) -> None:
    """The run goes on to its end, and to its verdict."""
    result = run(shop.experiment("0.5s"), when_in_force(lambda: os.kill(os.getpid(), number)))

    assert result.run.status == "passed", result.run
    assert shop.untouched()


def test_a_guard_that_is_killed_is_replaced(shop: LoadedShop) -> None:
    """The supervisor takes over and undoes by itself; the run is an error, and nothing is in force."""

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGCONT)  # which stops nothing
        own_process("slochaos.guard.process").kill()

    result = run(shop.experiment("30s"), when_in_force(kill))

    assert (result.run.status, result.run.exit_code) == ("error", 7)
    assert "guard" in result.run.reason
    assert "stopped for" not in result.run.reason
    assert result.injections[0].undo == "verified"
    assert shop.untouched()


@pytest.mark.parametrize("step", ["fault", "recovery"])
def test_a_run_whose_guard_ended_it_early_has_not_passed(shop: LoadedShop, step: str) -> None:
    """The guard undoes, and answers while it waits for a service to stop; the experiment completes meanwhile."""
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    service = {"name": "stubborn", "command": [sys.executable, "-c", stubborn]}
    shop.write("environments/shop.yaml", shop.environment(services=[service]))

    def terminate(event: Event) -> None:
        applied = isinstance(event, InjectionChanged) and event.state == "applied"
        recovering = isinstance(event, StepStarted) and event.step == "recovery"
        if applied if step == "fault" else recovering:
            own_process("slochaos.guard.process").terminate()

    result = run(shop.experiment("30s" if step == "fault" else "0.5s"), terminate)

    assert (result.run.status, result.run.exit_code) == ("error", 7), result.run
    assert "guard" in result.run.reason
    assert [each.undo for each in result.injections] == ["verified"]
    assert shop.untouched()


def test_an_executor_that_is_killed_leaves_a_journal(shop: LoadedShop) -> None:
    """The fault ends at once; journal.json is written from the events that the executor had sent."""
    kill = when_in_force(lambda: own_process("slochaos.runner.child").kill())
    result = run(shop.experiment("30s"), kill)

    assert (result.run.status, result.run.exit_code) == ("error", 7)
    assert shop.untouched()
    assert result.chaos_toolkit is not None
    journal = json.loads(Path(result.chaos_toolkit.journal).read_text())
    assert journal["status"] == "interrupted"
    assert journal["run"][0]["activity"]["name"] == "down"


def test_an_executor_that_is_stopped_is_not_waited_for(shop: LoadedShop) -> None:
    """SIGSTOP of the executor ends the run as aborted, and not by its deadline."""
    stop = when_in_force(lambda: own_process("slochaos.runner.child").suspend())
    result = run(shop.experiment("30s"), stop)

    assert (result.run.status, result.run.exit_code) == ("aborted", 5)
    assert "the process that executes the experiment was stopped" in result.run.reason
    assert shop.untouched()


def test_an_executor_that_is_stopped_while_it_starts_is_not_waited_for(
    shop: LoadedShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops at its first breath: the run ends with an error that says so, long before its patience ends."""
    stop = f"os.kill(os.getpid(), {signal.SIGSTOP:d})"
    hook = f'import os, sys\nif "slochaos.runner.child" in sys.orig_argv:\n    {stop}\n'
    (shop.folder / "hook").mkdir()
    (shop.folder / "hook" / "sitecustomize.py").write_text(hook)
    monkeypatch.setenv("PYTHONPATH", str(shop.folder / "hook"))
    result = run(shop.experiment("0.3s"))

    assert (result.run.status, result.run.exit_code) == ("error", 7)
    assert "the executor was stopped" in result.run.reason
    assert shop.untouched()


def test_nothing_of_a_run_goes_on_after_it(shop: LoadedShop) -> None:
    """Guard, executor and all that an experiment left in the background are gone when the run returns."""
    experiment = shop.experiment("0.3s")
    document = json.loads(experiment.read_text())
    sleeper = {"type": "process", "path": "sleep", "arguments": "61.5"}
    document["method"].insert(0, {"type": "action", "name": "left", "background": True, "provider": sleeper})
    experiment.write_text(json.dumps(document))

    watch = when_in_force(lambda: os.kill(os.getpid(), signal.SIGTERM))
    result = run(experiment, watch, allow_foreign=("process:sleep",))

    assert result.run.status == "interrupted", result.run
    assert [p.cmdline() for p in psutil.process_iter() if "61.5" in _command(p)] == []
    assert [p for p in psutil.Process().children() if "slochaos.guard.process" in _command(p)] == []


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_record_that_cannot_be_made_says_why(shop: LoadedShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect in making the record: the fault is undone, and the defect is named, not hidden by another."""

    def broken(_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr("slochaos.runner.recording.record", broken)

    with pytest.raises(StateError, match="ended without a record: an unexpected ZeroDivisionError: a defect"):
        run(shop.experiment("0.5s"))
    assert shop.untouched()


def test_a_watcher_that_hangs_costs_nothing(shop: LoadedShop) -> None:
    """A terminal that does not take events, or breaks, does not hold up the run."""
    released = threading.Event()

    def hang(_: Event) -> None:
        released.wait(30)
        raise OSError("the terminal is gone")

    result = run(shop.experiment("0.5s"), hang)
    released.set()

    assert result.run.status == "passed"
    assert shop.untouched()


def test_the_steps_come_in_their_order(shop: LoadedShop) -> None:
    """What is told to watchers follows the steps; Chaos Toolkit's events keep their own names."""
    seen: list[Event] = []
    run(shop.experiment(), seen.append)

    steps = [event.step for event in seen if isinstance(event, StepStarted)]
    assert steps == [
        "load",
        "environment",
        "replay",
        "budget",
        "plan",
        "baseline",
        "fault",
        "undo",
        "recovery",
    ]
    names = [event.name for event in seen if isinstance(event, ToolkitEvent)]
    assert names[:2] == ["run-started", "method-started"]
    assert "activity-completed" in names


def test_a_run_id_is_taken_once(shop: LoadedShop) -> None:
    """The record of a run is never overwritten by another one's."""
    experiment = shop.experiment("0.2s")
    first = run(experiment, run_id="mine")
    again = run(experiment, run_id="mine")

    assert first.run.status == "passed"
    assert (again.run.status, again.run.exit_code) == ("invalid", 2)
    assert shop.untouched()


def test_what_an_earlier_run_left_is_undone_first(shop: LoadedShop) -> None:
    """A fault whose three processes all died at once is undone by the next run, before its baseline."""
    command = [str(Path(sys.executable).parent / "slochaos"), "run", str(shop.experiment("60s")), "--quiet"]
    dead = subprocess.Popen(
        [*command, "--environment", "shop"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _wait_until(lambda: not shop.toxiproxy.call("GET", "/proxies")[1]["shop"]["enabled"])
    family = [psutil.Process(dead.pid), *psutil.Process(dead.pid).children(recursive=True)]
    for process in family:
        process.suspend()
    for process in family:
        process.kill()
    dead.wait()
    assert not shop.untouched()

    seen: list[Event] = []
    result = run(shop.experiment("0.3s"), seen.append)

    assert [(event.target[:9], event.state) for event in seen if isinstance(event, Replayed)][:1] == [
        ("toxiproxy", "undone")
    ]
    assert result.run.status == "passed", result.run
    assert shop.untouched()


def test_a_run_that_was_stopped_for_a_while_has_not_passed(shop: LoadedShop) -> None:
    """The guard undoes and ends the run of a stopped supervisor, which says for how long it was stopped."""
    command = [str(Path(sys.executable).parent / "slochaos"), "run", str(shop.experiment("60s")), "--quiet"]
    options = ["--environment", "shop", "--run-id", "stopped"]
    supervisor = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _wait_until(lambda: not shop.toxiproxy.call("GET", "/proxies")[1]["shop"]["enabled"])
    supervisor.send_signal(signal.SIGSTOP)
    _wait_until(shop.untouched)
    time.sleep(0.5)
    supervisor.send_signal(signal.SIGCONT)

    assert supervisor.wait(60) == 7
    record = json.loads((shop.folder / ".slochaos/runs/stopped/result.json").read_text())
    assert record["run"]["status"] == "error"
    assert re.search(r"this process was stopped for \d+\.\d s, so its guard undid", record["run"]["reason"])
    assert "the guard died" not in record["run"]["reason"]
    assert [each["undo"] for each in record["injections"]] == ["verified"]
    assert shop.untouched()


FINISH_AND_DIE = """
import os, signal
from slochaos.__main__ import main
from slochaos.runner import run

def finish_and_die(state, finish=run.finish_system):
    finish(state)
    os.kill(os.getpid(), signal.SIGKILL)

run.finish_system = finish_and_die
main()
"""


def test_a_run_that_is_killed_after_its_guard_ended_leaves_a_record(shop: LoadedShop) -> None:
    """Nobody is left then who would write one: what was known before stands, and is called provisional."""
    experiment = shop.experiment("0.5s", objectives={"orders": {"cost": "60%"}})
    options = ["--environment", "shop", "--run-id", "killed", "--quiet"]
    died = subprocess.run(
        [sys.executable, "-c", FINISH_AND_DIE, "run", str(experiment), *options], check=False
    )
    assert died.returncode == -signal.SIGKILL

    record = json.loads((shop.folder / ".slochaos/runs/killed/result.json").read_text())
    assert record["run"]["provisional"]
    assert (record["run"]["status"], record["run"]["exit_code"]) == ("error", 7)
    assert [each["verdict"] for each in record["objectives"]] == ["kept"]
    assert [each["undo"] for each in record["injections"]] == ["verified"]
    slochaos = str(Path(sys.executable).parent / "slochaos")
    for command in (["show", "killed"], ["history"]):
        told = subprocess.run([slochaos, *command], check=True, capture_output=True, text=True).stdout
        assert "(provisional)" in told
    assert shop.untouched()


def test_a_run_that_ends_replaces_its_provisional_record(shop: LoadedShop) -> None:
    """What stands in the run's folder is the result, with nothing provisional about it."""
    result = run(shop.experiment("0.5s"))

    record = json.loads((shop.folder / f".slochaos/runs/{result.run.id}/result.json").read_text())
    assert (record["run"]["status"], record["run"]["provisional"]) == ("passed", False)


def _wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
