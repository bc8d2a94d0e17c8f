"""The last step: write the record where machines and people look for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from slochaos.errors import StateError
from slochaos.record import Result
from slochaos.redaction import names_credential, redact
from slochaos.runner.events import Notice, RunFinished
from slochaos.runner.journal import write_missing_journal
from slochaos.runner.outcome import make_result
from slochaos.runner.state import RunState


def record(run: RunState) -> Result:
    """Write journal.json and result.json, tell the ledger and whoever watches.

    What cannot be written is said in the result instead of raised: the faults are undone already. The journal
    comes first, so that result.json, whose space is still set aside, tells what became of it.
    """
    _succeeds(run, lambda: write_missing_journal(run))
    result = _without_secrets(run)
    for write in (_write_result, _tell_ledger):
        if not _succeeds(run, partial(write, run, result)):
            result = _without_secrets(run)
    run.stream.emit(RunFinished(result=result))
    return result


def record_provisionally(run: RunState) -> None:
    """Leave a record of what is known before the guard ends: if this process is killed then, nobody else writes one.

    `record` replaces it. Without room for it nothing is said: the final record has space set aside.
    """
    if run.folder is None or run.system_ is None or run.system.closed:
        return
    result = _without_secrets(run, provisional=True)
    if result.run.status != "invalid":
        with suppress(StateError):
            run.folder.write("result.json", result.model_dump_json(by_alias=True, indent=2))


def _succeeds(run: RunState, write: Callable[[], None]) -> bool:
    """Whether it was written; else that is said and becomes part of what was found out."""
    try:
        write()
    except StateError as error:
        run.stream.emit(Notice(text=str(error)))
        run.findings.errors.append(f"the record is incomplete: {error.message}")
        return False
    return True


def _without_secrets(run: RunState, *, provisional: bool = False) -> Result:
    """The result as it may be kept: without the run's secret, and what `--set` gave to credentials."""
    given = [value for name, value in run.request.overrides.items() if names_credential(name)]
    result = make_result(run, provisional=provisional)
    return Result.model_validate(redact(result.model_dump(by_alias=True), [run.secret, *given]))


def _write_result(run: RunState, result: Result) -> None:
    if run.folder is None:
        return
    run.folder.give_back_reserve()
    if result.run.status == "invalid" and run.system_ is None:
        run.folder.discard()
    elif result.run.status != "invalid":
        run.folder.write("result.json", result.model_dump_json(by_alias=True, indent=2))


def _tell_ledger(run: RunState, result: Result) -> None:
    """Runs that the ledger did not see begin are not told either."""
    if run.recorded is not None and run.recorded.exception() is None:
        run.bookkeeper.ask(lambda ledger: ledger.add(result)).result()
