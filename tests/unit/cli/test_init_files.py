"""What `slochaos init` writes: everything, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from slochaos.cli.init import _write_all


class _Interrupted(Mapping[Path, bytes]):
    """Two files, and Ctrl-C between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, path: Path) -> bytes:
        if path.name == "b":
            raise KeyboardInterrupt
        return b"a"

    def __iter__(self) -> Iterator[Path]:
        return iter((self.folder / "a", self.folder / "b"))

    def __len__(self) -> int:
        return 2


def test_an_interrupt_between_two_files_leaves_neither(tmp_path: Path) -> None:
    """Half an environment would be refused the next time."""
    with pytest.raises(KeyboardInterrupt):
        _write_all(_Interrupted(tmp_path))
    assert list(tmp_path.iterdir()) == []
