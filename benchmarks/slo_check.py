"""Four objectives each of 250 services, 1,000 SLO documents, over three windows: beside slo-generator.

Both ask the same real Prometheus for the same day, one after the other, and what really happened is known: so
there is a table of how far each is from it.

What ours cannot go below as it is, on two cores that make slo-generator take 17 s: 0.6 s for imports, 0.9 s to read
a thousand documents with their lines, and 1.6 s until the server has given its answers, four questions at a time: a
hundred of them, 32 MB, half of that the raw samples of the last hour. The rest is counting: three thousand windows
from samples, about a millisecond each.
"""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks import slo_generator
from benchmarks.figures import Figure, seconds
from benchmarks.watched_services import LIKES, Service, serve, services
from tests.prometheus_servers import ServerProcess, binaries
from tests.toxiproxy_servers import start_embedded

SERVICES = 250
WINDOWS = {"5m": 300, "1h": 3_600, "24h": 86_400}
ROUNDS = 3
DELAY_MS = 5
"""Of a packet, each way, where the server is not on this host."""


def measure(folder: Path) -> list[Figure]:
    """Wall time of the whole check, and how far from the truth the bad shares are."""
    watched = services(SERVICES, int(time.time()) // 60 * 60)
    server = serve(binaries(), folder / "prometheus", watched)
    try:
        return _compare(folder, server, watched)
    finally:
        server.end()


def _compare(folder: Path, server: ServerProcess, watched: Sequence[Service]) -> list[Figure]:
    both = _Both(folder, slo_generator.environment())
    write_documents(both.ours, both.theirs, watched)
    times = [both.timed(server.url) for _ in range(ROUNDS)]
    seen = watched[: len(LIKES)]
    truth = _truth([*_judgements(both.document(server.url), both.reports(seen), seen)])
    with _far_away(server.port, folder) as url:
        far = [both.timed(url)]
    away = f", the server {2 * DELAY_MS} ms away"
    return [_speed(times), _speed(far, away), truth]


@contextmanager
def _far_away(port: int, folder: Path) -> Iterator[str]:
    """The server's address as one in another place has it: through a proxy that takes its time."""
    toxiproxy = start_embedded(folder / "toxiproxy.log")
    try:
        host, through = toxiproxy.add_proxy("prometheus", f"127.0.0.1:{port}")
        for stream in ("upstream", "downstream"):
            toxiproxy.add_toxic("prometheus", "latency", stream=stream, latency=DELAY_MS)
        yield f"http://{host}:{through}"
    finally:
        toxiproxy.end()


@dataclass(frozen=True)
class _Both:
    """The two tools, and the same objectives in both one's words."""

    folder: Path
    programs: Path

    @property
    def ours(self) -> Path:
        return self.folder / "openslo"

    @property
    def theirs(self) -> Path:
        return self.folder / "slo-generator"

    def timed(self, url: str) -> tuple[float, float]:
        """Wall time of each, seconds, one after the other."""
        config = slo_generator.settings(self.folder, url, list(WINDOWS.values()))
        ours_s, _ = _timed(check_command(url, self.ours), self.folder, (0, 1, 3))
        theirs_s, _ = _timed(
            slo_generator.compute_command(self.programs, config, self.theirs), self.folder, (0,)
        )
        return ours_s, theirs_s

    def document(self, url: str) -> dict[str, Any]:
        """What ours says."""
        _, text = _timed(check_command(url, self.ours), self.folder, (0, 1, 3))
        document: dict[str, Any] = json.loads(text)
        return document

    def reports(self, seen: Sequence[Service]) -> dict[str, Any]:
        """What the peer says of some services, by name and window."""
        asked = [self.theirs / f"{service.name}-{kind}.yaml" for service in seen for kind in KINDS]
        return slo_generator.reports(self.programs, self.folder / "config.yaml", asked, self.folder)


def check_command(url: str, slos: Path) -> list[str]:
    """What a user types."""
    slochaos = str(Path(sys.executable).parent / "slochaos")
    return [
        *(slochaos, "slo", "check", "--quiet", "--prometheus", url, "--windows", ",".join(WINDOWS)),
        *("--format", "json", str(slos)),
    ]


def _timed(command: list[str], folder: Path, fine: Sequence[int]) -> tuple[float, str]:
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    took_s = time.perf_counter() - start
    if done.returncode not in fine:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return took_s, done.stdout


@dataclass(frozen=True)
class Kind:
    """One objective in both tools' words. `%` stands for the service."""

    target: float
    metrics: Mapping[str, Mapping[str, str]]
    method: str
    indicator: Mapping[str, Any]
    operator: str = "lte"


_HTTP = 'http_requests_total{service="%"'
_QUERIES = 'queries_total{service="%"'
_TOOK = 'took_seconds{service="%"}'

KINDS: Mapping[str, Kind] = {
    "success": Kind(
        0.999,
        {"total": {"selector": f"{_HTTP}}}"}, "good": {"selector": f'{_HTTP},code="200"}}'}},
        "good_bad_ratio",
        {"filter_good": f'{_HTTP},code="200"}}', "filter_valid": f"{_HTTP}}}"},
    ),
    "errors": Kind(
        0.999,
        {"total": {"selector": f"{_QUERIES}}}"}, "bad": {"selector": f'{_QUERIES},code="500"}}'}},
        "good_bad_ratio",
        {"filter_good": f'{_QUERIES},code="200"}}', "filter_bad": f'{_QUERIES},code="500"}}'},
        "lt",
    ),
    "latency": Kind(
        0.95,
        {"total": {"histogram": _TOOK}, "good": {"histogram": _TOOK, "at_most": "0.3s"}},
        "distribution_cut",
        {"expression": 'took_seconds_bucket{service="%"}', "threshold_bucket": "0.3"},
    ),
    "up": Kind(
        0.9995,
        {
            "total": {"samples": 'probe_success{service="%"}'},
            "good": {"samples": 'probe_success{service="%"}'},
        },
        "query_sli",
        {"expression": 'avg(avg_over_time(probe_success{service="%"}[window]))'},
    ),
}


def write_documents(ours: Path, theirs: Path, watched: Sequence[Service]) -> None:
    """The same objectives twice, a file each."""
    ours.mkdir()
    theirs.mkdir()
    for service in watched:
        for name, kind in KINDS.items():
            file = f"{service.name}-{name}.yaml"
            (ours / file).write_text(_filled(_openslo(f"{service.name}-{name}", kind), service))
            peers = slo_generator.document(
                f"{service.name}-{name}", kind.target, kind.method, dict(kind.indicator)
            )
            (theirs / file).write_text(_filled(peers, service))


def _filled(document: Mapping[str, Any], service: Service) -> str:
    """As YAML, of which JSON is a part."""
    return json.dumps(document, indent=1).replace("%", service.name)


def _openslo(name: str, kind: Kind) -> dict[str, Any]:
    sources = {
        part: {"metricSource": {"type": "prometheus", "spec": dict(spec)}}
        for part, spec in kind.metrics.items()
    }
    return {
        "apiVersion": "openslo/v1",
        "kind": "SLO",
        "metadata": {"name": name, "annotations": {"slochaos.dev/operator": kind.operator}},
        "spec": {
            "service": name.rpartition("-")[0],
            "indicator": {
                "metadata": {"name": name},
                "spec": {"ratioMetric": {"counter": True, **sources}},
            },
            "timeWindow": [{"duration": "24h", "isRolling": True}],
            "budgetingMethod": "Occurrences",
            "objectives": [{"target": kind.target}],
        },
    }


@dataclass(frozen=True)
class Judgement:
    """One bad share over one window: what it was, what each tool says, and whether ours holds the truth."""

    like: str
    window: str
    truth: float
    ours: float
    held: bool
    theirs: float | None

    @property
    def off(self) -> tuple[float, float]:
        """How far each is off, as a share of the truth; 1 for no answer, or for failures where none were."""
        return self._off(self.ours), 1.0 if self.theirs is None else self._off(self.theirs)

    def _off(self, said: float) -> float:
        return abs(said - self.truth) / self.truth if self.truth else float(said != 0)


def _judgements(
    document: Mapping[str, Any], reports: Mapping[str, Any], watched: Sequence[Service]
) -> Iterator[Judgement]:
    by_name = {each["name"]: each for each in document["objectives"]}
    for service in watched:
        for kind in ("success", "errors", "latency"):
            name = f"{service.name}-{kind}"
            for over in by_name[name]["windows"]:
                length_s = WINDOWS[over["window"]]
                yield _judgement(
                    service, kind, over, reports[name].get(str(length_s), {}), document["check"]["at"]
                )


def _judgement(
    service: Service, kind: str, over: Mapping[str, Any], report: Mapping[str, Any], at: str
) -> Judgement:
    end = datetime.fromisoformat(at).timestamp()
    bad, total = service.truth(kind, end - WINDOWS[over["window"]], end)
    counted = over["total"] - over["good"]
    low, high = over["bad_interval"]
    # Where the samples that enclose the window reach beyond it, what was counted did happen in their time.
    begin, finish = (datetime.fromisoformat(over[name]).timestamp() for name in ("from", "to"))
    seen, _ = service.truth(kind, begin, finish)
    return Judgement(
        like=service.like,
        window=over["window"],
        truth=bad / total,
        ours=counted / over["total"],
        held=low <= seen <= (math.inf if high is None else high),
        theirs=1 - report["sli_measurement"] if "sli_measurement" in report else None,
    )


def _speed(times: Sequence[tuple[float, float]], where: str = "") -> Figure:
    ours, theirs = [each[0] for each in times], [each[1] for each in times]
    return Figure(
        f"1,000 SLOs, 3 windows: slo check / slo-generator{where}",
        seconds(ours),
        seconds(theirs),
        statistics.median(a / b for a, b in times),
        goal=0.1,
        unit="x",
    )


def _truth(judged: Sequence[Judgement]) -> Figure:
    """The largest error of each, and in the note by kind of service and window."""
    lines = [
        f"{'bad share of':16} {'window':>6} {'truth':>8} {'slo check off by':>17} {'slo-generator off by':>21}"
    ]
    for like in LIKES:
        for window in WINDOWS:
            some = [each for each in judged if (each.like, each.window) == (like, window)]
            ours, theirs = (max(each.off[tool] for each in some) for tool in (0, 1))
            worst = max(some, key=lambda each: each.off[1])
            lines.append(f"{like:16} {window:>6} {worst.truth:8.4%} {ours:17.1%} {theirs:21.1%}")
    held = sum(each.held for each in judged)
    return Figure(
        "figures whose interval does not hold the truth",
        f"{len(judged) - held} of {len(judged)}; at most {max(each.off[0] for each in judged):.1%} off",
        f"no intervals; at most {max(each.off[1] for each in judged):.1%} off",
        float(len(judged) - held),
        goal=0,
        note="\n    ".join(lines),
    )
