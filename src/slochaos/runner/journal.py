"""The journal of an experiment whose executor could not write one, made from the events that it had sent."""

from __future__ import annotations

import json
import platform
from typing import Any

from slochaos import clock
from slochaos.clock import timestamp
from slochaos.redaction import redact
from slochaos.runner.executor import ChildEvent
from slochaos.runner.state import RunState
from slochaos.runner.timeline import Toolkit

_KILLED = "the process that executed the experiment was killed"
_NO_ROOM = "the process that executed the experiment could not write it: see chaostoolkit.log"


def write_missing_journal(run: RunState) -> None:
    """Write journal.json unless the child has written it, or never began, or was a command. Raises StateError.

    A child that came to its end without writing it had no room: the journal then says so, and the run's notes too.
    """
    if run.folder is None or run.loaded is None or run.request.measured is not None:
        return
    run.folder.give_back_journal_room()
    if not run.toolkit.ready or run.folder.file("journal.json").exists():
        return
    document = journal_from_events(run.loaded.experiment.document, run.toolkit, run.started[1], clock.wall())
    run.folder.write("journal.json", json.dumps(document, indent=2, default=str, ensure_ascii=False))
    if run.toolkit.status:
        run.notes.append(f"journal.json was written from the run's events, because {_NO_ROOM}")


def journal_from_events(
    experiment: dict[str, Any], toolkit: Toolkit, started: float, ended: float
) -> dict[str, Any]:
    """A journal in Chaos Toolkit's shape: what had begun and what had ended.

    The status is the child's own; `interrupted` where it was killed before it had one.
    """
    events = toolkit.events
    runs = [_activity(event) for event in events if event.name == "activity-completed"]
    done = {each["activity"]["name"] for each in runs}
    cut_short = [
        {**_activity(event), "status": "aborted"}
        for event in events
        if event.name == "activity-started" and event.payload.get("name") not in done
    ]
    hypotheses = {
        str(event.payload.get("phase")): {
            "steady_state_met": event.payload.get("met"),
            "probes": event.payload.get("probes"),
        }
        for event in events
        if event.name == "hypothesis-completed"
    }
    journal = {
        "platform": platform.platform(),
        "node": platform.node(),
        "experiment": experiment,
        "start": timestamp(started),
        "status": toolkit.status or "interrupted",
        "deviated": toolkit.deviated,
        "steady_states": {"before": hypotheses.get("before"), "after": hypotheses.get("after"), "during": []},
        "run": [*runs, *cut_short],
        "rollbacks": [],
        "end": timestamp(ended),
        "duration": ended - started,
        "slochaos": {"written_from": "events", "why": _NO_ROOM if toolkit.status else _KILLED},
    }
    return dict(redact(journal))


def _activity(event: ChildEvent) -> dict[str, Any]:
    payload = event.payload
    return {
        "activity": {"name": payload.get("name"), "type": payload.get("activity_type")},
        "output": payload.get("output"),
        "status": payload.get("status"),
        "duration": payload.get("duration"),
        "end": timestamp(event.wall),
    }
