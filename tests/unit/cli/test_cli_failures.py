"""How failures become a message and an exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from slochaos.cli.failures import describe, errors_as_document, exit_code_of, status_of
from slochaos.errors import (
    GuardError,
    InvalidInput,
    LockHeld,
    SlochaosError,
    StateError,
    TargetError,
    UndoFailed,
)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def _raising(error: BaseException) -> int:
    def command() -> None:
        raise error

    return exit_code_of(command)


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (InvalidInput("x"), 2, "invalid"),
        (LockHeld("x"), 4, "refused"),
        (UndoFailed("x"), 6, "undo-failed"),
        (TargetError("x"), 7, "error"),
        (StateError("x"), 7, "error"),
        (GuardError("x"), 7, "error"),
    ],
)
def test_each_failure_has_its_exit_code_and_its_status(error: SlochaosError, code: int, status: str) -> None:
    """A failure's exit code and status are those of result.json."""
    assert _raising(error) == code
    assert status_of(error) == status


def test_a_failure_is_one_message_with_its_hint_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """What failed and what to do next go to standard error, nothing to standard output."""
    _raising(InvalidInput("a.json:3: cost: not a share", hint="write 5%"))
    assert capsys.readouterr() == ("", "Error: a.json:3: cost: not a share\n  -> write 5%\n")


def test_anything_unexpected_is_7_and_keeps_its_traceback_in_a_private_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unexpected exception never shows a traceback: it is saved, and the file is named."""
    assert _raising(ZeroDivisionError("by zero")) == 7
    (saved,) = (tmp_path / "slochaos").glob("crash-*.txt")
    message = capsys.readouterr().err
    assert str(saved) in message
    assert "Traceback" not in message
    assert "ZeroDivisionError: by zero" in saved.read_text()
    assert saved.stat().st_mode & 0o777 == 0o600


def test_an_interrupt_outside_a_run_is_130() -> None:
    """Ctrl-C and Typer's own abort both mean SIGINT."""
    assert _raising(KeyboardInterrupt()) == 130
    assert _raising(typer.Abort()) == 130


def test_a_usage_error_is_2() -> None:
    """What Typer refuses is invalid input, whichever copy of Click raised it."""
    assert _raising(typer.BadParameter("no such thing")) == 2


def test_what_a_command_returns_is_its_exit_code() -> None:
    """None counts as success."""
    assert exit_code_of(lambda: 4) == 4
    assert exit_code_of(lambda: None) == 0


def test_with_json_a_failure_is_a_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output then holds one document with status, code, message, hint and a refusal's reason."""
    with pytest.raises(LockHeld), errors_as_document(True):
        raise LockHeld("held by run a", hint="wait")
    assert '"reason": "lock-held"' in capsys.readouterr().out
    assert describe(LockHeld("held", hint="wait")) == {
        "status": "refused",
        "exit_code": 4,
        "message": "held",
        "hint": "wait",
        "reason": "lock-held",
    }
