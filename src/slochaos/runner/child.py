"""The child: executes one experiment with chaoslib, and nothing else.

`python -m slochaos.runner.child READ WRITE PARENT`: one JSON line on READ says what to run, a second one
(`go`) when; NDJSON events come out on WRITE. It holds nothing that has to be put back, so it may be killed
at any instant; it ends with the supervisor (parent-death signal on Linux, the end of READ elsewhere).
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from slochaos import clock
from slochaos.redaction import redact

_LARGEST_OUTPUT = 4096


@dataclass(frozen=True)
class Order:
    """What to run: the file of the experiment as it was admitted, and where its journal goes.

    `journal_room` is a file beside it whose space was allocated before the disk could fill up.
    """

    experiment: str
    journal: str
    journal_room: str
    variables: tuple[str, ...] = ()
    variable_files: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


class Channel:
    """Events to the supervisor, one JSON line each, from any thread, without secrets."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._stream: IO[str] = os.fdopen(descriptor, "w", encoding="utf-8")
        self._lock = threading.Lock()
        self.secrets: tuple[str, ...] = ()

    def say(self, kind: str, **fields: Any) -> None:
        """One event. A supervisor that is gone is no reason to fail: this process ends anyway."""
        payload = redact(json.loads(json.dumps(fields, default=_plain)), self.secrets)
        if len(json.dumps(payload.get("output"))) > _LARGEST_OUTPUT:
            payload = {**payload, "output": None, "output_truncated": True}
        line = json.dumps({"type": kind, "at": clock.now(), "wall": clock.wall(), "payload": payload})
        with self._lock:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except OSError:
                return

    def learn_secrets(self, resolved: Any) -> None:
        """Keep the texts of all resolved secrets, so that none is written down."""
        self.secrets = (*self.secrets, *_texts(resolved))


class _WithoutSecrets(logging.Formatter):
    """A log line, after redaction."""

    def __init__(self, channel: Channel) -> None:
        super().__init__("[%(asctime)s %(levelname)s] [%(module)s:%(lineno)d] %(message)s")
        self._channel = channel

    def format(self, record: logging.LogRecord) -> str:
        """The line as it is written."""
        return str(redact(super().format(record), self._channel.secrets))


def main(arguments: list[str]) -> int:
    """Run what the supervisor orders. Exits 0 when the experiment was executed, 2 when it is not valid."""
    reading, writing, parent = (int(text) for text in arguments)
    _end_with(parent)
    os.set_inheritable(reading, False)
    channel = Channel(writing)
    with os.fdopen(reading, encoding="utf-8") as orders:
        _log_to_stderr(channel)
        import chaoslib.experiment  # noqa: F401 - the slow import, done while the supervisor measures

        channel.say("child-armed")
        line = orders.readline()
        if not line:
            return 0
        order = Order(**json.loads(line))
        try:
            prepared = _prepare(order)
        except Exception as error:  # noqa: BLE001 - whatever a foreign module raises on import, in one sentence
            channel.say("child-invalid", error=f"{error}" or type(error).__name__)
            return 2
        channel.say("child-ready")
        if not orders.readline():
            return 0
        return _run(order, prepared, channel)


@dataclass
class _Prepared:
    experiment: dict[str, Any]
    settings: dict[str, Any]
    variables: Any
    strategy: Any


