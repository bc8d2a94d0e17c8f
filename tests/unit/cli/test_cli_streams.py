"""What goes to standard output and standard error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from slochaos.cli.options import assignments
from slochaos.cli.streams import printable, write_document
from slochaos.errors import InvalidInput
from slochaos.spec.checking import kind_of


@dataclass(frozen=True)
class _Row:
    at: datetime
    path: Path
    share: Fraction


def test_text_from_elsewhere_cannot_drive_the_terminal() -> None:
    """Control characters and escape sequences of a title are replaced, other letters stay."""
    assert printable("Größe \x1b]0;x\x07\x1b[2J\r中\n") == "Größe �]0;x��[2J�中\n"


def test_a_document_holds_records_times_and_fractions(capsys: pytest.CaptureFixture[str]) -> None:
    """Records are objects, times RFC 3339 in UTC, exact fractions numbers, paths text."""
    write_document({"rows": [_Row(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), Path("/a"), Fraction(1, 4))]})
    assert json.loads(capsys.readouterr().out) == {
        "rows": [{"at": "2026-01-02T03:04:05.000Z", "path": "/a", "share": 0.25}]
    }


@pytest.mark.parametrize("pairs", [["a"], ["=b"], ["a=1", "a=2"]])
def test_set_takes_each_name_once_with_a_value(pairs: list[str]) -> None:
    """A pair without `=`, without a name, or a name twice is invalid."""
    with pytest.raises(InvalidInput):
        assignments(pairs)


def test_set_keeps_everything_after_the_first_equals_sign() -> None:
    """Values may hold `=`, or be empty."""
    assert assignments(["url=http://a?b=c", "empty="]) == {"url": "http://a?b=c", "empty": ""}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"apiVersion": "openslo/v1", "kind": "SLO"}, "SLO document"),
        ({"title": "t", "method": []}, "experiment"),
        ({"proxy": "database", "enabled": False}, "toxic"),
        ({"sources": []}, "environment"),
        ({"something": 1}, ""),
        ([1], ""),
    ],
)
def test_a_file_is_told_by_keys_that_only_its_kind_has(content: object, kind: str) -> None:
    """Experiments, toxics, environments and SLO documents are recognized by content, not by name."""
    assert kind_of([content]) == kind


def test_an_empty_file_is_of_no_kind() -> None:
    """No document, no kind."""
    assert kind_of([]) == ""
