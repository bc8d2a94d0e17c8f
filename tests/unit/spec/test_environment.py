"""Environments: three lines are enough, and every mistake is named before anything starts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from slochaos.errors import InvalidInput
from slochaos.paths import example_dir
from slochaos.spec import environment
from slochaos.spec.environment import Caps, Environment, Ready, Service
from slochaos.spec.sources import ScrapeSource
from slochaos.spec.targets import AllowedProxy
from tests.unit.spec.writing import GOOD_ENVIRONMENT, changed, write, write_project

VALUES = {"port_api": "4711", "run_dir": "/run", "run_id": "r1", "secret": "hush"}
PROXY = ("targets", "toxiproxy", 0, "proxies", 0)


def resolve(folder: Path, content: Any, values: Any = VALUES, **overrides: str) -> Environment:
    _, path = write_project(folder, environment=content)
    return environment.resolve(environment.read(path), values, overrides)


def problem(folder: Path, content: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        resolve(folder, content)
    return str(caught.value)


def broken(*path: str | int, to: Any = None, drop: bool = False) -> Any:
    return changed(GOOD_ENVIRONMENT, *path, to=to, drop=drop)


def test_a_whole_environment(tmp_path: Path) -> None:
    """Every part arrives resolved; services come after what they need."""
    found = resolve(tmp_path, GOOD_ENVIRONMENT)
    folder = str(tmp_path / "environments")
    assert found.name == "staging"
    assert found.sources == (ScrapeSource("api", "http://127.0.0.1:4711/metrics", 0.25),)
    assert found.targets.proxies == (
        AllowedProxy("http://127.0.0.1:8474", "database", "127.0.0.1:15432", "127.0.0.1:5432"),
    )
    assert found.caps == Caps(max_faults=1, max_duration_s=60)
    assert found.services == (
        Service("cache", ("cache",), ready=Ready(tcp="127.0.0.1:6379", within_s=5), directory=folder),
        Service("api", (sys.executable, "-m", "api", "4711"), needs=("cache",), directory=folder),
    )
    assert [objective.name for objective in found.objectives] == ["api-success"]
    assert found.self_contained


def test_three_lines_are_enough(tmp_path: Path) -> None:
    """SLO files, sources and targets; the name is the file's, the rest has defaults."""
    write_project(tmp_path)
    text = """
slos: [shop.slos.yaml]
sources: [{name: api, scrape: "http://10.0.0.7:8000/metrics"}]
targets:
  toxiproxy: [{server: "http://10.0.0.8:8474/", proxies: [{name: db, listen: "0.0.0.0:1", upstream: "db:5432"}]}]
"""
    file = environment.read(write(tmp_path / "environments/shop.yaml", text))
    found = environment.resolve(file, {}, {})
    assert (found.name, found.protected, found.caps, found.drain_s, found.self_contained) == (
        "shop",
        False,
        Caps(),
        3.0,
        False,
    )
    assert (found.budget.scope, found.budget.mode) == ("rolling", "enforce")
    assert found.targets.proxies == (AllowedProxy("http://10.0.0.8:8474", "db", "0.0.0.0:1", "db:5432"),)


def test_variables_and_overrides(tmp_path: Path) -> None:
    """`--set` replaces a variable or a port for one run; SLO files see variables only."""
    found = resolve(
        tmp_path,
        changed(GOOD_ENVIRONMENT, "services", 1, "command", to=["${api_job}", "$$1", "${secret}"]),
        api_job="x",
        port_api="99",
    )
    assert found.variables == {"api_job": "x"}
    assert found.services[0].command == ("x", "$1", "hush")
    assert found.sources[0].url == "http://127.0.0.1:99/metrics"
    for name, expected in (("api_jb", "did you mean 'api_job'?"), ("port_apo", "did you mean 'port_api'?")):
        with pytest.raises(InvalidInput) as caught:
            resolve(tmp_path, GOOD_ENVIRONMENT, **{name: "x"})
        assert expected in str(caught.value)
    for port in ("0", "x", "65536", "-1", "٣"):
        with pytest.raises(InvalidInput):
            resolve(tmp_path, GOOD_ENVIRONMENT, port_api=port)


def test_values_cannot_change_structure(tmp_path: Path) -> None:
    """A value with quotes, newlines and YAML in it stays inside the text that names it."""
    evil = '"}\n- name: x\n  command: [rm]'
    found = resolve(
        tmp_path, changed(GOOD_ENVIRONMENT, "services", 1, "command", to=["${api_job}"]), api_job=evil
    )
    assert found.services[0].command == (evil,)
    assert len(found.services) == 2


