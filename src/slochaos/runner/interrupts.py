"""Signals to the supervisor, as facts that its loop looks at: nothing is cut short half-way.

SIGINT, SIGTERM and SIGHUP end the run in order, SIGQUIT as SIGINT does: a core dump would undo nothing. A
second one only asks how far the undo is, as SIGUSR1 and SIGUSR2 do. SIGTSTP undoes before the process stops: a
stopped supervisor cannot watch. SIGCONT tells that it was stopped all the same (SIGSTOP). A closed pipe (SIGPIPE)
is no reason to stop.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_ASKING = (signal.SIGUSR1, signal.SIGUSR2)
_AS = {signal.SIGQUIT: signal.SIGINT}


class Interrupted(BaseException):
    """The run has to end because of a signal. Raised by the steps, never by a handler."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class Interrupts:
    """Installs the handlers for a `with` block and puts the old ones back.

    Outside the main thread nothing is installed: whoever embeds a run keeps the signals.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.asked_again = 0
        self.stop_asked = False
        self.continued = False
        self._old: dict[int, Any] = {}
        self._reading, self._writing = os.pipe()
        self._old_wakeup = -1

    def fileno(self) -> int:
        """Readable when a signal arrived, for `select`."""
        return self._reading

    @property
    def asked(self) -> int:
        """How many signals wanted to know, or wanted the end."""
        return (self.number is not None) + self.asked_again

    def check(self) -> None:
        """Raise Interrupted if the run was asked to end."""
        if self.number is not None:
            raise Interrupted(self.number)

    def drain(self) -> None:
        """Empty the pipe that wakes the loop."""
        try:
            while os.read(self._reading, 512):
                pass
        except BlockingIOError:
            pass

    def stop_this_process(self) -> None:
        """What SIGTSTP asked for, done when the faults are undone."""
        self.stop_asked = False
        os.kill(os.getpid(), signal.SIGSTOP)

    def __enter__(self) -> Interrupts:
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)
        if threading.current_thread() is threading.main_thread():
            self._old_wakeup = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
            for number in (*_ENDING, *_ASKING, signal.SIGTSTP, signal.SIGCONT):
                # `nohup` and background jobs of a shell ignore some on purpose.
                if signal.getsignal(number) != signal.SIG_IGN:
                    self._old[number] = signal.signal(number, self._received)
            self._old[signal.SIGPIPE] = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._old:
            signal.set_wakeup_fd(self._old_wakeup)
        for number, handler in self._old.items():
            signal.signal(number, handler)
        os.close(self._reading)
        os.close(self._writing)

    def _received(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - Python's signature
        if number == signal.SIGTSTP:
            self.stop_asked = True
        elif number == signal.SIGCONT:
            self.continued = True
        elif self.number is None and number not in _ASKING:
            self.number = _AS.get(signal.Signals(number), number)
        else:
            self.asked_again += 1
