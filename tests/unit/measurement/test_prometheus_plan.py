"""The query plan: fewer questions that bring as much, and no objective that notices."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from slochaos.measurement.prometheus.answers import RawSeries
from slochaos.measurement.prometheus.plan import Ask, Found, alternation, ask_of, asks_of, merged
from slochaos.spec.objectives import Counter, Histogram, Indicator, Query
from slochaos.spec.selectors import Matcher, parse

NAMES = ("a_total", "b_total")
JOBS = ("api", "web", "api-2", "a.b")
CODES = ("200", "500", "503")


def ask(text: str) -> Ask:
    """What counting a selector needs."""
    found = ask_of(Counter(parse(text)))
    assert found is not None
    return found


def series(name: str, **labels: str) -> RawSeries:
    """A series with one sample."""
    return RawSeries(name, labels, [1.0], [1.0])


def test_equal_selectors_are_asked_once() -> None:
    """However many objectives share them."""
    assert len(merged([ask('a_total{job="api"}')] * 5)) == 1


def test_selector_that_another_covers_is_not_asked() -> None:
    """Bad events are among all events, which are fetched anyway."""
    [one] = merged([ask('a_total{job="api",code=~"5.."}'), ask('a_total{job="api"}')])
    assert one == ask('a_total{job="api"}')


def test_selectors_that_differ_in_one_value_become_one() -> None:
    """A thousand services are a few questions, not a thousand."""
    found = merged([ask(f'a_total{{service="s{number}"}}') for number in range(250)])
    assert len(found) == 3
    assert all(str(each).count("|") >= 49 for each in found)


def test_selectors_that_differ_otherwise_are_not_widened() -> None:
    """Leaving out a matcher could fetch everything."""
    asks = [ask('a_total{job="api"}'), ask('a_total{handler="/x"}'), ask('b_total{job=~"a.*"}')]
    assert set(merged(asks)) == set(asks)


def test_histogram_is_one_question() -> None:
    """Its buckets, its count, and when it was made."""
    histogram = Histogram(parse('took_seconds{job="api"}'))
    [one] = merged(asks_of(Indicator(histogram, good=Histogram(histogram.selector, Fraction("0.3")))))
    assert str(one) == '{__name__=~"took_seconds_bucket|took_seconds_count|took_seconds_created",job="api"}'


def test_promql_is_not_among_them() -> None:
    """It is asked as it is."""
    assert asks_of(Indicator(Query("sum(x)"), bad=Query("sum(y)"))) == []


def test_values_are_taken_literally() -> None:
    """A dot in an alternation is a dot."""
    assert alternation("job", ["a.b", "c"]) == Matcher("job", "=~", r"a\.b|c")
    assert alternation("job", ["a.b"]) == Matcher("job", "=", "a.b")


MATCHERS = st.fixed_dictionaries(
    {},
    optional={
        "job": st.one_of(st.sampled_from([f'="{job}"' for job in JOBS]), st.just('=~"a.*"')),
        "code": st.sampled_from(['="500"', '=~"5.."', '!~"2.."', '!="200"', '=""']),
    },
)
ASKS = st.builds(
    lambda name, where: ask(f"{name}{{{','.join(label + text for label, text in where.items())}}}"),
    st.sampled_from(NAMES),
    MATCHERS,
)
STORED = [series(name, job=job, code=code) for name in NAMES for job in JOBS for code in CODES] + [
    series(name, job=job) for name in NAMES for job in JOBS
]


@given(st.lists(ASKS, min_size=1, max_size=12))
def test_merged_questions_bring_each_selector_exactly_its_series(asks: list[Ask]) -> None:
    """What the server would answer to the merged ones holds the series of each, and picking gets no others."""
    brought = Found(each for one in merged(asks) for each in STORED if _fits(one, each))
    for one in asks:
        assert {each.series for each in brought.of(one)} == {
            each.series for each in STORED if _fits(one, each)
        }


def _fits(one: Ask, each: RawSeries) -> bool:
    return each.name in one.names and all(matcher.matches(each.labels) for matcher in one.matchers)
