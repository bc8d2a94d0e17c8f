"""Marks of faults for dashboards: until when each is in force, pushed to a Pushgateway.

One metric, removed when the run ends. Its value is an instant and not a 1, so that the mark of a run that was killed
ends by itself at the fault's expiry. Pushes happen on a thread of their own: a gateway that hangs costs marks, no time.
"""

from __future__ import annotations

import http.client
import queue
import threading
import time
from collections.abc import Callable
from typing import ClassVar
from urllib.parse import quote, urlsplit

from slochaos.measurement.connection import Connection, FetchError, phrase
from slochaos.runner.events import Event, InjectionChanged, RunStarted
from slochaos.spec.alerting import FAULT_MARK

PUSH_WITHIN_S = 2.0
LEAVE_WITHIN_S = 3.0
"""How long the end of a run waits for the last mark."""


class Marks:
    """A watcher of a run's events. `say` is told once if the gateway does not take marks."""

    ENDS: ClassVar = {"undone", "expired", "gone", "superseded", "waived"}

    def __init__(
        self, gateway: str, environment: str, experiment: str, run: str, say: Callable[[str], None]
    ) -> None:
        self._gateway = urlsplit(gateway)
        self._labels = {"environment": environment, "experiment": experiment}
        self._run, self._say = run, say
        self._path = f"{self._gateway.path.rstrip('/')}/metrics/job/slochaos/instance/{quote(run, safe='')}"
        self._until: dict[tuple[str, str], float] = {}
        self._pages: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def on_event(self, event: Event) -> None:
        """Note what begins and ends; returns at once."""
        if isinstance(event, RunStarted):  # the next one of --repeat
            self._run = event.run
        if not isinstance(event, InjectionChanged):
            return
        fault = (self._run, str(event.detail.get("name") or event.injection))
        if event.state == "applied":
            self._until[fault] = float(event.detail["expires_wall"])
        elif event.state in self.ENDS and fault in self._until:
            self._until[fault] = event.at
        else:
            return
        self._push(self._page())

    def close(self) -> None:
        """Take the marks away; they stay where they have been scraped."""
        if self._thread is not None:
            self._pages.put(None)
            self._thread.join(LEAVE_WITHIN_S)

    def _push(self, page: str) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._carry, name="marks", daemon=True)
            self._thread.start()
        self._pages.put(page)

    def _page(self) -> str:
        """The text that a scrape will see."""
        lines = [f"# TYPE {FAULT_MARK} gauge"]
        for (run, fault), until in self._until.items():
            labels = {**self._labels, "run": run, "fault": fault}
            inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
            lines.append(f"{FAULT_MARK}{{{inside}}} {until:.3f}")
        return "\n".join(lines) + "\n"

    def _carry(self) -> None:
        working = True
        while (page := self._pages.get()) is not None:
            working = working and self._call("PUT", page)
        if working:
            self._call("DELETE", "")

    def _call(self, method: str, body: str) -> bool:
        """Whether the gateway took it; the first failure is said, and the last try."""
        why = ""
        try:
            connection = Connection(self._gateway, PUSH_WITHIN_S)
            connection.set_deadline(time.monotonic() + PUSH_WITHIN_S)
            try:
                connection.request(method, self._path, body.encode() or None)
                status = connection.getresponse().status
            finally:
                connection.close()
            why = "" if 200 <= status < 300 else f"it answers {status}"
        except FetchError as problem:
            why = str(problem)
        except (OSError, http.client.HTTPException) as problem:
            why = phrase(problem, PUSH_WITHIN_S)
        if why:
            self._say(f"no marks of faults on dashboards: the Pushgateway {self._gateway.netloc}: {why}")
        return not why


def _escaped(text: str) -> str:
    """A label's value in the text format."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
