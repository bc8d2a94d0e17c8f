"""Builders for what people write: one good file each, to be broken one way per test."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import yaml

SELECTOR = 'http_requests_total{job="api"}'


def write(path: Path, content: Any) -> Path:
    """Write text as it is, anything else as JSON or YAML by the path's suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    else:
        path.write_text(yaml_text(content), encoding="utf-8")
    return path


class _PlainDumper(yaml.SafeDumper):
    """Writes equal objects out instead of using anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def yaml_text(*documents: Any) -> str:
    """YAML documents without anchors."""
    return yaml.dump_all(documents, Dumper=_PlainDumper, sort_keys=False)


def line_of(path: Path, text: str) -> int:
    """The first line (from 1) that holds the text."""
    return next(number for number, line in enumerate(path.read_text().splitlines(), start=1) if text in line)


def changed(document: Any, *path: str | int, to: Any = None, drop: bool = False) -> Any:
    """A copy with the value at `path` replaced, added or dropped."""
    result = copy.deepcopy(document)
    parent = result
    for step in path[:-1]:
        parent = parent[step]
    if drop:
        del parent[path[-1]]
    else:
        parent[path[-1]] = to
    return result


def metric(**spec: Any) -> dict[str, Any]:
    return {"metricSource": {"type": "prometheus", "spec": spec}}


GOOD_SLO: dict[str, Any] = {
    "apiVersion": "openslo/v1",
    "kind": "SLO",
    "metadata": {"name": "api-success", "displayName": "API success"},
    "spec": {
        "service": "shop",
        "budgetingMethod": "Occurrences",
        "timeWindow": [{"duration": "7d", "isRolling": True}],
        "indicator": {
            "metadata": {"name": "success"},
            "spec": {
                "ratioMetric": {
                    "counter": True,
                    "good": metric(selector='http_requests_total{job="api",code=~"2.."}'),
                    "total": metric(selector=SELECTOR),
                }
            },
        },
        "objectives": [{"target": 0.999}],
    },
}

GOOD_ENVIRONMENT: dict[str, Any] = {
    "name": "staging",
    "variables": {"api_job": "api"},
    "ports": ["api"],
    "slos": ["shop.slos.yaml"],
    "sources": [{"name": "api", "scrape": "http://127.0.0.1:${port_api}/metrics", "every": "250ms"}],
    "targets": {
        "toxiproxy": [
            {
                "server": "http://127.0.0.1:8474",
                "proxies": [{"name": "database", "listen": "127.0.0.1:15432", "upstream": "127.0.0.1:5432"}],
            }
        ]
    },
    "caps": {"max_faults": 1, "max_duration": "1m"},
    "services": [
        {"name": "api", "command": ["${python}", "-m", "api", "${port_api}"], "needs": ["cache"]},
        {"name": "cache", "command": ["cache"], "ready": {"tcp": "127.0.0.1:6379", "within": "5s"}},
    ],
}


def action(func: str, name: str = "break it", **arguments: Any) -> dict[str, Any]:
    return {
        "type": "action",
        "name": name,
        "provider": {
            "type": "python",
            "module": "slochaos.extension.actions",
            "func": func,
            "arguments": arguments,
        },
    }


def foreign(module: str = "shop.chaos", func: str = "stop", kind: str = "action") -> dict[str, Any]:
    return {
        "type": kind,
        "name": f"{func} it",
        "provider": {"type": "python", "module": module, "func": func},
    }


def holds(objective: str = "api-success") -> dict[str, Any]:
    return {
        "type": "probe",
        "name": f"{objective} holds",
        "tolerance": True,
        "provider": {
            "type": "python",
            "module": "slochaos.extension.probes",
            "func": "objective_holds",
            "arguments": {"objective": objective},
        },
    }


GOOD_EXPERIMENT: dict[str, Any] = {
    "title": "The shop survives",
    "description": "without its database",
    "extensions": [
        {"name": "slochaos", "objectives": {"api-success": {"hold": "99%", "cost": "5%"}}, "baseline": "10s"}
    ],
    "steady-state-hypothesis": {"title": "all is well", "probes": [holds()]},
    "method": [action("toxiproxy", toxic="outage", duration="20s")],
    "rollbacks": [action("end_faults", "end all")],
}

OUTAGE: dict[str, Any] = {"proxy": "database", "enabled": False}
SLOW: dict[str, Any] = {
    "proxy": "database",
    "toxics": [{"type": "latency", "stream": "downstream", "toxicity": 1.0, "attributes": {"latency": 100}}],
}


def write_project(folder: Path, experiment: Any = None, environment: Any = None) -> tuple[Path, Path]:
    """A whole project; gives the experiment's and the environment's files."""
    write(folder / "toxics/outage.json", OUTAGE)
    write(folder / "toxics/slow.json", SLOW)
    write(folder / "environments/shop.slos.yaml", GOOD_SLO)
    return (
        write(folder / "experiments/outage.json", GOOD_EXPERIMENT if experiment is None else experiment),
        write(folder / "environments/staging.yaml", GOOD_ENVIRONMENT if environment is None else environment),
    )