def test_placeholders_resolve_without_a_run(tmp_path: Path) -> None:
    """`validate` and `plan` resolve everything without choosing a port."""
    _, path = write_project(tmp_path)
    file = environment.read(path)
    assert environment.resolve(file, environment.placeholders(file), {}).objectives


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("- a\n", "is a list, has to be a mapping"),
        (broken("nmae", to="x"), "nmae: no field of that name\n  -> did you mean 'name'?"),
        (broken("name", to="a b"), "'a b' is no name"),
        (broken("protected", to="yes"), "protected: is the text 'yes', has to be true or false"),
        (broken("variables", "a-b", to="x"), "'a-b' is no name of a variable"),
        (broken("variables", "secret", to="x"), "'secret' is set by the run itself"),
        (broken("variables", "port_x", to="x"), "'port_x' is set by the run itself"),
        (broken("variables", "x", to=["y"]), "variables.x: is a list, has to be text or a number"),
        (broken("variables", "x", to="${port_api}"), "a variable's own value is not filled"),
        (broken("ports", to=["api", "api"]), "ports[1]: 'api' is no name of a port, or stands twice"),
        (broken("ports", to=["a b"]), "is no name of a port"),
        (
            broken("sources", 0, "scrape", to="http://x:${port_apo}/"),
            "sources[0].scrape: the variable 'port_apo' is not set\n  -> did you mean 'port_api'?",
        ),
        (broken("description", to="${api_jbo}"), "did you mean 'api_job'?"),
        (broken("slos", to=["shp.slos.yaml"]), "did you mean 'shop.slos.yaml'?"),
        (broken("slos", to="shop.slos.yaml"), "has to be a list"),
        (broken("sources", 0, "name", drop=True), "sources[0]: 'name' is missing"),
        (broken("sources", 0, "every", to="0s"), "0s is outside of 50ms to 1h"),
        (broken("sources", 0, "every", to=1), "is the number 1, has to be a duration"),
        (broken("sources", 0, "scrape", to="file:///etc/passwd"), "is not an http:// or https:// URL"),
        (broken("sources", 0, "scrape", to="http://169.254.169.254/latest"), "is a link-local address"),
        (broken("sources", 0, "scrape", to="http://0xa9fea9fe/"), "is a link-local address"),
        (broken("sources", 0, "scrape", to="http://[fe80::1]/"), "is a link-local address"),
        (broken("sources", 0, "scrape", to="http://[::ffff:169.254.0.1]/"), "is a link-local address"),
        (broken("sources", 0, "scrape", to="http://u:p@host/"), "credentials do not belong into a URL"),
        (broken("sources", 0, "scrape", to="http://host:99999/"), "is not a URL"),
        (broken("sources", 0, "scrape", to="http://a b/"), "is not an http:// or https:// URL"),
        (broken("sources", to=GOOD_ENVIRONMENT["sources"] * 2), "a second source named 'api'"),
        (broken("targets", to={"podman": []}), "targets.podman: no field of that name"),
        (broken(*PROXY, "listen", to="127.0.0.1"), "'127.0.0.1' is not host:port"),
        (broken(*PROXY, "upstream", to="db:0"), "is not host:port"),
        (broken(*PROXY, "upstream", to="169.254.169.254:80"), "is a link-local address"),
        (broken(*PROXY, "upstream", drop=True), "'upstream' is missing"),
        (
            broken("targets", "toxiproxy", to=GOOD_ENVIRONMENT["targets"]["toxiproxy"] * 2),
            "a second proxy named 'database'",
        ),
        (broken("caps", "max_faults", to=0), "0 is outside of 1 to 100"),
        (broken("caps", "max_duration", to="25h"), "25h is outside of 1ms to 1d"),
        (broken("budget", to={"scope": "rnu"}), "did you mean 'run'?"),
        (broken("drain", to="-1s"), "is not a duration"),
        (broken("services", 1, "command", to=[]), "services[1].command: is empty"),
        (broken("services", 1, "command", to="cache"), "has to be a list"),
        (broken("services", 1, "name", to="api"), "a second service named 'api'"),
        (
            broken("services", 0, "needs", to=["cahce"]),
            "needs 'cahce', which is no service\n  -> did you mean 'cache'?",
        ),
        (broken("services", 1, "needs", to=["api"]), "'api' needs itself in the end"),
        (broken("services", 1, "stop", to="KILL"), "'KILL' is not one of TERM, INT"),
        (broken("services", 1, "ready", to={}), "exactly one of tcp, http, has none"),
        (
            broken("services", 1, "environment", to={"A=B": "c"}),
            "'A=B' is no name of an environment variable",
        ),
    ],
)
def test_each_mistake_has_its_message(tmp_path: Path, content: Any, expected: str) -> None:
    """One wrong field, one message with file, line, path and what would be right."""
    message = problem(tmp_path, content)
    assert expected in message
    assert "staging.yaml:" in message or "shp.slos.yaml" in message


def test_where_environments_are_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """./environments, then beside the experiment's folder, then the examples; a path is taken as it is."""
    experiment, path = write_project(tmp_path / "project")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert environment.find("staging", experiment) == path
    assert environment.find("local") == example_dir() / "environments/local.yaml"
    write(tmp_path / "here/environments/staging.yaml", GOOD_ENVIRONMENT)
    assert environment.find("staging", experiment) == Path("environments/staging.yaml")
    assert environment.find("../x/y.yaml") == Path("../x/y.yaml")
    for name in ("stagin", "..", "", "a\0b"):
        with pytest.raises(InvalidInput, match="there is no environment"):
            environment.find(name, experiment)
