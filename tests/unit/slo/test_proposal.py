"""The files that `init` writes, from what was found: whatever a server's labels hold."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from slochaos.measurement.prometheus.windows import Measured
from slochaos.measurement.samples import Count, NoData
from slochaos.slo.presets import PRESETS
from slochaos.slo.proposal import environment_text, slos_text
from slochaos.slo.suggestions import Found, Kind, ServiceSeries, suggest
from slochaos.slo.survey import Survey, Surveyed
from slochaos.spec import environment
from slochaos.spec.selectors import Matcher
from slochaos.spec.sources import PrometheusSource, Secret

HTTP = next(preset for preset in PRESETS if preset.name == "HTTP")
NAMES = (
    "shop",
    "${name}",
    "a: b # c",
    "two\nlines",
    'quo"ted\\',
    "\x07bell",
    "λ/ö",
    "- x",
    "x" * 300,
    "'",
    "{}",
)


def suggested(job: str, kind: Kind = Kind.REQUESTS) -> Found:
    """What the preset makes of one job's series."""
    name = "http_requests_total" if kind is Kind.REQUESTS else "http_request_duration_seconds_bucket"
    groups = [{"__name__": name, "job": job, "code": "200", "le": bound} for bound in ("0.1", "0.5", "+Inf")]
    found = suggest(kind, ServiceSeries(HTTP, name, (Matcher("job", "=", job),), groups))
    assert found is not None
    return found


def survey(*found: Found, day: Count | NoData | None = None, retention_s: float | None = None) -> Survey:
    """As measured on a server that has nothing of the day."""
    measured = Measured(day or NoData("no-series", "none\nat all"), None, "bounded")
    objectives = tuple(Surveyed(each, measured, Fraction(1, 8), 15.0) for each in found)
    return Survey("http://127.0.0.1:9090", "2.42.0", retention_s, objectives)


def written(folder: Path, source: PrometheusSource, seen: Survey) -> environment.Environment:
    """The two files, read again."""
    (folder / "mine.yaml").write_text(environment_text("mine", source, seen, "2026-11-24"))
    (folder / "mine.slos.yaml").write_text(slos_text(seen, "2026-11-24"))
    file = environment.read(folder / "mine.yaml")
    return environment.resolve(file, environment.placeholders(file), {})


@pytest.mark.parametrize("job", NAMES)
def test_whatever_a_job_is_called_the_files_are_valid_and_select_it(job: str, tmp_path: Path) -> None:
    """Control characters, quotes, dollars and colons stay in their places."""
    found = suggested(job), suggested(job, Kind.DURATIONS)
    read = written(tmp_path, PrometheusSource("prometheus", "http://127.0.0.1:9090"), survey(*found))
    assert [each.indicator for each in read.objectives] == [each.objective.indicator for each in found]
    assert [each.target for each in read.objectives] == [Fraction("0.999"), Fraction("0.95")]


def test_how_to_log_in_is_kept_by_name(tmp_path: Path) -> None:
    """User, tenant and where the password stands; the URL as it is."""
    source = PrometheusSource(
        "prometheus",
        "https://metrics.example/${x}",
        tenant="a'b",
        user='s"re',
        password=Secret(env="PASSWORD"),
    )
    read = written(tmp_path, source, survey(suggested("shop")))
    assert read.prometheus_servers == (source,)


def test_what_the_server_has_thrown_away_is_said() -> None:
    """A window of seven days on a server that keeps two."""
    text = environment_text(
        "mine",
        PrometheusSource("prometheus", "http://127.0.0.1:9090"),
        survey(suggested("shop"), retention_s=2 * 86_400.0),
        "2026-11-24",
    )
    assert "less than the window of 7 days" in text


def test_what_was_seen_stands_above_the_objective() -> None:
    """Its value against the target, the client's errors, the reason where there is no data."""
    day = Count(1000, 20, 1000, 1000, 20, 20, (), ())
    assert "# the last 24 h: 98 % (20 bad of 1,000), below 99.9 %" in slos_text(
        survey(suggested("shop"), day=day), "x"
    )
    missing = slos_text(survey(suggested("shop")), "x")
    assert "# the last 24 h: no data (no-series: none?at all)" in missing
    assert "# 4xx: 12.5 % of the requests, not counted as failures" in missing


def test_a_threshold_is_the_bound_that_is_nearest_by_ratio() -> None:
    """Between 0.1 and 0.5 s: 0.5 s, which is less than twice of 300 ms."""
    found = suggested("shop", Kind.DURATIONS)
    assert found.objective.threshold_s == Fraction(1, 2)
    assert found.bounds == (Fraction(1, 10), Fraction(1, 2))


def test_a_label_that_holds_no_status_makes_no_objective() -> None:
    """A `status` of "ok" says nothing that a preset could know."""
    groups = [{"__name__": "http_requests_total", "status": "ok"}]
    assert suggest(Kind.REQUESTS, ServiceSeries(HTTP, "http_requests_total", (), groups)) is None
