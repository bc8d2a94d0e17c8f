"""Fixtures for the command as a user runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.slochaos_command import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """An empty folder to work in."""
    (tmp_path / "work").mkdir()
    (tmp_path / "state").mkdir()
    return Shell(tmp_path / "work", tmp_path / "state")


@pytest.fixture
def example(shell: Shell) -> Shell:
    """A folder with the example laid out."""
    answer = shell.slochaos("init", "--example")
    assert answer.code == 0, answer.err
    return shell
