"""Sloth's files: what becomes an exact count, what stays a query, what is left out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import InvalidInput
from tests.unit.spec.importing import imported, shown_pair
from tests.unit.spec.writing import changed, line_of

ERRORS = 'sum(rate(requests_total{job="shop",code=~"5.."}[{{.window}}]))'
TOTAL = 'sum(rate(requests_total{job="shop"}[{{.window}}]))'
OF_BUCKETS = 'sum(rate(took_seconds_bucket{job="shop",le="0.3"}[{{.window}}]))'
OF_COUNT = 'sum(rate(took_seconds_count{job="shop"}[{{.window}}]))'

GOOD: dict[str, Any] = {
    "version": "prometheus/v1",
    "service": "shop",
    "labels": {"owner": "web", "tier": 2},
    "slos": [
        {
            "name": "Checkout_availability",
            "objective": 99.90,
            "description": "Checkouts without a server error.",
            "labels": {"tier": "1"},
            "sli": {"events": {"error_query": ERRORS, "total_query": TOTAL}},
        }
    ],
}
IN_KUBERNETES: dict[str, Any] = {
    "apiVersion": "sloth.slok.dev/v1",
    "kind": "PrometheusServiceLevel",
    "metadata": {"name": "shop", "namespace": "shops", "uid": "0-1"},
    "spec": {
        "service": "shop",
        "slos": [
            {
                "name": "checkout",
                "objective": 99.9,
                "sli": {"events": {"errorQuery": ERRORS, "totalQuery": TOTAL}},
                "alerting": {"name": "CheckoutErrors", "pageAlert": {"disable": True}},
            }
        ],
    },
    "status": {"processedSLOs": 1},
}


def of_events(error: str, total: str) -> dict[str, Any]:
    """The good file with other queries."""
    sli = {"events": {"error_query": error, "total_query": total}}
    return dict(changed(GOOD, "slos", 0, "sli", to=sli))


def of_ratio(query: str) -> dict[str, Any]:
    return dict(changed(GOOD, "slos", 0, "sli", to={"raw": {"error_ratio_query": query}}))


def test_a_plain_count_becomes_two_selectors(tmp_path: Path) -> None:
    """Name, service, labels, target as written, and the usual window come along; the count is exact."""
    got = imported(tmp_path, "sloth", GOOD)
    objective = got.objective
    assert (objective.name, objective.service, objective.target) == (
        "shop-checkout-availability",
        "shop",
        Fraction("0.999"),
    )
    assert (objective.window, objective.method) == ("30d", "Occurrences")
    assert shown_pair(objective) == (
        "bad",
        'selector requests_total{job="shop",code=~"5.."}',
        'selector requests_total{job="shop"}',
    )
    assert (
        got.said("note") == "the file names no window: 30d is taken\nCheckout_availability: counted exactly"
    )
    assert "owner: web" in got.yaml
    assert "tier: '1'" in got.yaml


def test_a_target_keeps_its_digits(tmp_path: Path) -> None:
    """99.90 is written as 99.90: no float comes between."""
    text = f"""
version: prometheus/v1
service: shop
slos:
  - name: a
    objective: 99.90
    sli: {{events: {{error_query: '{ERRORS}', total_query: '{TOTAL}'}}}}
