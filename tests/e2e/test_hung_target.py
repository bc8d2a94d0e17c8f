"""A run whose target hangs while the run has to end: what is said meanwhile."""

from __future__ import annotations

import signal
from typing import IO

from tests.e2e.small_system import SmallSystem, experiment


def test_a_signal_is_answered_at_once_with_what_is_waited_for(small_system: SmallSystem) -> None:
    """The API hangs: at the first signal and at the second one the target, the time and the way by hand are said."""
    small_system.write("experiments/down.json", experiment({"duration": "60s"}, objectives={}))
    run = small_system.shell.start("run", "experiments/down.json", "--environment", "shop")
    assert run.stderr is not None
    server = small_system.toxiproxy.process
    try:
        _read_until(run.stderr, "in force: down")
        server.send_signal(signal.SIGSTOP)
        run.send_signal(signal.SIGTERM)
        first = _read_until(run.stderr, "by hand: ")
        run.send_signal(signal.SIGTERM)
        second = _read_until(run.stderr, "by hand: ")
    finally:
        server.send_signal(signal.SIGCONT)
        run.communicate(timeout=60)

    assert first[-2].startswith("  SIGTERM: undone: 0 of 1; trying down on toxiproxy shop (")
    assert first[-2].rstrip().endswith(" for up to 30 s")
    assert "/proxies/shop/toxics/slochaos-" in first[-1]
    assert second[-2].startswith("  undone: 0 of 1; trying down on toxiproxy shop (")
    assert second[-1] == first[-1]
    assert run.returncode == -signal.SIGTERM
    assert small_system.untouched()


def _read_until(stream: IO[str], text: str) -> list[str]:
    """The lines up to the first one with `text`."""
    lines = []
    for line in stream:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"nothing said {text!r}: {lines}")
