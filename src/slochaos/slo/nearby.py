"""What a server has that may count something, where no preset knows it: names, labels, and a draft to start from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slochaos.measurement.prometheus.server import PrometheusServer
from slochaos.spec.importers.imported import ImportedSlo, Target, Window
from slochaos.spec.importers.writing import to_yaml
from slochaos.spec.objectives import Counter, Indicator, Samples
from slochaos.spec.selectors import Matcher, Selector

MOST = 5
_LOOK_S = 300.0
_TELLING = (
    *("request", "response", "http", "rpc", "call", "query", "queries", "command", "job", "task", "message"),
    *("success", "fail", "error", "handled", "processed", "completed", "probe", "check"),
)
_OF_THE_RUNTIME = re.compile(
    r"(go|process|python|jvm|scrape|prometheus|promhttp|node|net_conntrack|ALERTS)(_|$).*"
)
_GAUGE = re.compile(r".*_(success|up|healthy|ok)")
_FAILED = re.compile(r".*(err|fail|exception|timeout|reject|5xx|critical).*", re.IGNORECASE)


@dataclass(frozen=True)
class Nearby:
    """A metric that may count events, and the labels that its series have, each with some of its values."""

    name: str
    labels: dict[str, tuple[str, ...]]

    @property
    def failing(self) -> tuple[str, str] | None:
        """A label and a value of it that reads like a failure."""
        pairs = ((name, value) for name, values in self.labels.items() for value in values)
        return next(((name, value) for name, value in pairs if _FAILED.fullmatch(value)), None)

    def __str__(self) -> str:
        labels = [name for name in self.labels if name not in ("job", "instance")]
        return f"{self.name} ({', '.join(labels)})" if labels else self.name


def nearby(server: PrometheusServer, now: float) -> tuple[Nearby, ...]:
    """The metrics whose names come closest to counting requests, jobs or checks; closest first. Raises SourceError."""
    close = sorted(server.label_values("__name__"), key=lambda name: (-_closeness(name), len(name), name))
    names = [name for name in close if _closeness(name)][:MOST]
    if not names:
        return ()
    series = server.series([str(Selector(name)) for name in names], now - _LOOK_S, now)
    return tuple(
        Nearby(name, _labels(each for each in series if each.get("__name__") == name)) for name in names
    )


def draft(found: Sequence[Nearby]) -> str:
    """An OpenSLO document that counts the closest one; what cannot be known is in capital letters."""
    name = found[0].name if found else "MY_REQUESTS_TOTAL"
    if _GAUGE.fullmatch(name):
        samples = Samples(Selector(name))
        indicator = Indicator(total=samples, good=samples)
    else:
        label, value = (found[0].failing if found else None) or ("LABEL", "THE VALUE OF THOSE THAT FAILED")
        bad = Counter(Selector(name, (Matcher(label, "=", value),)))
        indicator = Indicator(total=Counter(Selector(name)), bad=bad)
    return to_yaml(
        [ImportedSlo("my-objective", "my-service", Target("target", "0.999"), Window("7d"), indicator)]
    )


def _closeness(name: str) -> int:
    """How many telling words are in the name of what may be a counter, or a gauge of 0 and 1."""
    if _OF_THE_RUNTIME.fullmatch(name) or not (name.endswith(("_total", "_count")) or _GAUGE.fullmatch(name)):
        return 0
    return sum(word in name for word in _TELLING)


def _labels(series: Iterable[dict[str, str]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for name, value in ((n, v) for each in series for n, v in each.items() if n != "__name__"):
        found.setdefault(name, set()).add(value)
    return {name: tuple(sorted(values)) for name, values in sorted(found.items())}
