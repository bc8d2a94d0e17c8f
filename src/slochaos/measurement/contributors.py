"""Where bad events are: by the labels in which the series differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from slochaos.measurement.samples import Contributor
from slochaos.measurement.selection import Child

MOST = 5


def contributors(bad_by_child: Mapping[Child, float], children: Iterable[Child]) -> tuple[Contributor, ...]:
    """The five largest shares of bad events, largest first.

    Labels that are the same on all of `children` (job, instance, ...) say nothing and are left out.
    """
    known = [dict(labels) for _, labels in {*children, *bad_by_child}]
    names = {name for labels in known for name in labels}
    telling = {name for name in names if len({labels.get(name, "") for labels in known}) > 1}
    bad: dict[tuple[tuple[str, str], ...], float] = {}
    for (_, labels), count in bad_by_child.items():
        key = tuple(pair for pair in labels if pair[0] in telling)
        bad[key] = bad.get(key, 0.0) + count
    ranked = sorted(bad.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Contributor(labels, round(count)) for labels, count in ranked[:MOST] if round(count) > 0)
