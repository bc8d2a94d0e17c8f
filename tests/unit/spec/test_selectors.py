"""Selectors are Prometheus' series selectors, and match as Prometheus does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slochaos.errors import InvalidInput
from slochaos.spec import patterns, selectors
from slochaos.spec.selectors import Matcher, Operator, Selector


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("up", Selector("up")),
        ("up{}", Selector("up")),
        (' up { a = "1" , b != "2", } ', Selector("up", (Matcher("a", "=", "1"), Matcher("b", "!=", "2")))),
        (
            'job:errors:sum{a=~"x|y",b!~`\\d+`}',
            Selector("job:errors:sum", (Matcher("a", "=~", "x|y"), Matcher("b", "!~", "\\d+"))),
        ),
        ("{__name__='up',a=\"'\"}", Selector("up", (Matcher("a", "=", "'"),))),
        (r'up{a="\"\\\n\x41\u00e9\U0001F600\101"}', Selector("up", (Matcher("a", "=", '"\\\nAé😀A'),))),
    ],
)
def test_prometheus_syntax(text: str, expected: Selector) -> None:
    """Names, the four operators, all quotes and escapes, spaces and a trailing comma are read."""
    assert selectors.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "names no metric"),
        ("{}", "names no metric"),
        ('{job="api"}', "names no metric"),
        ('up{__name__="down"}', "given once"),
        ('{__name__=~"a|b"}', "given once, as plain text"),
        ('{__name__="a b"}', "names no metric"),
        ("up{job=api}", "column 8: 'api}' stands where a quoted value has to be"),
        ('up{job=="api"}', "stands where a quoted value"),
        ('up{job="api"', "the end stands where ',' or '}' has to be"),
        ('up{job="api" code="2"}', "column 14"),
        ("up{,}", "stands where a label name has to be"),
        ('up{9a="b"}', "stands where a label name has to be"),
        ('up{a="b"} > 0', "'> 0' is not expected here"),
        ("rate(up[5m])", "'(up[5m])' is not expected here"),
        ('up{a="b"}[5m]', "is not expected here"),
        (r'up{a="\d"}', r"column 7: \d is no escape"),
        (r'up{a="\ud800"}', "is no escape"),
        (r'up{a="\U00110000"}', "is no escape"),
        (r'up{a="\777"}', "is no escape"),
        (r'up{a="\xe9"}', "is no escape"),
        ('up{a=~"("}', "column 7: regular expression, character 2"),
        ("u" * 2001, "longer than 2000 characters"),
    ],
)
def test_what_is_no_selector_is_refused_with_its_column(text: str, expected: str) -> None:
    """The message says what stands where."""
    with pytest.raises(InvalidInput) as caught:
        selectors.parse(text)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("matchers", "labels", "expected"),
    [
        ('a="1"', {"a": "1"}, True),
        ('a="1"', {"a": "2"}, False),
        ('a=""', {}, True),
        ('a!=""', {}, False),
        ('a!="1"', {}, True),
        ('a=~"2.."', {"a": "200"}, True),
        ('a=~"2.."', {"a": "2000"}, False),
        ('a=~"0"', {"a": "200"}, False),
        ('a=~"x|200"', {"a": "200"}, True),
        ('a=~"x|20"', {"a": "200"}, False),
        ('a=~".+"', {}, False),
        ('a=~".*"', {"b": "c"}, True),
        ('a!~"2.."', {"a": "500"}, True),
        ('a!~"2.."', {"a": "200"}, False),
        ('a=~"(?i)get"', {"a": "GET"}, True),
        ('a="1",b="2"', {"a": "1", "b": "3"}, False),
    ],
)
def test_matching_is_that_of_prometheus(matchers: str, labels: dict[str, str], expected: bool) -> None:
    """Regular expressions match the whole value; a missing label is the empty string."""
    assert selectors.parse(f"up{{{matchers}}}").matches(labels) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "2..",
        "2..|3..",
        "/api/v[0-9]+/.*",
        "[^/]+",
        r"\d{3}",
        "(?:a|b)c?",
        "(?P<x>a)",
        r"[a\]\\-]x",
        ".*timeout.*",
        "a-b_c d",
        "é+",
        "[0-9a-f]{8}-[0-9a-f]{4}",
    ],
)
def test_common_patterns_are_taken(pattern: str) -> None:
    """The part of RE2 that selectors are written with is accepted."""
    patterns.check(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        "(?P=x)",
        "(?#x)",
        "(?(1)a|b)",
        r"(a)\1",
        r"\Aa",
        r"a\Z",
        r"\pL",
        "[[:alpha:]]",
        "[a&&b]",
        "a*+",
        "a??b**",
        "a{,3}",
        "a{2,1}",
        "a{1001}",
        "(",
        ")",
        "[",
        "[]",
        "*",
        "+a",
        "a|*",
        "{",
        "[z-a]",
        "\\",
    ],
)
def test_patterns_that_differ_from_re2_are_refused(pattern: str) -> None:
    """What Python and Prometheus read differently, or not at all, is refused."""
    with pytest.raises(InvalidInput):
        patterns.check(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a*)*b",
        "(a|a)*",
        "(a|aa)+",
        ".*" * 5,
        "a?" * 30 + "a" * 30,
        "(a|a)" * 30,
        "(a{1,9}){1,9}",
        "((a{999}){999}){999}",
        "(.*,){25}",
    ],
)
def test_patterns_that_could_hang_a_run_are_refused(pattern: str) -> None:
    """Catastrophic backtracking is refused when the file is read."""
    with pytest.raises(InvalidInput):
        patterns.check(pattern)


@given(pattern=st.text("ab2.*+?|()[]{}^$\\d,-:i01<>P=!\n", max_size=12), value=st.text("ab2d\n", max_size=30))
def test_accepted_patterns_work(pattern: str, value: str) -> None:
    """Any text is refused as InvalidInput or can be matched."""
    try:
        patterns.check(pattern)
    except InvalidInput:
        return
    patterns.matches(pattern, value)


VALUES = st.text(st.characters(codec="utf-8"), max_size=20)
LABELS = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,5}", fullmatch=True).filter(
    lambda label: label != "__name__"
)
OPERATORS: st.SearchStrategy[Operator] = st.sampled_from(["=", "!="])
MATCHERS = st.builds(Matcher, LABELS, OPERATORS, VALUES) | st.builds(
    Matcher, LABELS, st.sampled_from(["=~", "!~"]), st.sampled_from(["2..", "a|b", r"\d+", r"x\"\\", ""])
)


@given(
    name=st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,9}", fullmatch=True),
    matchers=st.lists(MATCHERS, max_size=4),
)
def test_selectors_round_trip(name: str, matchers: list[Matcher]) -> None:
    """The text of a selector parses to an equal selector."""
    selector = Selector(name, tuple(matchers))
    assert selectors.parse(str(selector)) == selector


@given(text=st.text("up{}a=!~\"'`\\ ,x1", max_size=20) | st.text(max_size=20))
def test_any_text_is_a_selector_or_invalid(text: str) -> None:
    """Nothing but InvalidInput is raised, and what is accepted round-trips."""
    try:
        selector = selectors.parse(text)
    except InvalidInput:
        return
    assert selectors.parse(str(selector)) == selector
