"""Two commented files from what was found: an environment and its objectives. Text only, writes nothing."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from slochaos.measurement.samples import NoData
from slochaos.slo.survey import Survey, Surveyed
from slochaos.spec.importers.imported import ImportedSlo, Target, Window
from slochaos.spec.importers.writing import to_yaml
from slochaos.spec.sources import PrometheusSource
from slochaos.wording import count, exact_percent, percent, seconds

_SCRAPE_S = range(1, 121)
"""What an environment's `alerts.scrape_interval` may be, seconds."""

_TARGETS = """\
# Where faults may go, nowhere else. Without it nothing can be injected; what happens can be priced all the same.
# targets:
#   toxiproxy:
#     - server: "http://10.0.0.9:8474"
#       proxies: [{name: database, listen: "10.0.0.9:15432", upstream: "10.0.0.5:5432"}]
# caps: {max_faults: 1, max_duration: 60s}
# protected: true   # has to be named, and takes only faults that end by themselves
# drain: 3s         # the longest time that the system's clients wait for an answer
"""


def environment_text(name: str, source: PrometheusSource, survey: Survey, today: str) -> str:
    """environments/NAME.yaml: the server, how to log in to it, the objectives' file, where faults could go."""
    lines = [_comment(line) for line in _head(survey, today)]
    lines += [f"name: {name}", *_source(source), f"slos: [{name}.slos.yaml]"]
    if survey.scrape_s is not None and (slowest_s := math.ceil(survey.scrape_s)) in _SCRAPE_S:
        lines.append(f"alerts: {{scrape_interval: {slowest_s}s}}   # the slowest of what is counted")
    return "\n".join([*lines, _TARGETS])


def slos_text(survey: Survey, today: str) -> str:
    """environments/NAME.slos.yaml: an OpenSLO document for each objective, under what was seen of it."""
    head = [
        f"Objectives that slochaos init found on {survey.server} on {today}, by well-known metric names.",
        "Targets are assumptions: what users need is yours to say. What is counted is written below.",
    ]
    documents = [_document(each) for each in survey.objectives]
    return "".join(f"{_comment(line)}\n" for line in head) + "---\n" + "---\n".join(documents)


def _head(survey: Survey, today: str) -> Iterator[str]:
    version = f"Prometheus {survey.version}" if survey.version else "The server"
    kept = f" It keeps samples for {seconds(survey.retention_s)}." if survey.retention_s else ""
    yield f"What slochaos init found on {today}. {version} at {survey.server}.{kept}"
    longest_s = max((each.found.objective.window_s for each in survey.objectives), default=0)
    if survey.retention_s is not None and survey.retention_s < longest_s:
        yield f"That is less than the window of {seconds(longest_s)}: what is older counts as unknown."


def _source(source: PrometheusSource) -> Iterator[str]:
    """The server; secrets by the name of the variable that holds them."""
    yield "sources:"
    yield f"  - name: {source.name}"
    yield f"    prometheus: {_scalar(source.url)}"
    if source.tenant:
        yield f"    tenant: {_scalar(source.tenant)}"
    if source.user and source.password:
        yield f"    basic: {{user: {_scalar(source.user)}, password: {{env: {source.password.env}}}}}"
    if source.bearer:
        yield f"    bearer: {{env: {source.bearer.env}}}"


def _scalar(text: str) -> str:
    return json.dumps(text.replace("${", "$${"))  # JSON is YAML


def _document(surveyed: Surveyed) -> str:
    found, objective = surveyed.found, surveyed.found.objective
    slo = ImportedSlo(
        name=objective.name,
        service=objective.service,
        target=Target("target", f"{float(objective.target):.12g}"),
        window=Window(objective.window),
        indicator=objective.indicator,
        display_name=objective.display_name,
    )
    said = "".join(f"{_comment(line)}\n" for line in (f"{found.preset}: {found.metric}", *_seen(surveyed)))
    return said + to_yaml([slo])


def _seen(surveyed: Surveyed) -> Iterator[str]:
    """What was read, for the comments above an objective."""
    found = surveyed.found
    yield f"assumed: {found.assumed}"
    yield f"the last 24 h: {_value(surveyed)}"
    if surveyed.refused is not None:
        yield f"{found.refused_name}: {percent(surveyed.refused)} of the requests, not counted as failures"
    if found.bounds:
        yield f"thresholds that are counted exactly: {', '.join(seconds(float(each)) for each in found.bounds)}"
    if surveyed.scrape_s is not None:
        yield f"sampled every {seconds(surveyed.scrape_s)}"
    if found.remark:
        yield found.remark


def _value(surveyed: Surveyed) -> str:
    if isinstance(surveyed.day.count, NoData):
        return f"no data ({surveyed.day.count.reason}: {surveyed.day.count.detail})"
    if surveyed.count is None or surveyed.good_share is None:
        return "no events"
    target = surveyed.found.objective.target
    share = percent(surveyed.good_share, unlike=target)
    rate = f", {surveyed.per_s:.3g} a second" if surveyed.per_s is not None else ""
    below = "" if surveyed.reached else f", below {exact_percent(target)}"
    return f"{share} ({count(surveyed.count.bad)} bad of {count(surveyed.count.total)}{rate}){below}"


def _comment(text: str) -> str:
    """One line, whatever a server's labels hold: YAML takes no control characters, not even here."""
    return "# " + "".join(char if char.isprintable() else "?" for char in text)
