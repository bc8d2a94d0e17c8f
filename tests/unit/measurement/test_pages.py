"""Exposition text: what is kept, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from slochaos.measurement import pages
from slochaos.measurement.pages import PageError, PageParser
from slochaos.measurement.selection import metrics
from slochaos.spec import objectives
from slochaos.spec.selectors import parse
from tests.unit.measurement.simulated import latency_objective, series

LABELS = {"job": "api", "instance": "api:80"}
WANTED = [objectives.Counter(parse("http_requests_total")), *metrics([latency_objective("0.25")])]


def parsed(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return PageParser(WANTED, LABELS).parse(text.encode())


@given(
    st.lists(
        st.text(st.characters(blacklist_categories=["Cs"]), max_size=8), min_size=1, max_size=5, unique=True
    )
)
def test_label_values_survive(values: list[str]) -> None:
    """Quotes, braces, hashes, newlines and any script in label values come back as they went in."""
    registry = CollectorRegistry()
    counter = Counter("http_requests", "Requests.", ["code"], registry=registry)
    for number, value in enumerate(values):
        counter.labels(value).inc(number)
    openmetrics = generate_openmetrics(registry)  # type: ignore[no-untyped-call]
    for page in (generate_latest(registry), openmetrics):
        parser = PageParser(WANTED, LABELS)
        expected = {
            series("http_requests_total", **({"code": v} if v else {})): n for n, v in enumerate(values)
        }
        for _ in range(2):  # the second time from memory
            found = parser.parse(page)
            assert {key: value for key, value in found.items() if key[0] == "http_requests_total"} == expected


def test_only_wanted_series_are_kept() -> None:
    """Other metrics, other labels and sums cost no memory; process starts are always kept."""
    page = (
        "# TYPE x counter\nx_total 1\nprocess_start_time_seconds 5\nhttp_requests_total_more 1\n"
        'http_requests_total{code="200"} 7 1700000000000\n\thttp_requests_total {code="500"}\t3\n'
        'took_seconds_sum{code="200"} 5\ntook_seconds_count{code="200"} 2\nhttp_requests_created{code="200"} 9\n'
    )
    assert parsed(page) == {
        series("process_start_time_seconds"): 5,
        series("http_requests_total", code="200"): 7,
        series("http_requests_total", code="500"): 3,
        series("took_seconds_count", code="200"): 2,
        series("http_requests_created", code="200"): 9,
    }


def test_selectors_choose_by_job() -> None:
    """A page's series carry the source's name as job, unless they have one of their own."""
    wanted = [objectives.Counter(parse('http_requests_total{job="other"}'))]
    page = b'http_requests_total 1\nhttp_requests_total{job="other"} 2\n'
    assert list(PageParser(wanted, LABELS).parse(page).values()) == [2]


def test_exemplars_are_no_values() -> None:
    """The number behind an exemplar is not the counter's."""
    page = 'http_requests_total{code="200"} 5 # {trace_id="a} 9"} 0.67 1700000000.1\n'
    assert parsed(page) == {series("http_requests_total", code="200"): 5}


def test_a_histogram_keeps_its_buckets() -> None:
    """All bounds are kept, for which of them counts is decided later."""
    registry = CollectorRegistry()
    Histogram("took_seconds", "Time.", buckets=[0.1, 0.25], registry=registry).observe(0.2)
    found = parsed(generate_latest(registry).decode())
    bounds = {
        dict(labels)["le"]: value for (name, labels), value in found.items() if name.endswith("_bucket")
    }
    assert bounds == {"0.1": 0, "0.25": 1, "+Inf": 1}


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ("", "empty"),
        (" \n\n", "empty"),
        ("<html>\n<body>no</body>\n", "not a metrics page"),
        ('{"status": "ok", \n "x": 1}\n', "not a metrics page"),
        ('["ok"]\n', "not a metrics page"),
        ("Internal Server Error\n!\n", "not a metrics page"),
        ("http_requests_total 5", "cut off"),
        ('http_requests_total{code="2', "cut off"),
        ("http_requests_total NaN\n", "'NaN'"),
        ("http_requests_total +Inf\n", "'+Inf'"),
        ("http_requests_total 1_0\n", "'1_0'"),
        ("http_requests_total five\n", "'five'"),
        ("http_requests_total 5\nhttp_requests_total 6\n", "twice"),
        ('http_requests_total{code="a",code="b"} 5\n', "cannot be parsed"),
        ("http_requests_total{code=a} 5\n", "cannot be parsed"),
        ('http_requests_total{code="a"b} 5\n', "cannot be parsed"),
    ],
)
def test_pages_that_are_no_evidence(page: str, why: str) -> None:
    """Empty, HTML, JSON, cut off, not finite, doubled or malformed: each is refused with what is wrong."""
    with pytest.raises(PageError, match=r".") as error:
        parsed(page)
    assert why in str(error.value)


def test_values_nobody_selects_may_be_nan() -> None:
    """A summary without observations is no reason to refuse the page."""
    assert parsed('rpc_seconds{quantile="0.5"} NaN\nhttp_requests_total 1\n') == {
        series("http_requests_total"): 1
    }


def test_metric_names_are_those_of_the_page() -> None:
    """Names come from samples, not from comments."""
    assert pages.metric_names(b'# HELP a b\na{x="b 1"} 1\n b_total 2\n') == {"a", "b_total"}
