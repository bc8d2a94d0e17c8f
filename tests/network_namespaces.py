"""Two network namespaces joined by a cable (veth), servers in one, and what a client in the other can measure.

    pair.client.run("tc", "qdisc", "add", "dev", pair.interface, "root", "tbf", ...)
    assert pair.round_trips().p50_s < 0.01

The interface has the same name at both ends. The namespaces are known to `ip netns` by their names, so that faults
can be aimed at them; keeper.py removes them, also when the tests are killed.
"""

from __future__ import annotations

import itertools
import os
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.machine_tools import MachineTools, end_kept, keep
from tests.namespace_servers import NamespaceServers, namespace_servers
from tests.namespaces import NetworkNamespace

CLIENT, SERVER = "10.77.0.1", "10.77.0.2"
INTERFACE = "cable"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class RoundTrips:
    """Times of echoes over one TCP connection, in seconds, as they came."""

    times_s: tuple[float, ...]

    @property
    def p50_s(self) -> float:
        """Their median."""
        return statistics.median(self.times_s)

    @property
    def p99_s(self) -> float:
        """Their 99th percentile (of under 100, close to the largest)."""
        return statistics.quantiles(self.times_s, n=100, method="inclusive")[98]


@dataclass(frozen=True)
class Datagrams:
    """What became of UDP datagrams: `refused` ones the sender's kernel dropped and said so (EPERM)."""

    sent: int
    refused: int
    arrived: int
    answered: int

    @property
    def lost(self) -> int:
        """Those that did not reach the server, refused ones among them."""
        return self.sent - self.arrived


@dataclass(frozen=True)
class NamespacePair:
    """A client's namespace and a server's, with the addresses CLIENT and SERVER."""

    client: NetworkNamespace
    server: NetworkNamespace
    servers: NamespaceServers
    client_address: str = CLIENT
    server_address: str = SERVER
    interface: str = INTERFACE

    def get(self, path: str = "/healthz", timeout: float = 5) -> tuple[int, str]:
        """Status and body of the server's answer."""
        return self.client.get(f"http://{self.server_address}:{self.servers.http_port}{path}", timeout)

    def round_trips(self, count: int = 50, size: int = 16, timeout: float = 10) -> RoundTrips:
        """Echo `count` times, one after the other. OSError if one takes longer than `timeout` seconds."""
        times = []
        with self.client.connect(self.server_address, self.servers.echo_port, timeout) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(count):
                begun = time.perf_counter()
                connection.sendall(bytes(size))
                _receive(connection, size)
                times.append(time.perf_counter() - begun)
        return RoundTrips(tuple(times))

    def datagrams(self, count: int = 1000, every_s: float = 0.0005, wait_s: float = 0.5) -> Datagrams:
        """Send `count` datagrams to the UDP echo, `wait_s` after the last one count those that came, and came back."""
        refused = answered = 0
        before = self.servers.datagrams
        with self.client.udp() as sender:
            for number in range(count):
                try:
                    sender.sendto(number.to_bytes(4, "big"), (self.server_address, self.servers.echo_port))
                except PermissionError:
                    refused += 1
                time.sleep(every_s)
                answered += _waiting(sender)  # at once: the buffer holds few, and overflows without a word
            time.sleep(wait_s)
            answered += _waiting(sender)
        return Datagrams(count, refused, self.servers.datagrams - before, answered)

    def download_bit_s(self, for_s: float = 1.0) -> float:
        """Bits per second from the server to the client over one TCP connection, the first quarter left out."""
        received = 0
        with self.client.connect(self.server_address, self.servers.source_port) as connection:
            begun = time.perf_counter()
            while time.perf_counter() - begun < for_s / 4:
                connection.recv(1 << 18)
            begun = time.perf_counter()
            while time.perf_counter() - begun < for_s:
                received += len(connection.recv(1 << 18))
            return received * 8 / (time.perf_counter() - begun)

    def upload_bit_s(self, size: int = 1 << 20) -> float:
        """Bits per second from the client to the server, until all of `size` bytes were read there."""
        with self.client.connect(self.server_address, self.servers.sink_port, 60) as connection:
            begun = time.perf_counter()
            connection.sendall(bytes(size))
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b"."
            return size * 8 / (time.perf_counter() - begun)


@contextmanager
def namespace_pair(tools: MachineTools) -> Iterator[NamespacePair]:
    """A pair with its servers, for the length of the block."""
    stem = f"slochaos-{os.getpid()}-{next(_numbers)}"
    names = [f"{stem}-client", f"{stem}-server"]
    keeper = keep(tools, [word for name in names for word in ("--netns", name)], ["sleep", "infinity"])
    try:
        for name in names:
            tools.run("ip", "netns", "add", name)
        client, server = (NetworkNamespace(Path("/run/netns") / name, tools) for name in names)
        _join(tools, *names)
        with namespace_servers(server, SERVER) as servers:
            yield NamespacePair(client, server, servers)
    finally:
        end_kept(keeper)


def _join(tools: MachineTools, client: str, server: str) -> None:
    tools.run(
        *("ip", "-n", client, "link", "add", INTERFACE, "type", "veth", "peer", "name", INTERFACE),
        *("netns", server),
    )
    for name, address in ((client, CLIENT), (server, SERVER)):
        tools.run("ip", "-n", name, "address", "add", f"{address}/24", "dev", INTERFACE)
        for link in ("lo", INTERFACE):
            tools.run("ip", "-n", name, "link", "set", link, "up")


def _receive(connection: socket.socket, size: int) -> None:
    while size:
        got = len(connection.recv(size))
        if got == 0:
            raise ConnectionResetError("the server closed the connection")
        size -= got


def _waiting(datagrams: socket.socket) -> int:
    count = 0
    while True:
        try:
            datagrams.recv(64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return count
        count += 1
