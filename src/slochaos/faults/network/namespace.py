"""A network namespace of this host, known by its path and its inode: a new one under an old name is another."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slochaos.errors import Refused, TargetError, TargetGone

OWN = "/proc/self/ns/net"
TOOL_S = 5.0


@dataclass(frozen=True)
class Namespace:
    """Where packets are disturbed: `path` is empty for the host's own namespace."""

    path: str
    inode: int

    @classmethod
    def at(cls, path: str) -> Namespace:
        """The namespace that is there now. Raises TargetGone."""
        try:
            return cls(path, Path(path or OWN).stat().st_ino)
        except OSError as error:
            raise TargetGone(f"there is no network namespace {path}: {error.strerror}") from error

    def exists(self) -> bool:
        """Whether that very namespace is still there."""
        try:
            return Path(self.path or OWN).stat().st_ino == self.inode
        except OSError:
            return False

    def command(self, *words: str) -> list[str]:
        """The command line that runs `words` in it."""
        return ["nsenter", f"--net={self.path}", *words] if self.path else list(words)

    def run(self, *words: str, given: str = "", may_fail: bool = False) -> str:
        """Run one of the kernel's tools in it; its output. Raises TargetError, Refused where it is not installed."""
        if shutil.which(words[0]) is None:
            raise Refused(
                f"{words[0]} is not installed, so packets cannot be disturbed on this host",
                hint="install it (Debian: nftables, iptables, iproute2); slochaos doctor lists what faults need",
                reason="tool-missing",
            )
        try:
            done = subprocess.run(
                self.command(*words),
                input=given,
                capture_output=True,
                text=True,
                timeout=TOOL_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise TargetError(f"{words[0]} has not answered for {TOOL_S:g} s") from error
        except OSError as error:
            raise TargetError(f"{words[0]} cannot be run: {error.strerror}") from error
        if done.returncode and not may_fail:
            raise TargetError(f"{' '.join(words[:4])} failed: {_first_line(done.stderr)}")
        return "" if done.returncode else done.stdout

    def interface_to(self, address: str) -> str:
        """The interface by which packets to `address` leave. Raises TargetError when there is no route."""
        routes = json.loads(self.run("ip", "-json", "route", "get", address) or "[]")
        found: Any = routes[0].get("dev") if routes else None
        if not found:
            raise TargetError(f"there is no route to {address}")
        return str(found)


def _first_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip(" ^~")]
    return lines[0][:200] if lines else "it said nothing"
