"""The record of a run whose supervisor was killed: the guard writes what it knows into result.json."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from slochaos import clock
from slochaos.guard.config import GuardConfig
from slochaos.guard.identity import host
from slochaos.guard.injector import Held

UNDO = {
    "undone": "verified",
    "expired": "expired",
    "gone": "gone",
    "superseded": "superseded",
    "waived": "waived",
}


def write(config: GuardConfig, injections: Sequence[Held], reason: str) -> None:
    """Write result.json unless the supervisor has written it. A full disk loses the record, never the undo."""
    path = config.run_dir / "result.json"
    if not config.run_dir.is_dir() or path.exists():
        return
    failed = any(held.open for held in injections)
    started = min((held.times[s][1] for held in injections for s in held.times), default=clock.wall())
    document = {
        "run": {
            "id": config.run_id,
            "experiment": config.experiment,
            "environment": config.environment.name,
            "started": rfc3339(started),
            "ended": rfc3339(clock.wall()),
            "status": "undo-failed" if failed else "error",
            "exit_code": 6 if failed else 7,
            "reason": f"the process of the run died; its guard ended every fault ({reason})"
            if not failed
            else f"the process of the run died and a fault may still be in force ({reason})",
            "hint": f"slochaos recover --run {config.run_id}" if failed else "run it again",
            "host": host(),
            "placebo": config.placebo,
        },
        "injections": [_injection(held) for held in injections if "intended" in held.times],
    }
    with suppress(OSError):
        temporary = path.with_suffix(".tmp")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
        temporary.replace(path)


def rfc3339(wall: float) -> str:
    """An epoch second as result.json writes it."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _injection(held: Held) -> dict[str, Any]:
    report = held.report()
    applied = held.times.get("applied")
    undone = next((held.times[s] for s in ("settling", *UNDO) if s in held.times), None)
    return {
        "id": held.id,
        "kind": held.kind,
        "target": report["target"],
        "applied": rfc3339(applied[1]) if applied else None,
        "undone": rfc3339(undone[1]) if undone else None,
        "expires": rfc3339(held.expires_wall),
        "evidence": report["evidence"],
        "undo": UNDO.get(held.state, "failed"),
        "by_hand": report["by_hand"],
        "detail": held.detail,
    }
