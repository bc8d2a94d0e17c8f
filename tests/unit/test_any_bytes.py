"""Whatever somebody wrote, every loader gives a value or one of our own errors, never anything else.

Bytes of any kind, and valid files with pieces cut, doubled, moved and replaced.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from slochaos import faults
from slochaos.errors import SlochaosError
from slochaos.faults import catalogue
from slochaos.faults.toxiproxy.outage import Outage
from slochaos.faults.toxiproxy.toxics import Toxics
from slochaos.guard import control, wire
from slochaos.guard.recovery import report
from slochaos.guard.undolog import logged_runs, read_log
from slochaos.ledger import result_file
from slochaos.measurement.pages import PageError, PageParser
from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.measurement.prometheus.transport import _Answer
from slochaos.prober import config as prober_config
from slochaos.spec import (
    documents,
    durations,
    environment,
    experiment,
    moments,
    openslo,
    patterns,
    selectors,
    toxics,
    variables,
)
from slochaos.spec.importers import promql
from slochaos.spec.objectives import Counter, Histogram, Metric
from slochaos.spec.sources import PrometheusSource
from slochaos.toxiproxy import body, command
from slochaos.toxiproxy.errors import ApiError
from tests.unit.sample_results import passed_result
from tests.unit.spec import (
    test_alerting,
    test_import_nobl9,
    test_import_pyrra,
    test_import_slo_generator,
    test_import_sloth,
)
from tests.unit.spec.importing import import_of
from tests.unit.spec.writing import (
    GOOD_ENVIRONMENT,
    GOOD_EXPERIMENT,
    GOOD_SLO,
    SLOW,
    write_project,
    yaml_text,
)

OURS = (SlochaosError, PageError, ApiError)
ROOT = Path(__file__).parents[2]
WANTED: list[Metric] = [
    Counter(selectors.parse("requests_total")),
    Histogram(selectors.parse("took_seconds")),
]
PAGE = """\
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200",path="/a b"} 12 1700000000000
requests_total{code="500"} 3.0 # {trace="1"} 1.0
took_seconds_bucket{le="0.3"} 4
took_seconds_bucket{le="+Inf"} 5
process_start_time_seconds 1.7e9
"""
PROXY = ("http://127.0.0.1:8474", "database", "127.0.0.1:15432", "127.0.0.1:5432")
OPERATIONS = (
    Outage(*PROXY, "slochaos-run-1"),
    Toxics(
        *PROXY,
        "http",
        ({"name": "slochaos-run-1-1-x1700000020", "type": "latency", "toxicity": 1.0, "attributes": {}},),
    ),
)
LOG = """\
{"run":"run-1","experiment":"outage","environment":"local","started_wall":1700000000.5,"socket":"/run/guard.sock",\
"guard":{"pid":1,"started":1.5,"boot":"b"}}
{"id":"1","state":"intended","kind":"toxiproxy","name":"outage","target":"database","at":1.0,"wall":2.0,\
"expires_wall":1700000020.0,"operations":OPERATIONS}
{"id":"1","state":"sent","at":1.1,"wall":2.1,"detail":"PATCH"}
{"id":"s1","state":"applied","service":{"name":"api","pid":1,"started":1.5,"boot":"b"}}
""".replace("OPERATIONS", json.dumps([each.to_json() for each in OPERATIONS]))
ANSWERS = (
    '{"status":"success","warnings":["half"],"data":{"resultType":"matrix","result":[{"metric":{"__name__":"x","job":"a"},'
    '"values":[[1.5,"2"],[2.5,"NaN"]]}]}}',
    '{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1.5,"+Inf"]}]}}',
    '{"status":"success","data":{"resultType":"scalar","result":[1.5,"2"]}}',
    '{"status":"success","data":{"activeTargets":[{"scrapeUrl":"http://a/metrics","labels":{"job":"a"},"health":"up",'
    '"scrapeInterval":"15s","scrapeTimeout":"10s","lastScrape":"2026-11-24T12:00:00.123456789Z","lastError":""}]}}',
    '{"status":"success","data":{"x":[{"type":"counter","help":"h","unit":""}],"storageRetention":"15d","version":"3.0.0"}}',
    '{"status":"success","data":["a","b"]}',
)
PROBER = """\
variables: {api: "http://127.0.0.1:8080"}
rate: 20
timeout: 1s
max_in_flight: 100
journeys: [{name: list, weight: 3, get: "${api}/items/{1-9}"}]
uptime: {url: "${api}/health", every: 1s, timeout: 1s}
"""


def of_file(name: str, load: Callable[[Path], object]) -> Callable[[Path, bytes], object]:
    """A loader of files: the bytes are written under a name that says their format."""

    def check(folder: Path, content: bytes) -> object:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return load(path)

    return check


def of_text(parse: Callable[[str], object]) -> Callable[[Path, bytes], object]:
    """A parser of text."""
    return lambda _, content: parse(content.decode("utf-8", "replace"))


def load_environment(path: Path) -> object:
    file = environment.read(path)
    return environment.resolve(file, environment.placeholders(file), {})


def read_undo_log(path: Path) -> object:
    """Read it, and what is shown and replayed of it."""
    read_log(path)
    state = path.parent.parent
    return control.status(state), [
        report(entry) for run in logged_runs(state) for entry in run.entries.values()
    ]


def load_experiment(path: Path) -> object:
    """An experiment, as the command line reads it."""
    return experiment.load(path, describe=faults.traits)


def check_fault(text: str) -> object:
    """A message to the guard, and the parameters of a fault in it."""
    message = wire.decode(text.encode())
    catalogue.traits(str(message.get("kind")), message.get("parameters", {}))
    return message


class Answering(BaseAdapter):
    """A transport that gives one answer to every question."""

    def __init__(self, server: PrometheusServer, content: bytes) -> None:
        super().__init__()
        self._server, self._content = server, content

    def send(self, request: PreparedRequest, *_: object, **__: object) -> Response:
        answer = _Answer(self._server._transport)
        answer.status_code, answer.request, answer.raw = 200, request, io.BytesIO(self._content)
        return answer

    def close(self) -> None:
        pass


def ask_prometheus(_: Path, content: bytes) -> object:
    """Every question to a server that answers so."""
    with PrometheusServer(PrometheusSource("p", "http://127.0.0.1:9")) as server:
        server._session.mount("", Answering(server, content))
        questions: list[Callable[[], object]] = [
            lambda: server.raw("x", 0, 10),
            lambda: server.query("x", 0),
            lambda: server.query_range("x", 0, 10, 1),
            lambda: server.label_values("job"),
            lambda: server.series(["x"], 0, 10),
            server.clock,
            server.targets,
            server.metadata,
            server.retention_s,
            server.build,
        ]
        answers = []
        for question in questions:
            with suppress(SlochaosError):
                answers.append(question())
    return answers


def read_body(_: Path, content: bytes) -> object:
    fields = body.parse_object(content)
    return (
        body.text(fields, "name", ""),
        body.flag(fields, "enabled", False),
        body.fraction(fields, "toxicity", 1),
    )


@dataclass(frozen=True)
class Loader:
    """Something that reads what others wrote, and valid examples of it."""

    load: Callable[[Path, bytes], object]
    examples: tuple[str, ...]


VARIABLES = {"api_job": "api", "prober_job": "prober", "latency_threshold": "0.3"}
SLOS = (ROOT / "environments/agentmesh.slos.yaml").read_text(encoding="utf-8")
EXPERIMENTS = tuple(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "experiments").glob("*.json"))
)
OVERRIDE = {"by": "ada", "reason": "a release", "until": "2026-12-01T18:00:00+01:00"}
ENVIRONMENT = yaml_text(
    {
        **GOOD_ENVIRONMENT,
        "slos": [],
        "alerts": test_alerting.GOOD,
        "budget": {"scope": "rolling", "mode": "enforce", "overrides": [OVERRIDE]},
    }
)

LOADERS: dict[str, Loader] = {
    "yaml": Loader(of_file("any.yaml", documents.load_all), (SLOS, "a: 1\n---\n- [2, '3']\n")),
    "yaml of chaoslib": Loader(
        of_file("any.yaml", lambda path: documents.load_all(path, "pyyaml")),
        ("a: 2026-01-01\nb: 0x1f\nc: 1_0\n",),
    ),
    "json": Loader(of_file("any.json", documents.load_all), (*EXPERIMENTS, '{"a": [1e5, "\\u00e9", null]}')),
    "openslo": Loader(
        of_file("s.slos.yaml", lambda path: openslo.load([path], VARIABLES)),
        (yaml_text(GOOD_SLO), SLOS),
    ),
    "openslo, lenient": Loader(
        of_file("s.slos.yaml", lambda path: openslo.load([path], VARIABLES, lenient=True)),
        (yaml_text(GOOD_SLO), SLOS),
    ),
    "environment": Loader(of_file("environments/e.yaml", load_environment), (ENVIRONMENT,)),
    "experiment": Loader(
        of_file("experiments/x.json", load_experiment), (json.dumps(GOOD_EXPERIMENT), *EXPERIMENTS)
    ),
    "experiment in yaml": Loader(
        of_file("experiments/x.yaml", load_experiment), (yaml_text(GOOD_EXPERIMENT),)
    ),
    "toxic": Loader(of_file("toxics/t.json", toxics.load), (json.dumps(SLOW, indent=1),)),
    "prober": Loader(of_file("prober.yaml", lambda path: prober_config.load(path, {})), (PROBER,)),
    "selector": Loader(of_text(selectors.parse), ('requests_total{job="a\\"b", code=~"2..|3[0-9]+"}',)),
    "pattern": Loader(of_text(patterns.check), ("(?i)(?:ab|c[^d-f]{2})x\\d+?",)),
    "duration": Loader(of_text(durations.parse_exact), ("1d2h3m4.5s6ms",)),
    "moment": Loader(
        of_text(lambda text: moments.parse_moment(text, 1.7e9)),
        ("2026-11-24T14:02:00+01:00", "14:02", "-15m"),
    ),
    "variables": Loader(of_text(lambda text: variables.fill(text, {"name": "x"})), ("a$$b ${name} $c",)),
    "promql": Loader(
        of_text(lambda text: promql.series_of(promql.parse(text))),
        ('sum by (a) (rate(x_total{a="b"}[{{.window}}] offset 5m)) / on(a) (y or vector(0)) > bool 1e3',),
    ),
    "sloth": Loader(
        of_file("i.yaml", import_of("sloth")),
        (yaml_text(test_import_sloth.GOOD), yaml_text(test_import_sloth.IN_KUBERNETES)),
    ),
    "pyrra": Loader(of_file("i.yaml", import_of("pyrra")), (yaml_text(test_import_pyrra.GOOD),)),
    "slo-generator": Loader(
        of_file("i.yaml", import_of("slo-generator")),
        (yaml_text(test_import_slo_generator.GOOD).replace("${JOB}", "shop"),),
    ),
    "nobl9": Loader(of_file("i.yaml", import_of("nobl9")), (yaml_text(test_import_nobl9.GOOD),)),
    "metrics page": Loader(lambda _, content: PageParser(WANTED, {"job": "a"}).parse(content), (PAGE,)),
    "prometheus": Loader(ask_prometheus, ANSWERS),
    "result.json": Loader(
        of_file("result.json", result_file.read), (passed_result().model_dump_json(by_alias=True),)
    ),
    "undo log": Loader(of_file("undo/run-1.log", read_undo_log), (LOG,)),
    "guard message": Loader(
        of_text(check_fault),
        ('{"id": 1, "call": "inject", "kind": "toxiproxy", "parameters": {"proxy": "d", "enabled": false}}',),
    ),
    "toxiproxy body": Loader(read_body, ('{"name": "d", "enabled": true, "toxicity": 0.5}',)),
    "toxiproxy config": Loader(
        of_file("toxiproxy.json", command._read_config),
        ('[{"name": "d", "listen": "a:1", "upstream": "b:2"}]',),
    ),
}

MARKS = tuple("{}[]\"':,#$\\|>-\n\t\0é")
WORDS = (
    "${",
    "\\ud800",
    "null",
    "true",
    "NaN",
    "-1",
    "1e999",
    "0x",
    "&a ",
    "*a",
    "!!",
    "---\n",
    "<<: ",
    "- ",
)
LONG = ("9" * 400, "[" * 300, "(" * 300, '{"a":' * 1000)
TOKENS = st.sampled_from([*MARKS, *WORDS, *LONG]).map(str.encode)


@st.composite
def mutated(draw: st.DrawFn, examples: tuple[str, ...]) -> bytes:
    """An example with one to four pieces cut out, doubled, or replaced by other text."""
    content = draw(st.sampled_from(examples)).encode()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 40)))
        piece = draw(st.sampled_from([b"", content[start:end] * 2]) | TOKENS | st.binary(max_size=8))
        content = content[:start] + piece + content[end:]
    return content


def try_bytes(folder: Path, loader: Loader, data: st.DataObject) -> None:
    content = data.draw(st.binary(max_size=80) | mutated(loader.examples))
    with suppress(*OURS):
        loader.load(folder, content)


@pytest.mark.parametrize("name", LOADERS)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject) -> None:
    """Nothing but a value or an error with a message of ours."""
    try_bytes(tmp_path_factory.getbasetemp() / "any-bytes", LOADERS[name], data)


@pytest.mark.soak
@pytest.mark.parametrize("name", LOADERS)
@settings(max_examples=2_000, derandomize=False, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_many_bytes(tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject) -> None:
    """The same, longer, and other bytes each time."""
    try_bytes(tmp_path_factory.getbasetemp() / "many-bytes", LOADERS[name], data)


@pytest.mark.parametrize("name", LOADERS)
def test_the_examples_are_valid(tmp_path: Path, name: str) -> None:
    """What is mutated is a valid file, so that mutations get past the first check."""
    write_project(tmp_path)
    for example in LOADERS[name].examples:
        LOADERS[name].load(tmp_path, example.encode())
