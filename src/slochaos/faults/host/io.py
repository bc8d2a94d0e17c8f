"""A disk kept busy: by processes that write past every cache, over and over into the same bounded space."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import psutil

from slochaos import clock
from slochaos.errors import Refused
from slochaos.faults.fault import Ticket
from slochaos.faults.host import room, stress
from slochaos.faults.host.folder import Folder, FolderFault, allowed
from slochaos.faults.host.stress import Stress
from slochaos.faults.injection import Injection
from slochaos.faults.operation import Sight
from slochaos.faults.parameters import parameter, text, whole
from slochaos.spec.environment import Environment

LOOK_S = 0.5
SPAN = 64 * 1024 * 1024
"""Bytes that each worker takes."""


@dataclass(frozen=True)
class Write(Stress):
    """`workers` processes that write `span` bytes each, again and again, as fast as the disk takes them."""

    kind: ClassVar[str] = "host.io"
    evidence_noun: ClassVar[str] = "looks found it writing"
    folder: str
    workers: int
    span: int

    def arguments(self) -> tuple[str, ...]:
        """Where, how many, how much."""
        return ("io", self.folder, str(self.workers), str(self.span))

    def check(self) -> None:
        """See that there is a disk, with room for what is written over and over."""
        if room.lies_in_memory(self.folder):
            raise Refused(f"{self.folder} lies in memory: there is no disk to keep busy", reason="no-effect")
        room.disk(self.folder).check(self.workers * self.span)

    def look(self) -> Sight | None:
        """The bytes that the kernel says they wrote to the disk over half a second."""
        began, before = clock.now(), self._written()
        time.sleep(LOOK_S)
        passed, after = clock.now() - began, self._written()
        written = sum(after[pid] - before[pid] for pid in before.keys() & after.keys())
        return Sight(written > 0, written / passed)

    def size_text(self, size: float) -> str:
        """The rate; nothing was asked but as much as the disk takes."""
        return f"{room.in_words(size)}/s written"

    def _written(self) -> dict[int, int]:
        written = {}
        for process in self.processes():
            with suppress(psutil.Error):
                written[process.pid] = process.io_counters().write_bytes
        return written


@dataclass(frozen=True)
class Writing:
    """`target`: a folder's name in the allow-list; `workers`: how many processes write at once."""

    target: str = parameter(text)
    workers: int = parameter(whole(1, 64), default=1)


class IoFault(FolderFault):
    """A neighbour's backup."""

    kind = "host.io"
    summary = "keeps a disk of this host busy with writes"
    parameters = Writing

    def prepare(self, given: Mapping[str, Any], environment: Environment, ticket: Ticket) -> Injection:
        """The disk of the folder that the environment lists under this name."""
        asked = self.read(given)
        entry = allowed(asked.target, environment)
        folder = Folder.of(entry)
        write = Write(*stress.lives_until(ticket), folder=folder.path, workers=asked.workers, span=SPAN)
        return folder.injection(entry, lambda _: (write,))


FAULT = IoFault()
OPERATIONS = (Write,)
