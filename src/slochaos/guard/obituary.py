"""The record of a run whose supervisor died: whoever undoes its faults writes what the undo log knows."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from slochaos import clock
from slochaos.guard.undolog import LoggedRun

UNDO = {
    "undone": "verified",
    "expired": "expired",
    "gone": "gone",
    "superseded": "superseded",
    "waived": "waived",
}


def write(run: LoggedRun, injections: list[dict[str, Any]], reason: str) -> None:
    """Write result.json unless the supervisor has. A full disk loses the record, never the undo.

    `injections` are reports as the guard gives them, locks left out.
    """
    folder = Path(str(run.header.get("run_dir", "")))
    path = folder / "result.json"
    if not run.header.get("run_dir") or not folder.is_dir() or path.exists():
        return
    with suppress(OSError):
        temporary = path.with_suffix(".tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(_document(run, injections, reason), file, indent=2)
        temporary.replace(path)


def rfc3339(wall: float) -> str:
    """An epoch second as result.json writes it."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _document(run: LoggedRun, injections: list[dict[str, Any]], reason: str) -> dict[str, Any]:
    failed = any(each["state"] not in UNDO and each["state"] != "refused" for each in injections)
    fate = "a fault may still be in force" if failed else "every fault was ended"
    return {
        "run": {
            "id": run.run_id,
            "experiment": run.header.get("experiment", ""),
            "environment": run.header.get("environment", ""),
            "started": rfc3339(float(run.header.get("started_wall", 0.0))),
            "ended": rfc3339(clock.wall()),
            "status": "undo-failed" if failed else "error",
            "exit_code": 6 if failed else 7,
            "reason": f"the process of the run died; {fate} ({reason})",
            "hint": f"slochaos recover --run {run.run_id}" if failed else "run it again",
            "host": run.header.get("host", ""),
        },
        "injections": [_injection(each) for each in injections if each["state"] != "refused"],
    }


def _injection(report: dict[str, Any]) -> dict[str, Any]:
    times = report["times"]
    undone = next((times[state] for state in ("settling", *UNDO) if state in times), None)
    return {
        "id": report["id"],
        "name": report["name"],
        "kind": report["kind"],
        "target": report["target"],
        "applied": rfc3339(times["applied"][1]) if "applied" in times else None,
        "undone": rfc3339(undone[1]) if undone else None,
        "expires": rfc3339(report["expires_wall"]),
        "evidence": report["evidence"],
        "undo": UNDO.get(report["state"], "failed"),
        "by_hand": report["by_hand"],
        "detail": report["detail"],
    }