"""
    assert "targetPercent: 99.90\n" in imported(tmp_path, "sloth", text).yaml


def test_the_window_can_be_given(tmp_path: Path) -> None:
    """--window stands for the window that the file does not name."""
    assert imported(tmp_path, "sloth", GOOD, window="28d").objective.window_s == 28 * 86_400
    with pytest.raises(InvalidInput, match="--window four weeks"):
        imported(tmp_path, "sloth", GOOD, window="four weeks")


def test_the_kubernetes_kind_is_the_same(tmp_path: Path) -> None:
    """Its fields are spelt differently, and what the API server added is passed over."""
    got = imported(tmp_path, "sloth", IN_KUBERNETES)
    assert shown_pair(got.objective) == shown_pair(imported(tmp_path, "sloth", GOOD).objective)
    assert "checkout: alerting (name, pageAlert) is not imported" in got.said("note")


@pytest.mark.parametrize(
    ("error", "total", "pair"),
    [
        (
            f"{OF_COUNT} - {OF_BUCKETS}",
            OF_COUNT,
            (
                "good",
                'histogram took_seconds{job="shop"} <= 3/10',
                'histogram took_seconds{job="shop"}',
            ),
        ),
        (
            f"(\n  {TOTAL}\n  -\n  sum(rate(requests_total{{code='200'}}[{{{{ .window }}}}]))\n)",
            TOTAL,
            ("good", 'selector requests_total{code="200"}', 'selector requests_total{job="shop"}'),
        ),
        (
            "sum(increase(e_total[5m])) or on() vector(0)",
            "(sum by (zone) (rate(t_total[5m])))",
            ("bad", "selector e_total", "selector t_total"),
        ),
        (
            "sum(count_over_time(up[{{.window}}])) - sum(sum_over_time(up[{{.window}}]))",
            "sum(count_over_time(up[{{.window}}]))",
            ("good", "samples up", "samples up"),
        ),
        (
            "sum(rate(e_total{a='1'}[{{.window}}])) + sum(rate(f_total[{{.window}}]))",
            "sum(rate(t_total[{{.window}}]))",
            (
                "bad",
                'query sum(increase(e_total{a="1"}[{{.window}}])) + sum(increase(f_total[{{.window}}]))',
                "query sum(increase(t_total[{{.window}}]))",
            ),
        ),
        (
            "sum(rate(e_total[{{.window}}] offset 1h))",
            "sum(rate(t_total[{{.window}}]))",
            (
                "bad",
                "query sum(increase(e_total[{{.window}}] offset 1h))",
                "query sum(increase(t_total[{{.window}}]))",
            ),
        ),
        (
            "max(rate(e_total[{{.window}}]))",
            "sum(rate(t_total[{{.window}}]))",
            ("bad", "query max(rate(e_total[{{.window}}]))", "query sum(rate(t_total[{{.window}}]))"),
        ),
        (
            "sum(rate(e_total{a=~'(?i)x(?-i)y'}[5m]))",
            "sum(rate(t_total[5m]))",
            (
                "bad",
                'query sum(increase(e_total{a=~"(?i)x(?-i)y"}[{{.window}}]))',
                "query sum(increase(t_total[{{.window}}]))",
            ),
        ),
        ("rollup(x)[", "y", ("bad", "query rollup(x)[", "query y")),
    ],
)
def test_what_queries_become(tmp_path: Path, error: str, total: str, pair: tuple[str, str, str]) -> None:
    """Sums of one counter are peeled, differences of a total and a part turned round; the rest stays PromQL."""
    got = imported(tmp_path, "sloth", of_events(error, total))
    assert shown_pair(got.objective) == pair
    kept = pair[1].startswith("query")
    assert ("kept as a query" in got.said("warning")) == kept
    assert ("counted exactly" in got.said("note")) != kept


@pytest.mark.parametrize(
    ("query", "pair"),
    [
        (f"{ERRORS} / {TOTAL}", ("bad", 'code=~"5.."}', 'requests_total{job="shop"}')),
        (f"1 - ({OF_BUCKETS} / {OF_COUNT})", ("good", "<= 3/10", 'histogram took_seconds{job="shop"}')),
        (
            "1 - avg_over_time(probe_success{job='p'}[{{.window}}])",
            ("good", "samples probe_success", "samples"),
        ),
        ("1 - avg(avg_over_time(node_up[{{.window}}]))", ("good", "samples node_up", "samples node_up")),
    ],
)
def test_ratios_are_taken_apart(tmp_path: Path, query: str, pair: tuple[str, str, str]) -> None:
    """A share of two counts, of 1 less such a share, or of a gauge that is 0 or 1."""
    kind, part, total = shown_pair(imported(tmp_path, "sloth", of_ratio(query)).objective)
    assert kind == pair[0]
    assert pair[1] in part
    assert pair[2] in total


@pytest.mark.parametrize(
    "query", ["job:error_ratio:5m", "1 - avg(satisfaction_ratio)", "a / on(x) group_left b"]
)
def test_a_share_without_counts_is_left_out(tmp_path: Path, query: str) -> None:
    """Of a share alone nobody can tell how many events there were: it is named, the others are imported."""
    content = of_ratio(query)
    content["slos"].append(changed(GOOD, "slos", 0, "name", to="other")["slos"][0])
    got = imported(tmp_path, "sloth", content)
    assert [objective.name for objective in got.objectives] == ["shop-other"]
    assert "Checkout_availability: left out: the query gives a share" in got.said("error")


def test_a_dollar_stays_a_dollar(tmp_path: Path) -> None:
    """`${x}` and `$$` in a query are text there, and no variables of ours."""
    content = of_events('sum(rate(e_total{a="${x}",b="$$c$"}[5m]))', "sum(rate(t_total[5m]))")
    assert (
        shown_pair(imported(tmp_path, "sloth", content).objective)[1] == 'selector e_total{a="${x}",b="$$c$"}'
    )


def test_plugins_are_left_out(tmp_path: Path) -> None:
    """An indicator that a plugin makes is not in the file."""
    content = changed(
        GOOD, "slos", 0, "sli", to={"plugin": {"id": "acme/availability", "options": {"job": "a"}}}
    )
    assert "made by the plugin 'acme/availability'" in imported(tmp_path, "sloth", content).said("error")


def test_a_hundred_per_cent_is_left_out(tmp_path: Path) -> None:
    """Sloth accepts a target without a budget; there is nothing to charge."""
    content = changed(GOOD, "slos", 0, "objective", to=100)
    assert "leaves no error budget" in imported(tmp_path, "sloth", content).said("error")


def test_what_openslo_cannot_hold_is_cut_and_said(tmp_path: Path) -> None:
    """Long texts are cut, keys that are no OpenSLO labels are dropped, each with a note."""
    content = changed(GOOD, "slos", 0, "description", to="long " * 300)
    content["slos"][0]["labels"] = {"k8s.io/app": "x"}
    notes = imported(tmp_path, "sloth", content).said("note")
    assert "its description is cut to the 1050 characters" in notes
    assert "the label 'k8s.io/app' is left out" in notes


@pytest.mark.parametrize(
    ("path", "value", "said", "at"),
    [
        (("version",), "prometheus/v2", "'prometheus/v2' is not prometheus/v1", "version"),
        (("slo",), [], "no field of that name", "slo:"),
        (("slos", 0, "objective"), "most", "'most' is not a plain number", "objective"),
        (("slos", 0, "objective"), 101, "101 is outside of 0 to 100", "objective"),
        (("slos", 0, "sli"), {}, "exactly one of events, raw, plugin", "sli"),
        (("slos", 0, "sli", "events", "total"), "x", "no field of that name", "total: x"),
        (("slos", 0, "name"), "??", "gives no name", "name"),
    ],
)
def test_mistakes_carry_their_line(
    tmp_path: Path, path: tuple[Any, ...], value: Any, said: str, at: str
) -> None:
    """A file that Sloth would not take is refused with file and line."""
    content = changed(GOOD, *path, to=value)
    if path == ("slos", 0, "name"):
        content["service"] = "!"
    with pytest.raises(InvalidInput, match=said) as caught:
        imported(tmp_path, "sloth", content)
    assert caught.value.message.startswith(
        f"{tmp_path / 'sloth.yaml'}:{line_of(tmp_path / 'sloth.yaml', at)}: "
    )


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    """Names that become the same would overwrite each other."""
    content = changed(
        GOOD, "slos", to=[GOOD["slos"][0], changed(GOOD["slos"][0], "name", to="checkout availability")]
    )
    with pytest.raises(InvalidInput, match="a second objective named 'shop-checkout-availability'"):
        imported(tmp_path, "sloth", content)
