"""Any command as the fault: measured, passed through, ended when it has to be."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import psutil
import pytest

from slochaos.errors import InvalidInput
from slochaos.record import Result
from slochaos.runner.command import MeasuredCommand
from slochaos.runner.events import Event, StepStarted
from slochaos.runner.request import RunRequest
from slochaos.runner.run import run_experiment
from slochaos.spec.rules import Rule
from tests.guarded import wait_until
from tests.integration.loaded_shop import LoadedShop


def measure(
    *arguments: str,
    rules: tuple[Rule, ...] = (),
    on_event: Callable[[Event], None] = lambda _: None,
    timeout_s: float = 60.0,
) -> Result:
    """One measured command in the environment `shop`."""
    command = MeasuredCommand(arguments, rules, baseline_s=1.0, recovery_s=5.0, timeout_s=timeout_s)
    request = RunRequest(Path("measure"), environment="shop", measured=command)
    return run_experiment(request, on_event)


def sh(script: str) -> tuple[str, str, str]:
    return "sh", "-c", script


def cut_off(shop: LoadedShop, seconds: float) -> tuple[str, ...]:
    """A command that does what no tool should: it switches the shop's proxy off for a while, by itself."""
    url = f"{shop.toxiproxy.url}/proxies/shop"
    script = (
        "import json, time, urllib.request as r\n"
        "def switch(on):\n"
        f"    r.urlopen(r.Request({url!r}, json.dumps({{'enabled': on}}).encode(), method='POST'))\n"
        f"switch(False); time.sleep({seconds}); switch(True)"
    )
    return sys.executable, "-c", script


def test_a_command_is_charged_as_a_fault_is(shop: LoadedShop) -> None:
    """Its failures are counted exactly; the record names the command and how it ended."""
    before = shop.load.bad()
    result = measure(*cut_off(shop, 1.0), rules=(Rule("orders", cost=Fraction("0.5")),))
    charge = result.objectives[0].charge
    assert (result.run.status, result.run.exit_code) == ("passed", 0), result.run
    assert charge is not None
    assert charge.bad_gross == shop.load.bad() - before > 50
    assert result.measured is not None
    assert (result.measured.exit_status, result.chaos_toolkit) == (0, None)


def test_a_command_that_costs_too_much_is_ended(shop: LoadedShop) -> None:
    """The cost rule cuts it short: its whole tree is gone, and the run has failed."""
    child = shop.folder / "child.pid"
    script = f"trap '' TERM; (trap '' TERM; sleep 60) & echo $! > {child}; wait; sleep 60"
    shop.load.broken = False

    def break_it(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == "fault":
            shop.load.broken = True

    result = measure(*sh(script), rules=(Rule("orders", cost=Fraction("0.0005")),), on_event=break_it)
    assert result.run.status == "failed", result.run
    assert result.abort is not None
    assert wait_until(lambda: not psutil.pid_exists(int(child.read_text())))


@pytest.mark.parametrize(
    ("script", "said"), [("exit 4", "exited with 4"), ("kill -9 $$", "ended by SIGKILL")]
)
def test_a_command_that_fails_leaves_no_verdict(shop: LoadedShop, script: str, said: str) -> None:
    """What was measured is the cost of an attempt: inconclusive, with how it ended as the reason."""
    result = measure(*sh(script), rules=(Rule("orders", cost=Fraction("0.5")),))
    assert (result.run.status, result.run.exit_code) == ("inconclusive", 3)
    assert said in result.run.reason
    assert result.objectives[0].verdict == "kept"


def test_a_broken_promise_outranks_a_failed_command(shop: LoadedShop) -> None:
    """Exit code 1, though the command failed too: what was established stays."""
    script = "sleep 1; exit 3"
    shop.load.broken = False

    def break_it(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == "fault":
            shop.load.broken = True

    result = measure(*sh(script), rules=(Rule("orders", hold=Fraction("0.5")),), on_event=break_it)
    assert result.run.exit_code == 1, result.run


def test_a_command_that_takes_too_long_is_ended(shop: LoadedShop) -> None:
    """A guard rail: aborted, exit code 5."""
    result = measure("sleep", "60", timeout_s=1.0)
    assert (result.run.status, result.run.exit_code) == ("aborted", 5), result.run
    assert "still running after 1 s" in result.run.reason


def test_a_signal_is_passed_on(shop: LoadedShop) -> None:
    """The command gets what we got, and the time to clean up."""
    cleaned = shop.folder / "cleaned"
    script = f"trap 'echo yes > {cleaned}; exit 0' INT; while :; do sleep 0.05; done"

    def interrupt(event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == "fault":
            threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT)).start()

    result = measure(*sh(script), on_event=interrupt)
    assert (result.run.status, result.run.exit_code) == ("interrupted", 130), result.run
    assert cleaned.read_text() == "yes\n"


def test_what_a_command_leaves_in_the_background_goes_on(shop: LoadedShop) -> None:
    """A rollout may start what has to stay: only a command that has to be ended takes its tree along."""
    left = shop.folder / "left.pid"
    result = measure(*sh(f"sleep 30 & echo $! > {left}"))
    assert result.run.status == "passed", result.run
    background = psutil.Process(int(left.read_text()))
    assert background.is_running()
    background.kill()


def test_a_command_that_is_not_there_is_invalid() -> None:
    """Nothing is started for it; the message says that no shell stands between."""
    with pytest.raises(InvalidInput, match="no command 'rollout now'") as caught:
        MeasuredCommand(("rollout now",)).experiment()
    assert "sh -c" in caught.value.hint
