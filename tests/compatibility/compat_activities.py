"""Activities and controls of somebody else, as an experiment's author writes them beside the experiment."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from chaoslib.exceptions import ActivityFailed, InterruptExecution
from chaoslib.exit import exit_gracefully

__all__ = ["append", "count_lines", "fail", "read_secret", "safeguard", "sleep"]


def append(path: str, text: str = "x") -> int:
    """Append a line to a file; its number of lines."""
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")
    return count_lines(path)


def count_lines(path: str) -> int:
    """Lines of a file, 0 if there is none."""
    file = Path(path)
    return len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0


def sleep(seconds: float) -> float:
    """Take time."""
    time.sleep(seconds)
    return seconds


def fail(why: str) -> None:
    """Fail as an activity does."""
    raise ActivityFailed(why)


def read_secret(secrets: dict[str, str]) -> str:
    """Give the secret away, as careless activities do."""
    return f"token {secrets['token']}"


def safeguard(after: float) -> bool:
    """Ask Chaos Toolkit to leave after some seconds, as its safeguards do when a probe trips."""
    threading.Timer(after, exit_gracefully).start()
    return True


def before_activity_control(context: dict[str, Any], forbidden: str = "", **_: Any) -> None:
    """A control that interrupts the experiment before one activity."""
    if forbidden and context.get("name") == forbidden:
        raise InterruptExecution(f"{forbidden} is not for today")


def after_activity_control(context: dict[str, Any], state: dict[str, Any], **_: Any) -> None:
    """A control that adds to the journal."""
    state["seen_by_control"] = context.get("name")
