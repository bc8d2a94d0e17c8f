"""Disk space used up: by a file without a name, which the kernel removes when the process that holds it ends."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

from slochaos.errors import InvalidInput, Refused, TargetError, TargetNotAllowed
from slochaos.faults.fault import Ticket
from slochaos.faults.host import room, stress
from slochaos.faults.host.folder import Folder, FolderFault, allowed, check_not_our_own
from slochaos.faults.host.stress import READY_S, Stress
from slochaos.faults.injection import Injection
from slochaos.faults.operation import Sight
from slochaos.faults.parameters import parameter, size, text
from slochaos.spec.environment import Environment

SLOWEST_BYTES_S = 100e6
SLACK = Fraction(1, 100)
CANARY = 64 * 1024


@dataclass(frozen=True)
class Fill(Stress):
    """All of a file system taken but for `leave` bytes. `into_reserve`: the environment gives the last tenth too."""

    kind: ClassVar[str] = "host.disk"
    evidence_noun: ClassVar[str] = "looks found no more space than asked"
    folder: str
    leave: int
    into_reserve: bool

    @property
    def ready_s(self) -> float:
        """Most file systems give space at once; in memory, page by page."""
        return READY_S + room.disk(self.folder).free / SLOWEST_BYTES_S

    def arguments(self) -> tuple[str, ...]:
        """Where, and what to leave."""
        return ("space", self.folder, str(self.leave))

    def check(self) -> None:
        """See that it may be filled that far, and that there is something to take."""
        check_not_our_own(self.folder)
        found = room.disk(self.folder)
        if self.leave < found.reserve:
            self._check_brim(found)
        if found.free <= self.leave:
            raise Refused(f"no more than that is free of {found.place} already", reason="no-effect")
        if room.lies_in_memory(self.folder):
            room.memory().check(found.free - self.leave)

    def _check_brim(self, found: room.Room) -> None:
        """Raises Refused unless the last tenth was given, of a file system that holds nothing else."""
        if not self.into_reserve:
            raise Refused(
                f"{room.in_words(self.leave)} would stay free of {found.place}, and the last tenth "
                f"({room.in_words(found.reserve)}) is not taken",
                hint="leave more, or say to_the_brim: true of that folder in the environment",
                reason="cap",
            )
        if (point := room.mount_point(self.folder)) != self.folder:
            raise TargetNotAllowed(
                f"{self.folder} is only a part of the file system at {point}, which would be full for all",
                hint="to_the_brim: true is for a file system of its own, named by its mount point",
                reason="cap",
            )

    def look(self) -> Sight | None:
        """What is free now, as everybody sees it."""
        found = room.disk(self.folder)
        return Sight(found.free <= self.leave + SLACK * found.total, found.free)

    def size_text(self, size: float) -> str:
        """Beside what was asked."""
        return f"{room.in_words(size)} free (asked: {room.in_words(self.leave)})"


@dataclass(frozen=True)
class Brim(Fill):
    """Nothing left: writes fail."""

    kind: ClassVar[str] = "host.disk.brim"
    evidence_noun: ClassVar[str] = "canary writes refused for lack of space"

    def look(self) -> Sight | None:
        """Write to it. Raises TargetError when something else than space is missing."""
        try:
            canary = os.open(self.folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            try:
                os.write(canary, bytes(CANARY))
                os.fsync(canary)
            finally:
                os.close(canary)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                return Sight(seen=True)
            raise TargetError(f"{self.folder} cannot be written to: {error.strerror}") from error
        return Sight(seen=False)


def stays_free(value: Any) -> Fraction | int:
    """What stays free: a share ("10%"), a size ("1GiB"), or nothing ("0%")."""
    match = re.fullmatch(r"([0-9]{1,2}(?:\.[0-9]{1,6})?) ?%", value) if isinstance(value, str) else None
    if match:
        return Fraction(match[1]) / 100
    try:
        return int(size(value))
    except InvalidInput as problem:
        raise InvalidInput(
            f"{value!r} is neither a share nor a size", hint='for example "10%" or "1GiB"'
        ) from problem


@dataclass(frozen=True)
class Filling:
    """`target`: a folder's name in the allow-list; `leave`: what stays free of its file system."""

    target: str = parameter(text)
    leave: Fraction | int = parameter(stays_free, default=Fraction(1, 10))


class DiskFault(FolderFault):
    """Logs that nobody rotates."""

    kind = "host.disk"
    summary = "uses up the space of a file system of this host"
    parameters = Filling

    def prepare(self, given: Mapping[str, Any], environment: Environment, ticket: Ticket) -> Injection:
        """The file system of the folder that the environment lists under this name."""
        asked = self.read(given)
        entry = allowed(asked.target, environment)
        folder = Folder.of(entry)

        def change() -> Fill:
            stays = asked.leave
            if isinstance(stays, Fraction):
                stays = -(-stays.numerator * room.disk(folder.path).total // stays.denominator)
            operation = Fill if stays else Brim
            return operation(
                *stress.lives_until(ticket), folder=folder.path, leave=stays, into_reserve=entry.to_the_brim
            )

        return folder.injection(entry, lambda _: (change(),))


FAULT = DiskFault()
OPERATIONS = (Fill, Brim)
