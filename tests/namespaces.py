"""Being in another network namespace for the length of a call: how tests reach servers that are not on our loopback.

A namespace belongs to a thread. So a call is made by a thread that enters the namespace and ends with it, and this
process stays where it is; a socket that was made there goes on working anywhere. For commands there is `nsenter`.
"""

from __future__ import annotations

import ctypes
import http.client
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from tests.machine_tools import MachineTools

CLONE_NEWNET = 0x40000000
Made = TypeVar("Made")


@dataclass(frozen=True)
class NetworkNamespace:
    """A network namespace, by a path that stands for it: /run/netns/NAME or /proc/PID/ns/net."""

    path: Path
    tools: MachineTools

    def call(self, function: Callable[[], Made]) -> Made:
        """What `function` returns (or raises) inside."""
        made: list[Made] = []
        failed: list[BaseException] = []

        def inside() -> None:
            try:
                _enter(self.path)
                made.append(function())
            except BaseException as error:  # noqa: BLE001 - it is raised again, in the caller's thread
                failed.append(error)

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return made[0]

    def command(self, *command: str) -> list[str]:
        """`command` as one that runs inside (never `ip netns exec`, which mounts another /sys)."""
        return ["nsenter", f"--net={self.path}", *command]

    def run(self, *command: str, check: bool = True, stdin: str | None = None) -> str:
        """Run a command inside; what it printed."""
        return self.tools.run(*self.command(*command), check=check, stdin=stdin)

    def connect(self, host: str, port: int, timeout: float = 5) -> socket.socket:
        """A TCP connection from inside."""
        return self.call(lambda: socket.create_connection((host, port), timeout))

    def udp(self, host: str = "", port: int = 0) -> socket.socket:
        """A UDP socket inside, bound to `host:port`."""

        def made() -> socket.socket:
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            datagrams.bind((host, port))
            return datagrams

        return self.call(made)

    def get(self, url: str, timeout: float = 5) -> tuple[int, str]:
        """Status and body of an HTTP GET from inside. OSError if there is no answer in time."""
        parts = urlsplit(url)
        assert parts.hostname
        connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout)
        connection.sock = self.connect(parts.hostname, parts.port or 80, timeout)
        try:
            connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


def _enter(path: Path) -> None:
    """os.setns, which Python has from 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    namespace = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(namespace, CLONE_NEWNET):
            error = ctypes.get_errno()
            raise OSError(error, f"setns: {os.strerror(error)}", str(path))
    finally:
        os.close(namespace)
