"""A harmless question that is asked through a proxy, to see what its toxics do to the answer.

The question is one that the server behind the proxy answers to anybody, at once, and does not log as an error.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from slochaos.spec.endpoints import is_loopback

PATIENCE_S = 0.5
LONGEST_S = 2.0
_TOO_EARLY_MS = 1.0
_ENOUGH = 65_536


@dataclass(frozen=True)
class Question:
    """What is sent, and how long the answer is; 0 if it is as long as the server says, which then closes."""

    text: bytes
    answer_bytes: int = 0


QUESTIONS = {
    # PostgreSQL's SSLRequest is answered by `S` or `N`, whereupon a client may leave without a word.
    "postgres": Question(struct.pack("!ii", 8, 80877103), answer_bytes=1),
    "http": Question(b"HEAD / HTTP/1.0\r\n\r\n"),
}


@dataclass(frozen=True)
class Heard:
    """What came back: milliseconds until its first byte (None: nothing did), and how many bytes."""

    first_ms: float | None
    received: int


@dataclass(frozen=True)
class Effect:
    """What toxics leave of an answer: so many milliseconds of delay, at most so many bytes (None: all)."""

    least_ms: float = 0.0
    most_ms: float = 0.0
    bytes: int | None = None

    @classmethod
    def of(cls, toxics: Sequence[Mapping[str, Any]]) -> Effect | None:
        """None where no answer can tell: a share of the connections, or what shows in long answers and ends only."""
        kinds = {toxic["type"] for toxic in toxics}
        if any(toxic["toxicity"] < 1 for toxic in toxics):
            return None
        if kinds & {"timeout", "reset_peer"}:
            return cls(bytes=0)
        limits = [toxic["attributes"]["bytes"] for toxic in toxics if toxic["type"] == "limit_data"]
        delays = [toxic["attributes"] for toxic in toxics if toxic["type"] == "latency"]
        if not limits and not delays:
            return None
        return cls(
            least_ms=sum(max(0, each.get("latency", 0) - each.get("jitter", 0)) for each in delays),
            most_ms=sum(each.get("latency", 0) + each.get("jitter", 0) for each in delays),
            bytes=min(limits, default=None),
        )

    @property
    def wait_s(self) -> float:
        """How long to wait for the whole answer."""
        return min(LONGEST_S, self.most_ms / 1000 + PATIENCE_S)

    def is_in(self, heard: Heard) -> bool:
        """Whether the answer is as late and as short as that."""
        late = heard.first_ms is None or heard.first_ms >= self.least_ms - _TOO_EARLY_MS
        return late and (self.bytes is None or heard.received <= self.bytes)

    def size(self, heard: Heard) -> float | None:
        """Milliseconds until the answer where it is delayed, else its bytes; None where there is no answer."""
        return heard.first_ms if self.most_ms or not heard.received else heard.received

    def size_text(self, size: float) -> str:
        """What was measured, beside what was asked."""
        if self.most_ms:
            return f"answers after {size:.0f} ms (asked: {self.least_ms:g} to {self.most_ms:g} ms of delay)"
        return f"{size:.0f} bytes of the answer (asked: {self.bytes} at most)"


def reached_at(listen: str, server: str) -> tuple[str, int] | None:
    """Where a proxy is reached from here; None where it listens on the loopback of another host."""
    named, _, port = listen.rpartition(":")
    host, there = named.strip("[]").lower(), urlsplit(server).hostname or ""
    if host in ("", "0.0.0.0", "::"):  # noqa: S104
        return there, int(port)
    return None if is_loopback(host) and not is_loopback(there) else (host, int(port))


def ask(address: tuple[str, int], question: str, wait_s: float = PATIENCE_S) -> Heard:
    """Ask one of QUESTIONS over a connection of its own. Raises OSError where no connection comes about."""
    asking = QUESTIONS[question]
    with socket.create_connection(address, timeout=PATIENCE_S) as client:
        asked = time.monotonic()
        first_ms, received = None, 0
        with suppress(OSError):  # a reset or a timeout: what was heard until then counts
            client.sendall(asking.text)
            while received < (asking.answer_bytes or _ENOUGH):
                client.settimeout(max(0.001, asked + wait_s - time.monotonic()))
                data = client.recv(_ENOUGH)
                if not data:
                    break
                received += len(data)
                first_ms = first_ms or (time.monotonic() - asked) * 1000
        return Heard(first_ms, received)
