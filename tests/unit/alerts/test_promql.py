"""Pieces of PromQL."""

from __future__ import annotations

from fractions import Fraction

import pytest

from slochaos.alerts.promql import bound_matcher, number, selected
from slochaos.spec.selectors import parse


@pytest.mark.parametrize(
    ("bound", "spellings"),
    [
        ("0.3", ["0.3", "0.30", ".3"]),
        ("1", ["1", "1.0", "1."]),
        ("2.5", ["2.5", "2.50"]),
        ("10", ["10", "10.0"]),
        ("0.00001", ["1e-05", "1e-5", "1.0E-5", "0.00001"]),
        ("0.00025", ["0.00025", "2.5e-04", "2.5E-4"]),
        ("10000000", ["1e+07", "1.0E7", "10000000", "10000000.0"]),
    ],
)
def test_every_spelling_of_a_bucket_s_bound_is_matched(bound: str, spellings: list[str]) -> None:
    """Go, Python and Java write the same number in their own ways."""
    matcher = bound_matcher(Fraction(bound))

    assert [spelling for spelling in spellings if not matcher.matches({"le": spelling})] == []


@pytest.mark.parametrize("other", ["0.25", "0.31", "0.03", "3", "30", "0.3e1", "+Inf", ""])
def test_no_other_bound_is_matched(other: str) -> None:
    """A bucket beside the one that is asked for counts other events."""
    assert not bound_matcher(Fraction("0.3")).matches({"le": other})


@pytest.mark.parametrize("text", ["0.001", "13.44", "0.0005", "1", "1000", "0.999999999999"])
def test_numbers_are_written_as_they_were(text: str) -> None:
    """No float comes in between: 1 - 0.999 is 0.001."""
    assert number(Fraction(text)) == text
    assert number(1 - (1 - Fraction(text))) == text


def test_a_selector_keeps_its_own_matchers() -> None:
    """The bucket's suffix and bound are added to what the document says, with its quotes escaped."""
    selector = parse('duration_seconds{path="/a\\"b"}')

    assert selected(selector, "_bucket", (bound_matcher(Fraction(1, 2)),)) == (
        'duration_seconds_bucket{path="/a\\"b",le=~"0?\\\\.50*"}'
    )
