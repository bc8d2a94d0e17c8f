"""Holds packets for a while and lets them go on: started as a program of its own, in the right namespace.

    python delay_queue.py QUEUE DELAY_MS JITTER_MS

It takes packets from a queue of the kernel (nfnetlink_queue) and gives each its verdict, `accept`, when its
time has come. When this process ends, however that happens, the kernel lets packets pass at once. Standard
library only, since it starts in isolation. It says `ready`, then five times a second, while packets pass,
`COUNT MEDIAN_MS`: how long the packets of that time were really held.

The messages are those of linux/netfilter/nfnetlink_queue.h.
"""

from __future__ import annotations

import errno
import heapq
import os
import random
import select
import signal
import socket
import struct
import sys
import time

NETLINK_NETFILTER = 12
SUBSYSTEM = 3
PACKET, VERDICT, CONFIG = 0, 1, 2
ACCEPT = 1
BIND = 1
COPY_META = 1
FAIL_OPEN = 1
QUEUED = 65_536
AT_ONCE = 64
RECEIVE_BUFFER = 16 * 1024 * 1024
SO_RCVBUFFORCE = 33
REPORT_S = 0.2


class Queue:
    """One queue of the kernel's, bound to this process."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.bind((0, 0))
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
        except OSError:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        self._configure(1, struct.pack("!BxH", BIND, 0))
        self._configure(2, struct.pack("!IB", 0, COPY_META))
        self._configure(3, struct.pack("!I", QUEUED))
        flags = _attribute(5, struct.pack("!I", FAIL_OPEN)) + _attribute(4, struct.pack("!I", FAIL_OPEN))
        self._send(CONFIG, flags, acknowledged=True)

    def packets(self) -> list[int]:
        """The numbers of the packets that wait to be read; none when there are none."""
        found: list[int] = []
        for _ in range(AT_ONCE):  # those that are due must not wait for a stream that never ends
            try:
                data = self.socket.recv(65_536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                continue  # the buffer ran over: what was lost there passed, since the queue fails open
            found += _packet_numbers(data)
        return found

    def accept(self, packet: int) -> None:
        """Let one packet go on."""
        self._send(VERDICT, _attribute(2, struct.pack("!II", ACCEPT, packet)))

    def _configure(self, attribute: int, value: bytes) -> None:
        self._send(CONFIG, _attribute(attribute, value), acknowledged=True)

    def _send(self, kind: int, attributes: bytes, *, acknowledged: bool = False) -> None:
        generic = struct.pack("!BBH", socket.AF_UNSPEC, 0, self._number)
        length = 16 + len(generic) + len(attributes)
        flags = 5 if acknowledged else 1  # a request, to be answered
        header = struct.pack("=IHHII", length, SUBSYSTEM << 8 | kind, flags, 0, 0)
        self.socket.send(header + generic + attributes)
        if acknowledged:
            answer = self.socket.recv(65_536)
            error = -struct.unpack_from("=i", answer, 16)[0] if len(answer) >= 20 else 0
            if error:
                raise OSError(error, os.strerror(error))


def hold(queue: Queue, delay_s: float, jitter_s: float) -> None:
    """Hold every packet for the delay, plus or minus up to the jitter, until SIGTERM or SIGALRM; then let all go."""
    due: list[tuple[float, float, int]] = []
    held_s: list[float] = []
    ending: list[int] = []
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, lambda number, _: ending.append(number))
    told = time.monotonic()
    while True:
        now = time.monotonic()
        while due and (due[0][0] <= now or ending):
            _, arrived, packet = heapq.heappop(due)
            queue.accept(packet)
            held_s.append(now - arrived)
        if ending:
            return
        if held_s and now - told >= REPORT_S:
            _say(f"{len(held_s)} {1000 * sorted(held_s)[len(held_s) // 2]:.3f}")
            told, held_s = now, []
        wait_s = max(due[0][0] - time.monotonic(), 0.0) if due else REPORT_S
        select.select([queue.socket], [], [], min(wait_s, REPORT_S))
        arrived = time.monotonic()
        for packet in queue.packets():
            spread = random.uniform(-jitter_s, jitter_s) if jitter_s else 0.0
            heapq.heappush(due, (arrived + max(delay_s + spread, 0.0), arrived, packet))


def main(number: int, delay_ms: float, jitter_ms: float) -> None:
    """Bind the queue, say so, hold packets."""
    try:
        queue = Queue(number)
    except OSError as error:
        _say(f"refused: {error.strerror}")
        return
    _say("ready")
    hold(queue, delay_ms / 1000, jitter_ms / 1000)


def _say(text: str) -> None:
    """Tell whoever started this; a full pipe, which nobody reads, is no reason to hold packets longer."""
    if select.select([], [1], [], 0)[1]:
        os.write(1, text.encode() + b"\n")


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def _packet_numbers(data: bytes) -> list[int]:
    """The packets of one datagram of messages: each has its number in the attribute 1."""
    found, at = [], 0
    while at + 20 <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if length < 16:
            break
        if kind == SUBSYSTEM << 8 | PACKET:
            place = at + 20
            while place + 4 <= at + length:
                size, name = struct.unpack_from("=HH", data, place)
                if name & 0x3FFF == 1:
                    found.append(struct.unpack_from("!I", data, place + 4)[0])
                    break
                place += max((size + 3) & ~3, 4)
        at += (length + 3) & ~3
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
