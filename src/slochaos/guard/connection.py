"""One socket to a guard, and the values that come over it."""

from __future__ import annotations

import itertools
import queue
import select
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slochaos import clock
from slochaos.errors import GuardError
from slochaos.guard import wire
from slochaos.guard.undolog import FINISHED

ANSWER_S = 5.0
SILENCE_S = 2.0


@dataclass(frozen=True)
class GuardEvent:
    """Something that the guard did or saw. `at` is an instant of `clock.now`, `injection` an id or empty."""

    kind: str
    at: float
    wall: float
    injection: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class InjectionState:
    """One injection as the guard last knew it. Times are pairs (instant, epoch seconds)."""

    id: str
    name: str
    kind: str
    target: str
    state: str
    expires_wall: float
    times: Mapping[str, tuple[float, float]]
    looks: int
    seen: int
    evidence: str
    by_hand: str
    detail: str

    @classmethod
    def from_report(cls, report: Mapping[str, Any]) -> InjectionState:
        """From the guard's own JSON."""
        times = {name: (float(at), float(wall)) for name, (at, wall) in report["times"].items()}
        return cls(**{**report, "times": times})

    @property
    def finished(self) -> bool:
        """Whether nothing of it can be in force."""
        return self.state in FINISHED

    @property
    def intended(self) -> tuple[float, float] | None:
        """When it was written down, before anything was sent."""
        return self.times.get("intended")

    @property
    def applied(self) -> tuple[float, float] | None:
        """When it was read back in force."""
        return self.times.get("applied")

    @property
    def undone(self) -> tuple[float, float] | None:
        """When its undo was first verified."""
        return next((self.times[s] for s in ("settling", *sorted(FINISHED)) if s in self.times), None)


class Connection:
    """One socket to a guard: answers by request number, events and beats on the side."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(ANSWER_S)
            self._socket.connect(str(path))
            self._socket.settimeout(None)
        except OSError as error:
            self._socket.close()
            raise GuardError(f"the guard at {path} does not answer: {error.strerror or error}") from error
        self._numbers = itertools.count(1)
        self._sending = threading.Lock()
        self._answers: dict[int, queue.SimpleQueue[Mapping[str, Any] | None]] = {}
        self.events: queue.SimpleQueue[GuardEvent] = queue.SimpleQueue()
        self.last_beat = clock.now()
        self.closed = threading.Event()
        self._reader = threading.Thread(target=self._read, name="guard answers", daemon=True)
        self._reader.start()

    def send(self, call: str, **arguments: Any) -> int:
        """Send a request without waiting; its number. Raises GuardError when the guard is gone."""
        number = next(self._numbers)
        self._answers[number] = queue.SimpleQueue()
        line = wire.encode({"id": number, "call": call, **arguments})
        try:
            with self._sending:
                if not select.select([], [self._socket], [], SILENCE_S)[1]:
                    raise GuardError("the guard takes no requests any more")
                self._socket.sendall(line)
        except (OSError, ValueError) as error:
            raise GuardError("the guard is gone") from error
        return number

    def answer(self, number: int, timeout_s: float | None) -> Any:
        """The answer to a request. Raises what the guard raised; TimeoutError when there is none in time."""
        try:
            message = self._answers[number].get(timeout=timeout_s)
        except queue.Empty:
            raise TimeoutError from None
        del self._answers[number]
        if message is None:
            raise GuardError("the guard is gone")
        if "error" in message:
            raise wire.error_from_json(message["error"])
        return message.get("ok")

    def ask(self, call: str, timeout_s: float | None = ANSWER_S, **arguments: Any) -> Any:
        """Send a request and wait for its answer. Raises GuardError when there is none in time."""
        number = self.send(call, **arguments)
        try:
            return self.answer(number, timeout_s)
        except TimeoutError:
            raise GuardError(f"the guard has not answered {call!r} for {timeout_s:g} s") from None

    def beat(self) -> None:
        """A sign of life, without an answer to wait for."""
        number = self.send("beat")
        self._answers.pop(number, None)

    def next_event(self) -> GuardEvent | None:
        """The oldest event that nobody has taken; None when there is none. Never waits."""
        try:
            return self.events.get_nowait()
        except queue.Empty:
            return None

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        if threading.current_thread() is not self._reader:
            self._reader.join(timeout=ANSWER_S)

    def _read(self) -> None:
        buffer = b""
        with suppress(OSError, GuardError):
            while chunk := self._socket.recv(65536):
                *lines, buffer = (buffer + chunk).split(b"\n")
                for line in lines:
                    self._take(wire.decode(line))
        self.closed.set()
        for waiting in list(self._answers.values()):
            waiting.put(None)

    def _take(self, message: Mapping[str, Any]) -> None:
        if "event" in message:
            self.events.put(GuardEvent(**message["event"]))
        elif "beat" in message:
            self.last_beat = clock.now()
        elif message.get("id") in self._answers:
            self._answers[message["id"]].put(message)
