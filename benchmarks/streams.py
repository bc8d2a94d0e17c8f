"""Bytes as fast as they come over many connections: a source in a process of its own, and a client that counts."""

from __future__ import annotations

import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

CHUNK = b"x" * 256 * 1024
WARM_UP_S = 0.1
COUNTED_S = 0.3


@contextmanager
def byte_source() -> Iterator[tuple[str, int]]:
    """A server that sends without end to whoever connects; its address."""
    command = [sys.executable, "-m", "benchmarks.streams"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as source:
        assert source.stdout is not None
        try:
            yield "127.0.0.1", int(source.stdout.readline())
        finally:
            source.kill()


def bytes_per_second(address: tuple[str, int], connections: int) -> float:
    """What arrives over so many connections together, once all of them flow."""
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for _ in range(connections):
            client = stack.enter_context(socket.create_connection(address, timeout=10))
            client.setblocking(False)
            selector.register(client, selectors.EVENT_READ)
        _receive(selector, WARM_UP_S)
        began = time.perf_counter()
        received = _receive(selector, COUNTED_S)
        return received / (time.perf_counter() - began)


def _receive(selector: selectors.BaseSelector, for_s: float) -> int:
    buffer, received = bytearray(len(CHUNK)), 0
    until = time.perf_counter() + for_s
    while time.perf_counter() < until:
        for key, _ in selector.select(timeout=1):
            assert isinstance(key.fileobj, socket.socket)
            received += key.fileobj.recv_into(buffer)
    return received


def _send_for_ever(listener: socket.socket) -> None:
    """Fill each connection's buffer whenever it has room, until killed."""
    with selectors.DefaultSelector() as selector:
        selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                assert isinstance(key.fileobj, socket.socket)
                if key.fileobj is listener:
                    client, _ = listener.accept()
                    client.setblocking(False)
                    selector.register(client, selectors.EVENT_WRITE)
                else:
                    _fill(selector, key.fileobj)


def _fill(selector: selectors.BaseSelector, client: socket.socket) -> None:
    try:
        client.send(CHUNK)
    except OSError:  # the client has what it wanted
        selector.unregister(client)
        client.close()


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        print(server.getsockname()[1], flush=True)
        _send_for_ever(server)
