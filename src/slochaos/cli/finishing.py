"""For commands that change targets without a guard: a first Ctrl-C waits for the end of what was begun."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from slochaos.cli.streams import say

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@contextmanager
def finishing_first(what: str) -> Iterator[None]:
    """Let the block end before a signal ends the process; `what` is under way. A second signal ends it at once.

    An undo that is cut between two requests can leave a proxy down that it meant to restart.
    """
    asked: list[int] = []
    old: dict[int, Any] = {}

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - Python's signature
        if asked:
            _end_by(number)
        asked.append(number)
        say(f"{signal.Signals(number).name}: {what} first. The same signal again ends this at once.")

    for ending in _ENDING:
        if signal.getsignal(ending) != signal.SIG_IGN:
            old[ending] = signal.signal(ending, note)
    try:
        yield
    finally:
        for restored, handler in old.items():
            signal.signal(restored, handler)
        if asked:
            _end_by(asked[0])


def _end_by(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