def _prepare(order: Order) -> _Prepared:
    """What `chaos run` does before it runs: settings, global controls, variables, validation, strategies."""
    from chaoslib import convert_vars, merge_vars
    from chaoslib.control import load_global_controls
    from chaoslib.experiment import ensure_experiment_is_valid
    from chaoslib.settings import CHAOSTOOLKIT_CONFIG_PATH, load_settings
    from chaoslib.types import Dry, Strategy

    os.environ.update(dict(order.environment))
    settings = load_settings(CHAOSTOOLKIT_CONFIG_PATH) or {}
    load_global_controls(settings)
    variables = merge_vars(convert_vars(list(order.variables)), list(order.variable_files))
    experiment = _read(order)
    ensure_experiment_is_valid(experiment)
    experiment["dry"] = Dry.from_string(None)
    runtime = settings.setdefault("runtime", {})
    own = experiment.get("runtime") or {}
    strategy = own.get("hypothesis", runtime.get("hypothesis", {})).get("strategy", "default")
    # Rollbacks run whatever happened: an aborted experiment is the one that needs them.
    runtime["rollbacks"] = {"strategy": "always"}
    name = {"continously": "continuously"}.get(strategy, strategy)
    return _Prepared(experiment, settings, variables, Strategy.from_string(name))


def _read(order: Order) -> dict[str, Any]:
    import yaml

    text = Path(order.experiment).read_text(encoding="utf-8")
    document = json.loads(text) if order.experiment.endswith(".json") else yaml.safe_load(text)
    assert isinstance(document, dict)
    return document


def _run(order: Order, prepared: _Prepared, channel: Channel) -> int:
    from chaoslib.experiment import run_experiment
    from chaoslib.notification import RunFlowEvent, notify
    from chaoslib.types import Schedule

    from slochaos.runner.toolkit_events import Reporter

    notify(prepared.settings, RunFlowEvent.RunStarted, prepared.experiment)
    try:
        journal = run_experiment(
            prepared.experiment,
            settings=prepared.settings,
            strategy=prepared.strategy,
            schedule=Schedule(continuous_hypothesis_frequency=1.0, fail_fast=False),
            experiment_vars=prepared.variables,
            event_handlers=[Reporter(channel.say, channel.learn_secrets)],
        )
    except Exception as error:  # noqa: BLE001 - chaoslib and any extension may raise anything
        channel.say("child-failed", error=f"{type(error).__name__}: {error}")
        return 1
    _write_journal(order, redact(_as_plain(journal), channel.secrets))
    completed = journal["status"] == "completed"
    notify(prepared.settings, RunFlowEvent.RunCompleted if completed else RunFlowEvent.RunFailed, journal)
    if journal.get("deviated"):
        notify(prepared.settings, RunFlowEvent.RunDeviated, journal)
    channel.say("child-finished", status=journal["status"], deviated=bool(journal.get("deviated")))
    return 0


def _as_plain(journal: dict[str, Any]) -> Any:
    return json.loads(json.dumps(journal, default=_plain))


def _write_journal(order: Order, journal: Any) -> None:
    """The whole journal or none, over the bytes that were set aside for it.

    Where it is longer than these and the disk is full, the log says so, and the supervisor has the events.
    """
    room = Path(order.journal_room)
    try:
        with room.open("r+", encoding="utf-8") as file:
            json.dump(journal, file, indent=2, ensure_ascii=False)
            file.truncate()
        room.replace(order.journal)
    except OSError as error:
        logging.getLogger("chaostoolkit").warning("the journal cannot be written: %s", error)


def _plain(value: object) -> Any:
    """JSON for what activities return: as `chaos run` encodes it, and repr() for the rest."""
    from chaostoolkit import encoder

    try:
        return encoder(value)
    except TypeError:
        return getattr(value, "value", None) or repr(value)


def _texts(tree: Any) -> list[str]:
    if isinstance(tree, dict):
        return [text for value in tree.values() for text in _texts(value)]
    if isinstance(tree, list | tuple):
        return [text for value in tree for text in _texts(value)]
    return [str(tree)] if isinstance(tree, str | int) and not isinstance(tree, bool) else []


def _log_to_stderr(channel: Channel) -> None:
    """chaoslib's log at INFO (secrets stand resolved in its DEBUG log), redacted; stderr is the log file."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_WithoutSecrets(channel))
    for name in ("chaostoolkit", "chaostoolkit-lib"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False


def _end_with(parent: int) -> None:
    """Die with the supervisor, however it dies (Linux)."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes
    import signal

    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
