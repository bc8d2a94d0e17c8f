"""A network namespace of this host, known by its path and its inode: a new one under an old name is another."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slochaos.errors import Refused, TargetError, TargetGone

OWN = "/proc/self/ns/net"
TOOL_S = 5.0
INSTALL = "install it (Debian: nftables, iptables, iproute2, util-linux)"


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
        """Run one of the kernel's tools in it; its output. Raises TargetError."""
        tool = found(words[0])
        if tool is None:
            raise TargetError(f"{words[0]} is not installed any more", hint=INSTALL)
        try:
            done = subprocess.run(
                self.command(tool, *words[1:]),
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

    def require(self, *tools: str) -> None:
        """Raise Refused where one of the kernel's tools is missing, or this user may not use them."""
        for tool in ("nsenter", *tools) if self.path else tools:
            if found(tool) is None:
                raise Refused(
                    f"{tool} is not installed, so packets cannot be disturbed on this host",
                    hint=INSTALL,
                    reason="tool-missing",
                )
        if os.geteuid() != 0:
            raise Refused(
                "packets can be disturbed by root only", hint="run slochaos as root", reason="not-root"
            )

    def interface_to(self, address: str) -> str:
        """The interface by which packets to `address` leave. Raises TargetError when there is no route."""
        routes = json.loads(self.run("ip", "-json", "route", "get", address) or "[]")
        found: Any = routes[0].get("dev") if routes else None
        if not found:
            raise TargetError(f"there is no route to {address}")
        return str(found)


def found(tool: str) -> str | None:
    """Where the tool is: on PATH, or where Debian keeps what only root uses."""
    return shutil.which(tool) or shutil.which(tool, path="/usr/sbin:/sbin")


def _first_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip(" ^~")]
    return lines[0][:200] if lines else "it said nothing"
