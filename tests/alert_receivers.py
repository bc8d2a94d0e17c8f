"""Receivers of alerts on loopback: one HTTP server for Slack, PagerDuty and the status page, and a mail server."""

from __future__ import annotations

import json
import queue
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ARRIVAL_S = 60.0


@dataclass(frozen=True)
class Message:
    """What arrived: `way` is the URL's path, or `mail:` and the address; `body` the JSON or the mail's text."""

    way: str
    body: Any


class Receivers:
    """Both servers, and everything that arrived at them in its order."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._arriving: queue.Queue[Message] = queue.Queue()
        self._http = _HttpServer(("127.0.0.1", 0), _HttpHandler)
        self._mail = _MailServer(("127.0.0.1", 0), _MailHandler)
        for server in (self._http, self._mail):
            server.arriving = self._arriving
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path: str) -> str:
        """Where a webhook of that name listens."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/{path}"

    @property
    def smarthost(self) -> str:
        """host:port of the mail server."""
        return f"127.0.0.1:{self._mail.server_address[1]}"

    def wait_for(self, *ways: str, containing: str = "") -> None:
        """Return once each of the ways got a message with that text; raises queue.Empty after a minute."""
        while not all(self.at(way, containing) for way in ways):
            self.messages.append(self._arriving.get(timeout=ARRIVAL_S))

    def at(self, way: str, containing: str = "") -> list[Message]:
        """What arrived there so far."""
        return [each for each in self.messages if each.way == way and containing in json.dumps(each.body)]

    def close(self) -> None:
        """Stop both."""
        for server in (self._http, self._mail):
            server.shutdown()
            server.server_close()


@contextmanager
def receivers() -> Iterator[Receivers]:
    """Receivers that listen for as long as the block runs."""
    listening = Receivers()
    try:
        yield listening
    finally:
        listening.close()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    arriving: queue.Queue[Message]


class _HttpHandler(BaseHTTPRequestHandler):
    server: _HttpServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.arriving.put(Message(self.path.strip("/"), json.loads(body)))
        answer = b'{"status": "success"}'
        self.send_response(202)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class _MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    arriving: queue.Queue[Message]


class _MailHandler(socketserver.StreamRequestHandler):
    """As much SMTP as it takes to be handed a mail."""

    server: _MailServer

    def handle(self) -> None:
        self._say("220 loopback")
        to = ""
        while line := self.rfile.readline().decode().strip():
            word = line.partition(" ")[0].upper()
            if word == "RCPT":
                to = line.partition("<")[2].partition(">")[0]
            if word == "DATA":
                self._say("354 go on")
                self.server.arriving.put(Message(f"mail:{to}", self._text()))
            self._say("221 bye" if word == "QUIT" else "250 OK")
            if word == "QUIT":
                return

    def _text(self) -> str:
        lines = []
        while (line := self.rfile.readline().decode(errors="replace").rstrip("\r\n")) != ".":
            lines.append(line)
        return "\n".join(lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
